import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Fault, UserError } from '../../src/errors.ts';
import { createPrometheus } from '../../src/prometheus/client.ts';
import type { FetchService } from '../../src/prometheus/transport.ts';
import { type Handler, json, startServer, vector } from './prometheus-server.ts';

const pods = { canary: ['c'], stable: ['s'] };
const never = new AbortController().signal;
const noService: FetchService = () => Promise.reject(new Error('not asked'));
const reading = { kind: 'reading', reading: { canary: { c: { errors: 3, requests: 13 } }, stable: { s: { errors: 0, requests: 90 } } } };
const counters = { c: { 200: 10, 500: 3 }, s: { 200: 90 } };

const at = (url: string) =>
  createPrometheus({ address: { kind: 'url', url }, fetchService: noService, namespace: 'shop', queries: undefined });

async function readFrom(handler: Handler, signal: AbortSignal = never) {
  await using server = await startServer(handler);
  return { observation: await at(server.url).read(pods, signal), received: server.received };
}

describe('read from an address', () => {
  it('gets both arms by one GET', async () => {
    const { observation, received } = await readFrom((_, response) => json(response, vector(counters)));
    expect(observation).toEqual(reading);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ method: 'GET', path: '/api/v1/query' });
    expect(Object.fromEntries(received[0]?.parameters ?? [])).toEqual({
      query: 'sum by (pod, job, code, status, status_code) (http_requests_total{namespace="shop",pod=~"c|s"})',
    });
  });

  it('posts a query that is too long for an address', async () => {
    await using server = await startServer((_, response) => json(response, vector(counters)));
    const many = { canary: ['c'], stable: ['s', ...Array.from({ length: 300 }, (_, index) => `web-7c9f-${index}`)] };
    expect(await at(server.url).read(many, never)).toEqual(reading);
    expect(server.received[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/query',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(server.received[0]?.parameters.get('query')).toContain('|web-7c9f-299"})');
  });

  it('keeps the path and parameters of the address', async () => {
    await using server = await startServer((_, response) => json(response, vector(counters)));
    expect(await at(`http://${server.host}/prom/?tenant=a`).read(pods, never)).toEqual(reading);
    expect(server.received[0]).toMatchObject({ path: '/prom/api/v1/query' });
    expect(server.received[0]?.parameters.get('tenant')).toBe('a');
  });

  it('asks nothing when there are no pods', async () => {
    expect(await at('http://127.0.0.1:1').read({ canary: [], stable: [] }, never)).toEqual({
      kind: 'reading',
      reading: { canary: {}, stable: {} },
    });
  });

  it('refuses other schemes', () => expect(() => at('file:///etc/passwd')).toThrow(Fault));

  const apiError = { status: 'error', errorType: 'execution', error: 'too many samples' };
  it.each([
    [400, apiError, 'answered 400: execution: too many samples'],
    [401, 'who are you', 'answered 401: "who are you"'],
    [403, {}, 'answered 403: {}'],
    [404, apiError, 'answered 404: execution: too many samples'],
    [422, apiError, 'answered 422: execution: too many samples'],
    [429, 'slow down', 'answered 429: "slow down"'],
    [500, 'oops', 'answered 500: "oops"'],
    [503, apiError, 'answered 503: execution: too many samples'],
    [200, apiError, 'Prometheus says execution: too many samples'],
    [204, undefined, 'the answer is no JSON: '],
  ])('status %i is unavailable, with what was said', async (statusCode, body, why) => {
    const { observation } = await readFrom((_, response) => json(response, body, statusCode));
    expect(observation).toEqual({ kind: 'unavailable', why: expect.stringContaining(why) });
  });

  it.each([301, 302, 307, 308])('%i is not followed', async (statusCode) => {
    const { observation, received } = await readFrom((_, response) => response.writeHead(statusCode, { location: '/elsewhere' }).end());
    expect(observation).toEqual({ kind: 'unavailable', why: `answered ${statusCode}: a redirect, which is not followed` });
    expect(received).toHaveLength(1);
  });

  it('garbage is unavailable', async () => {
    const { observation } = await readFrom((_, response) => response.end('<html>'.repeat(500)));
    expect(observation).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^the answer is no JSON: <html>/) });
    expect(observation.kind === 'unavailable' && observation.why.length).toBeLessThanOrEqual(300);
  });

  it('warnings are unavailable: the data may be partial', async () => {
    const { observation } = await readFrom((_, response) =>
      json(response, { ...(vector(counters) as object), warnings: ['a store is down'] }),
    );
    expect(observation).toEqual({ kind: 'unavailable', why: 'the data may be partial: a store is down' });
  });

  it('more than 5 MB are not read', async () => {
    let sent = 0;
    const { observation } = await readFrom((_, response) => {
      const chunk = Buffer.alloc(1_000_000, 'x');
      const more = (): void => {
        while (sent < 100 && !response.destroyed && response.write(chunk)) sent += 1;
        if (sent >= 100) response.end();
      };
      response.on('drain', () => {
        sent += 1;
        more();
      });
      more();
    });
    expect(observation).toEqual({ kind: 'unavailable', why: 'the answer is larger than 5 MB' });
    expect(sent).toBeLessThan(50);
  });

  it('nobody there is unavailable', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const address = free.address();
    await new Promise((resolve) => free.close(resolve));
    const port = typeof address === 'object' ? address?.port : 0;
    expect(await at(`http://127.0.0.1:${port}`).read(pods, never)).toEqual({
      kind: 'unavailable',
      why: expect.stringMatching(/^no connection: .*ECONNREFUSED/),
    });
  });

  it('a connection that breaks in the middle is unavailable', async () => {
    const { observation } = await readFrom((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"status":', () => response.destroy());
    });
    expect(observation).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^the connection broke/) });
  });

  it('an answer that takes more than 5 s to begin or to end is unavailable', async () => {
    const startedMs = performance.now();
    const slow: readonly Handler[] = [() => undefined, (_, response) => void response.write('{')];
    for (const { observation } of await Promise.all(slow.map((handler) => readFrom(handler)))) {
      expect(observation).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^no answer within 5 s/) });
    }
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  });

  it('a cancelled run does not wait', async () => {
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 50);
    const startedMs = performance.now();
    const { observation } = await readFrom(() => undefined, cancel.signal);
    expect(observation).toEqual({ kind: 'unavailable', why: expect.stringMatching(/^cancelled/) });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe('read through the API server', () => {
  const through = (scheme: 'http' | 'https', fetchService: FetchService) =>
    createPrometheus({
      address: { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090', scheme },
      fetchService,
      namespace: 'shop',
      queries: undefined,
    });

  it.each([
    ['http', '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query'],
    ['https', '/api/v1/namespaces/monitoring/services/https:prometheus:9090/proxy/api/v1/query'],
  ] as const)('%s asks the service proxy', async (scheme, path) => {
    const asked: unknown[] = [];
    const prometheus = through(scheme, async (...given) => {
      asked.push(given);
      return scheme === 'http' ? vector(counters) : JSON.stringify(vector(counters));
    });
    expect(await prometheus.read(pods, never)).toEqual(reading);
    expect(asked).toEqual([[path, { query: expect.stringContaining('http_requests_total') }, 5000]]);
  });

  it('a fault is unavailable, a bug is not', async () => {
    const refused = through('http', () => Promise.reject(new Fault('forbidden', 'services/proxy is forbidden', false)));
    expect(await refused.read(pods, never)).toEqual({ kind: 'unavailable', why: 'services/proxy is forbidden' });
    await expect(through('http', () => Promise.reject(new TypeError('bug'))).read(pods, never)).rejects.toThrow(TypeError);
  });

  it('is not waited for without end', async () => {
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 50);
    const stuck = through('http', () => new Promise(() => undefined));
    expect(await stuck.read(pods, cancel.signal)).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^cancelled/) });
    expect(await stuck.read(pods, cancel.signal)).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^cancelled/) });
  });
});

