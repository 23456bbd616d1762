import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { createPrometheus } from '../../src/prometheus/client.ts';
import type { Preset } from '../../src/rollout/metric-families/families.ts';
import { json, startServer } from './prometheus-server.ts';

const never = new AbortController().signal;
type Series = Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;

/** A Prometheus that knows these series of these pods, each with the value 100, and understands what discovery asks. */
async function asking(series: Series, given: { readonly preset?: Preset; readonly pods?: readonly string[] } = {}) {
  await using server = await startServer(({ parameters }, response) => {
    const query = parameters.get('query') ?? '';
    const [, by = '', counter = '', selector = ''] = /^(?:count|sum)(?: by \(([^)]*)\))? \((\w+)\{(.*)\}\)$/s.exec(query) ?? [];
    const wanted = /(\w+)!=""/.exec(selector)?.[1];
    const found = (series[counter] ?? []).filter((labels) => wanted === undefined || labels[wanted] !== undefined);
    const groups = new Map(
      found.map((labels) => {
        const metric = Object.fromEntries(by.split(', ').flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
        return [JSON.stringify(metric), metric];
      }),
    );
    const result = [...groups.values()].map((metric) => ({ metric, value: [1000, '100'] }));
    json(response, { status: 'success', data: { resultType: 'vector', result } });
  });
  const source = createPrometheus({
    address: { kind: 'url', url: server.url },
    fetchService: () => Promise.reject(new Error('not asked')),
    namespace: 'shop',
    queries: undefined,
    preset: given.preset,
  });
  const { pods = ['s'] } = given;
  const found = await source.preflight(pods, never).catch((error: unknown) => error);
  const reading = await source.read({ canary: ['c'], stable: pods }, never);
  return { found, reading, asked: server.received.map((one) => one.parameters.get('query') ?? '') };
}

const pod = (name: string, labels: Readonly<Record<string, string>>) => ({ pod: name, job: 'pods', ...labels });

