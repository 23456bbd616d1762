import { describe, expect, it } from 'vitest';
import { Fault, UserError } from '../../src/errors.ts';
import { createPodMetrics } from '../../src/pod-metrics/client.ts';
import type { FetchPage } from '../../src/pod-metrics/page.ts';
import type { Clock, MetricsEndpoint, PodNames } from '../../src/runner/ports.ts';

const never = new AbortController().signal;
const endpoint: MetricsEndpoint = { scheme: 'http', port: 8080, path: '/metrics', query: {} };
const at = (...pods: readonly string[]) => Object.fromEntries(pods.map((pod) => [pod, endpoint]));

/** Pods whose counters grow by `perSecond` with the virtual clock; a page may be set to any text or a fault. */
function cluster(names: readonly string[], perSecond = 10) {
  const pages = new Map<string, string | Error>();
  const asked: string[] = [];
  let nowMs = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    async sleep(ms) {
      nowMs += ms;
    },
  };
  const fetchPage: FetchPage = async (pod) => {
    asked.push(pod);
    const page = pages.get(pod);
    if (page instanceof Error) throw page;
    return page ?? `http_requests_total{code="200"} ${100 + (nowMs / 1000) * perSecond}\n`;
  };
  const source = createPodMetrics({ fetchPage, preset: undefined, clock });
  const preflight = () => source.preflight(names, never, at(...names));
  const read = (pods: PodNames) => source.read({ endpoints: at(...pods.canary, ...pods.stable), ...pods }, never);
  return { pages, asked, source, preflight, read, clock, forget: () => asked.splice(0) };
}

const stable = ['s-1', 's-2'];
const counts = (requests: number, errors = 0) =>
  `http_requests_total{code="200"} ${requests - errors}\nhttp_requests_total{code="500"} ${errors}\n`;

describe('before the start', () => {
  it('measures the traffic of all from those that are read, and says what it reads', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `s-${String(index).padStart(2, '0')}`);
    const { preflight, asked } = cluster(many);
    const traffic = await preflight();
    expect(traffic).toMatchObject({ requestsPerSecond: 200, errorRate: 0, podsWithoutSeries: [] });
    expect(new Set(asked).size).toBe(8);
    expect(traffic.source).toEqual([
      'metrics: read from the pods themselves through the API server, about once a second, no Prometheus: every canary pod and 8 of 20 stable pods (port 8080/metrics); http_requests_total by code, probes and scrapes included where it counts them (prometheus-client)',
    ]);
  });

  it('hardly any traffic is waited for, with a bound', async () => {
    const { preflight, clock } = cluster(stable, 0);
    expect(await preflight()).toMatchObject({ requestsPerSecond: 0, errorRate: 0 });
    expect(clock.nowMs()).toBe(10_000);
  });

  it.each<[string, string | Error, string, string]>([
    [
      'nobody answers',
      new Fault('forbidden', 'pods/proxy is forbidden', false),
      'metrics-unreachable',
      'cannot be read: pod s-1: pods/proxy is forbidden',
    ],
    ['no page of metrics', '<html>\n', 'metrics-unreachable', 'pod s-1: this is no page of metrics'],
    ['no known metric', 'go_goroutines 5\n', 'metrics-empty', 'serve no metric that tells requests and errors'],
  ])('%s: refused', async (_, page, code, message) => {
    const { pages, preflight } = cluster(stable);
    for (const pod of stable) pages.set(pod, page);
    const error = await preflight().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('no pod that announces a port: refused, with what to set', async () => {
    const { source } = cluster(stable);
    await expect(source.preflight(stable, never, {})).rejects.toMatchObject({
      code: 'metrics-unreachable',
      hint: expect.stringContaining('prometheus.io/port'),
    });
  });
});