describe('preflight', () => {
  /** Answers in the order of the questions: now, then 60 s, 15 s and 5 s ago (the same as 60 s ago unless told). */
  const traffic = async (now: unknown, before: unknown, lately: unknown = before, justNow: unknown = before) => {
    const answers = [now, before, lately, justNow];
    await using server = await startServer(({ parameters }, response) => {
      const query = parameters.get('query') ?? '';
      json(response, query.startsWith('count') ? discovered(query, now) : answers.shift());
    });
    const result = await at(server.url)
      .preflight(['a', 'b', 'c', 'late'], never)
      .catch((error: unknown) => error);
    return { result, received: server.received.filter((one) => one.parameters.get('query')?.startsWith('sum')) };
  };
  /** Only http_requests_total is there, and only where the pods have series at all. */
  const discovered = (query: string, now: unknown): unknown => {
    const { status, data } = now as { status: string; data?: { result: unknown[] } };
    if (status !== 'success') return now;
    const isThere = query.startsWith('count by (code, status, status_code) (http_requests_total{') && data?.result.length !== 0;
    return { status, data: { resultType: 'vector', result: isThere ? [{ metric: { code: '200' }, value: [1, '1'] }] : [] } };
  };

  it('counts each pod over the longest window that it has lived through, by the clock of Prometheus', async () => {
    const { result, received } = await traffic(
      vector({ a: { 200: 6000, 500: 60 }, b: { 200: 500 }, c: { 200: 50 } }, 1000.25),
      vector({ a: { 200: 3000, 500: 30 } }, 940.25),
      vector({ a: { 200: 5000, 500: 50 }, b: { 200: 200 } }, 985.25),
      vector({ a: { 200: 5900, 500: 50 }, b: { 200: 400 } }, 995.25),
    );
    expect(result).toEqual({
      requestsPerSecond: 3030 / 60 + 300 / 15 + 50 / 2,
      errorRate: 30 / 3380,
      counted: { errors: 30, requests: 3380 },
      podsWithoutSeries: ['late'],
      source: [
        'metrics: read from Prometheus, http_requests_total by code, probes and scrapes included where it counts them (prometheus-client): sum by (pod, job, code, status, status_code) (http_requests_total{namespace="shop",pod=~"$pods"})',
      ],
      warnings: [],
    });
    expect(received.map((one) => one.parameters.get('time'))).toEqual([null, '940.250', '985.250', '995.250']);
  });

  it('a restart counts from zero', async () => {
    const { result } = await traffic(vector({ a: { 200: 60 } }), vector({ a: { 200: 3000, 500: 5 } }));
    expect(result).toMatchObject({ requestsPerSecond: 1, errorRate: 0 });
  });

  it('no traffic is no error rate', async () => {
    expect((await traffic(vector({ a: { 200: 60 } }), vector({ a: { 200: 60 } }))).result).toMatchObject({
      requestsPerSecond: 0,
      errorRate: 0,
    });
  });

  it('no series for any pod: says what was asked', async () => {
    const { result } = await traffic(vector({}), vector({}));
    expect(result).toBeInstanceOf(UserError);
    expect(result).toMatchObject({
      code: 'metrics-empty',
      message: 'Prometheus has no series for any of the 4 stable pods',
      hint: expect.stringContaining('Looked for, in this order: http_requests_total by code or status or status_code; '),
    });
  });

  it('an answer that cannot be used: says what came back', async () => {
    const { result } = await traffic({ status: 'error', errorType: 'bad_data', error: 'parse error' }, vector({}));
    expect(result).toMatchObject({
      code: 'metrics-unreachable',
      message: 'Prometheus cannot be used: Prometheus says bad_data: parse error',
      hint: expect.stringContaining('http_requests_total'),
    });
    expect((await traffic(vector({ a: { 200: 1 } }), { status: 'error' })).result).toMatchObject({ code: 'metrics-unreachable' });
  });

  it('nobody there', async () => {
    await expect(at('http://127.0.0.1:1').preflight(['a'], never)).rejects.toMatchObject({
      code: 'metrics-unreachable',
      message: expect.stringContaining('no connection'),
    });
  });
});