describe('discovery', () => {
  it('podinfo: the histogram, whose path tells probes from requests', async () => {
    const { found, asked } = await asking({
      http_requests_total: [pod('s', { status: '200' })],
      http_request_duration_seconds_count: [
        pod('s', { status: '200', path: 'root', method: 'GET' }),
        pod('s', { status: '503', path: 'readyz' }),
      ],
    });
    expect(found).toMatchObject({
      source: [
        expect.stringContaining('http_request_duration_seconds_count by status, without probes and scrapes (by path) (prometheus-client)'),
      ],
    });
    expect(asked.at(-1)).toMatch(/^sum by \(pod, job, code, status, status_code\) \(http_request_duration_seconds_count\{.*path!~"/);
    expect(asked.join('\n')).not.toContain('http_server_request_duration');
  });

  it("OpenTelemetry's names, and the next preset is not asked for", async () => {
    const { found, reading, asked } = await asking({
      http_server_request_duration_seconds_count: [
        pod('s', { http_response_status_code: '200', http_route: '/' }),
        pod('c', { http_response_status_code: '500', http_route: '/' }),
      ],
    });
    expect(found).toMatchObject({
      source: [expect.stringContaining('http_server_request_duration_seconds_count by http_response_status_code')],
    });
    expect(reading).toEqual({
      kind: 'reading',
      reading: { canary: { c: { errors: 100, requests: 100 } }, stable: { s: { errors: 0, requests: 100 } } },
    });
    expect(asked.join('\n')).not.toContain('grpc_server_handled_total');
  });

  it('a preset asks for nothing else', async () => {
    const { found, asked } = await asking(
      { http_requests_total: [pod('s', { code: '200' })], response_total: [pod('s', { classification: 'success' })] },
      { preset: 'linkerd' },
    );
    expect(found).toMatchObject({ source: [expect.stringContaining('response_total by classification, direction inbound (linkerd)')] });
    expect(asked.filter((query) => !query.includes('response_total{'))).toEqual([]);
  });

  it('a preset that is not there is refused, with what was looked for', async () => {
    const { found } = await asking({ http_requests_total: [pod('s', { code: '200' })] }, { preset: 'grpc' });
    expect(found).toBeInstanceOf(UserError);
    expect(found).toMatchObject({ code: 'metrics-empty', hint: expect.stringContaining('grpc_server_handled_total by grpc_code') });
  });

  it('a family that does not tell what failed is named', async () => {
    const { found } = await asking({ http_requests_total: [pod('s', { method: 'GET' })] });
    expect(found).toMatchObject({ hint: expect.stringContaining('Found without a label that tells what failed: http_requests_total') });
  });

  it('hundreds of pods: a few tell', async () => {
    const pods = Array.from({ length: 300 }, (_, index) => `web-${index}`);
    const { asked } = await asking({ http_requests_total: pods.map((name) => pod(name, { code: '200' })) }, { pods });
    expect(asked.filter((query) => query.startsWith('count')).every((query) => query.length < 500)).toBe(true);
  });

  it('two replicas of Prometheus without deduplication: each request counts once', async () => {
    const both = (name: string, code: string) =>
      ['a', 'b'].map((replica) => pod(name, { code, prometheus_replica: replica, prometheus: 'main' }));
    const { found, reading, asked } = await asking({ http_requests_total: [...both('s', '200'), ...both('c', '500')] });
    expect(asked.at(-1)).toMatch(/^sum by \(pod, job, prometheus_replica, code, status, status_code\) \(http_requests_total/);
    expect(found).toMatchObject({
      warnings: [],
      source: [expect.stringContaining('once for all replicas of Prometheus (prometheus_replica)')],
    });
    expect(reading).toEqual({
      kind: 'reading',
      reading: { canary: { c: { errors: 100, requests: 100 } }, stable: { s: { errors: 0, requests: 100 } } },
    });
  });

  it('a label that may be one of theirs, or the application’s: said, as nobody knows', async () => {
    const { found, asked } = await asking({
      http_requests_total: ['a', 'b'].map((replica) => pod('s', { code: '200', replica })),
    });
    expect(asked.at(-1)).toMatch(/^sum by \(pod, job, code, status, status_code\)/);
    expect(found).toMatchObject({
      warnings: [expect.stringMatching(/^the counters of pod s come with 2 values of the label replica: if /)],
    });
  });

  it('a pod with one value of it is none of two', async () => {
    const { found } = await asking({ http_requests_total: [pod('s', { code: '200', replica: '0' })] });
    expect(found).toMatchObject({ warnings: [] });
  });

  it('slow requests: the bucket of the asked bound, as it is stored, and all bounds for a message', async () => {
    const asked: string[] = [];
    await using server = await startServer(({ parameters }, response) => {
      const query = parameters.get('query') ?? '';
      asked.push(query);
      const vectorOf = (result: unknown) => json(response, { status: 'success', data: { resultType: 'vector', result } });
      const one = (metric: object, value = '100') => ({ metric, value: [1000, value] });
      if (query.startsWith('count by (le)')) vectorOf(['0.1', '0.30', '+Inf'].map((le) => one({ le })));
      else if (query.startsWith('count by (code')) vectorOf(query.includes('http_requests_total{') ? [one({ code: '200' })] : []);
      else if (query.startsWith('count')) vectorOf([]);
      else
        vectorOf([
          one({ pod: 's', job: 'a', code: '200' }),
          one({ pod: 's', job: 'a', gated_rollout_side: 'all-times' }, '120'),
          one({ pod: 's', job: 'a', gated_rollout_side: 'quick' }, '110'),
          one({ pod: 's', job: 'b', gated_rollout_side: 'quick' }, '5'),
          one({ pod: 'c', job: 'a', code: '200' }),
        ]);
    });
    const source = createPrometheus({
      address: { kind: 'url', url: server.url },
      fetchService: () => Promise.reject(new Error('not asked')),
      namespace: 'shop',
      queries: undefined,
      slowBoundMs: 300,
    });
    expect(await source.preflight(['s'], never)).toMatchObject({ bucketBoundsMs: [100, 300] });
    expect(await source.read({ canary: ['c'], stable: ['s'] }, never)).toEqual({
      kind: 'reading',
      reading: { canary: { c: { errors: 0, requests: 100 } }, stable: { s: { errors: 0, requests: 100, slow: 10 } } },
    });
    expect(asked.at(-1)).toBe(
      'sum by (pod, job, code, status, status_code) (http_requests_total{namespace="shop",pod=~"c|s"}) or ' +
        'label_replace(sum by (pod, job) (http_request_duration_seconds_bucket{namespace="shop",pod=~"c|s",le="+Inf"}), "gated_rollout_side", "all-times", "", "") or ' +
        'label_replace(sum by (pod, job) (http_request_duration_seconds_bucket{namespace="shop",pod=~"c|s",le="0.30"}), "gated_rollout_side", "quick", "", "")',
    );
  });

  it('an answer that cannot be used: refused, with the query', async () => {
    await using server = await startServer((_, response) =>
      json(response, { status: 'success', data: { resultType: 'vector', result: [] }, warnings: ['a store is down'] }),
    );
    const source = createPrometheus({
      address: { kind: 'url', url: server.url },
      fetchService: () => Promise.reject(new Error('not asked')),
      namespace: 'shop',
      queries: undefined,
    });
    await expect(source.preflight(['s'], never)).rejects.toMatchObject({
      code: 'metrics-unreachable',
      message: 'Prometheus cannot be used: the data may be partial: a store is down',
      hint: expect.stringContaining('count by (code, status, status_code) (http_requests_total{'),
    });
  });
});