describe('faults, each with its effect', () => {
  async function started(names: readonly string[] = stable) {
    const scene = cluster(names);
    await scene.preflight();
    scene.forget();
    return scene;
  }

  it('both arms are read at once', async () => {
    const { read, pages } = await started();
    pages.set('c', counts(20, 10)).set('s-1', counts(90)).set('s-2', counts(80, 1));
    expect(await read({ canary: ['c'], stable })).toEqual({
      kind: 'reading',
      reading: {
        canary: { c: { errors: 10, requests: 20 } },
        stable: { 's-1': { errors: 0, requests: 90 }, 's-2': { errors: 1, requests: 80 } },
        silent: [],
      },
    });
  });

  it('slow requests are counted where a bound is asked for', async () => {
    const page = `http_requests_total{code="200"} 100\nhttp_request_duration_seconds_bucket{le="0.3"} 90\nhttp_request_duration_seconds_bucket{le="+Inf"} 100\n`;
    const source = createPodMetrics({
      fetchPage: async () => page,
      preset: undefined,
      slowBoundMs: 300,
      clock: cluster([]).clock,
    });
    expect(await source.preflight(stable, never, at(...stable))).toMatchObject({ bucketBoundsMs: [300] });
    expect(await source.read({ canary: ['c'], stable, endpoints: at('c', ...stable) }, never)).toMatchObject({
      reading: { canary: { c: { requests: 100, slow: 10 } } },
    });
  });

  it('a pod that does not answer is a gap, not zero', async () => {
    const { read, pages } = await started();
    pages
      .set('c', counts(5))
      .set('s-1', new Fault('timeout', 'no answer within 1000 ms', true))
      .set('s-2', counts(80));
    expect(await read({ canary: ['c'], stable })).toMatchObject({ reading: { stable: { 's-2': { requests: 80 } } } });
    expect(JSON.stringify(await read({ canary: ['c'], stable }))).not.toContain('s-1');
  });

  it('a canary pod that does not answer is named: nothing passes without it', async () => {
    const { read, pages } = await started();
    pages.set('c', counts(5)).set('d', new Fault('timeout', 'no answer within 1000 ms', true));
    expect(await read({ canary: ['c', 'd'], stable })).toMatchObject({ reading: { silent: ['d'], canary: { c: { requests: 5 } } } });
  });

  it.each<[string, string | Error, string]>([
    ['does not answer', new Fault('timeout', 'no answer within 1000 ms', true), 'pod c: no answer within 1000 ms'],
    ['serves NaN', 'http_requests_total{code="200"} NaN\n', 'pod c: a counter whose value is NaN'],
    ['is cut off', 'http_requests_total{code="200"} 12', 'pod c: the page of metrics is cut off'],
    ['does not tell what failed', 'http_requests_total{method="GET"} 12\n', 'pod c: http_requests_total does not tell what failed'],
  ])('the only canary pod %s: nothing is known', async (_, page, why) => {
    const { read, pages } = await started();
    pages.set('c', page);
    expect(await read({ canary: ['c'], stable })).toEqual({ kind: 'unavailable', why: expect.stringContaining(why), silent: ['c'] });
  });

  it('no stable pod answers: nothing is known', async () => {
    const { read, pages } = await started();
    for (const pod of stable) pages.set(pod, new Fault('server', '503 connection refused', true));
    expect(await read({ canary: ['c'], stable })).toEqual({ kind: 'unavailable', why: 'pod s-1: 503 connection refused', silent: [] });
  });

  it('a pod that has not answered a request yet has no counter', async () => {
    const { read, pages } = await started();
    pages.set('c', 'go_goroutines 5\n');
    expect(await read({ canary: ['c'], stable })).toMatchObject({ kind: 'reading', reading: { canary: {}, silent: [] } });
  });

  it('a canary pod that does not run yet, or says no port, is not asked: nobody has heard of it', async () => {
    const { read, asked } = await started();
    expect(await read({ canary: ['c'], stable, endpoints: at(...stable) })).toMatchObject({ reading: { silent: ['c'] } });
    expect(asked).not.toContain('c');
  });

  it('the stable pods stay the same; one that vanishes gives way to one that was born since, never to an older one', async () => {
    const many = Array.from({ length: 10 }, (_, index) => `s-${index}`);
    const { read, asked, forget } = await started(many);
    await read({ canary: [], stable: many });
    expect(asked.sort()).toEqual(many.slice(0, 8));
    forget();
    const without = many.filter((pod) => pod !== 's-3');
    await read({ canary: [], stable: without });
    expect(asked.sort()).toEqual(many.slice(0, 8).filter((pod) => pod !== 's-3'));
    forget();
    await read({ canary: [], stable: [...without, 'a-new'] });
    expect(asked.sort()).toEqual(['a-new', ...many.slice(0, 8).filter((pod) => pod !== 's-3')]);
  });

  it('a bug is no gap', async () => {
    const { read, pages } = await started();
    pages.set('c', new TypeError('bug'));
    await expect(read({ canary: ['c'], stable })).rejects.toThrow(TypeError);
  });

  it('without a look before the start nothing is known', async () => {
    const { read } = cluster(stable);
    expect(await read({ canary: ['c'], stable })).toMatchObject({ kind: 'unavailable' });
  });
});
