import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client/rest-client.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import { FakeApiServer, faultOf, inTurn, statusBody } from './fake-api-server.ts';

const web = paths.deployment('shop', 'web');

let server: FakeApiServer;
let client: KubernetesClient;

function connect(onWarning?: (text: string) => void): KubernetesClient {
  const { config, namespace } = loadKubeConfig({ kubeconfig: server.kubeConfig(), context: undefined, env: {} });
  return createKubernetesClient({ config, namespace, requestTimeoutMs: 3000, userAgent: 'gated-rollout/test', env: {}, onWarning });
}

beforeEach(async () => {
  server = await FakeApiServer.start();
  client = connect();
});

afterEach(async () => {
  await client.close();
  await server.close();
});

describe('again', () => {
  const busy = { status: 429, json: statusBody(429, 'TooManyRequests', 'slow down'), headers: { 'retry-after': '1' } };

  it('waits as long as Retry-After says, for writes too', async () => {
    server.reply = inTurn(busy, { json: { ok: 1 } });
    const startMs = performance.now();
    expect(await client.create(paths.jobs('shop'), {})).toEqual({ ok: 1 });
    expect(performance.now() - startMs).toBeGreaterThan(990);
  });

  it('does not wait beyond its time', async () => {
    server.reply = () => ({ ...busy, headers: { 'retry-after': '60' } });
    const startMs = performance.now();
    expect((await faultOf(client.get(web))).code).toBe('throttled');
    expect(performance.now() - startMs).toBeLessThan(2_500);
    expect(server.requests).toHaveLength(1);
  });

  it('reads again after 5xx and broken connections, three times at most', async () => {
    server.reply = inTurn({ status: 503, json: statusBody(503, 'ServiceUnavailable', 'starting') }, 'reset', { json: { ok: 1 } });
    expect(await client.get(web)).toEqual({ ok: 1 });
    server.requests.length = 0;
    server.reply = () => 'reset';
    expect(await faultOf(client.get(web))).toMatchObject({ code: 'network', retryable: true });
    expect(server.requests).toHaveLength(3);
    server.requests.length = 0;
    server.reply = inTurn('reset', { json: {} });
    expect(await client.remove(web, { uid: 'u', propagation: 'Background' })).toBe('deleted');
  });

  it('never writes again once something was sent', async () => {
    server.reply = () => 'reset';
    for (const write of [client.jsonPatch(web, []), client.create(paths.jobs('shop'), {})]) {
      const fault = await faultOf(write);
      expect(fault).toMatchObject({ code: 'network', retryable: true });
      expect(fault.message).toContain('outcome unknown');
    }
    expect(server.requests).toHaveLength(2);
  });

  it('writes again where nobody listened', async () => {
    const port = Number(new URL(server.url).port);
    const { config } = loadKubeConfig({ kubeconfig: server.kubeConfig(), context: undefined, env: {} });
    await server.close();
    const early = createKubernetesClient({ config, namespace: 'shop', requestTimeoutMs: 3000, userAgent: 'x', env: {} });
    const fault = await faultOf(early.jsonPatch(web, []));
    expect(fault).toMatchObject({ code: 'network', retryable: true });
    expect(fault.message).toBe(`PATCH ${web}: connect ECONNREFUSED 127.0.0.1:${port}`);
    const late = early.create(paths.jobs('shop'), {});
    // Until its first attempt has failed.
    await new Promise((resolve) => setTimeout(resolve, 60));
    server = await FakeApiServer.start({ port });
    server.reply = () => ({ json: { ok: 1 } });
    expect(await late).toEqual({ ok: 1 });
    expect(server.requests).toHaveLength(1);
    await early.close();
  });

  it('asks about permissions like a read', async () => {
    server.reply = inTurn(
      { status: 500, json: statusBody(500, 'InternalError', 'etcd') },
      { json: { status: { allowed: false, reason: 'no' } } },
    );
    expect(await client.review({ verb: 'patch', group: 'apps', resource: 'deployments', name: 'web' })).toEqual({
      allowed: false,
      reason: 'no',
    });
    const attributes = { group: 'apps', namespace: 'shop', verb: 'patch', resource: 'deployments', name: 'web' };
    expect(JSON.parse(server.last.body)).toMatchObject({ kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } });
    server.reply = () => ({ json: {} });
    expect((await faultOf(client.review({ verb: 'get', resource: 'pods' }))).code).toBe('protocol');
  });
});

describe('time', () => {
  it('ends every request in its time', async () => {
    server.reply = () => 'hang';
    const startMs = performance.now();
    const [read, write] = await Promise.all([
      faultOf(client.get(web, { timeoutMs: 100 })),
      faultOf(client.jsonPatch(web, [], { timeoutMs: 100.5 })),
    ]);
    expect(performance.now() - startMs).toBeLessThan(2_500);
    expect(read).toMatchObject({ code: 'timeout', retryable: true, message: `GET ${web}: no answer within 100 ms` });
    expect(write.message).toBe(`PATCH ${web}: no answer within 101 ms (outcome unknown: it may have been done)`);
  });

  it('ends all its attempts in the same time', async () => {
    const later = { status: 503, json: statusBody(503, 'ServiceUnavailable', ''), headers: { 'retry-after': '1' } };
    server.reply = inTurn(later, later, 'hang');
    const startMs = performance.now();
    expect((await faultOf(client.get(web, { timeoutMs: 2_500 }))).code).toBe('timeout');
    expect(performance.now() - startMs).toBeLessThan(4_000);
  });

  it('stops when it is told to, with the reason that it is told', async () => {
    server.reply = () => 'hang';
    const controller = new AbortController();
    const reading = client.get(web, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('SIGINT')), 50);
    await expect(reading).rejects.toThrow('SIGINT');
    await expect(client.get(web, { signal: controller.signal })).rejects.toThrow('SIGINT');
    server.reply = () => ({ status: 503, json: statusBody(503, 'ServiceUnavailable', ''), headers: { 'retry-after': '8' } });
    const waiting = new AbortController();
    const startMs = performance.now();
    setTimeout(() => waiting.abort(new Error('SIGTERM')), 50);
    await expect(client.get(web, { signal: waiting.signal, timeoutMs: 20_000 })).rejects.toThrow('SIGTERM');
    expect(performance.now() - startMs).toBeLessThan(6_000);
  });

  it('knows the time of a server whose clock is wrong, and is never ahead of it', async () => {
    const skewMs = -3 * 3600_000 + 437;
    const serverNow = (): number => Date.now() + skewMs;
    server.reply = () => ({ json: {}, headers: { date: new Date(serverNow()).toUTCString() } });
    expect(() => client.serverNowMs()).toThrow(Fault);
    let behindMs = Number.NaN;
    // After more than a second of answers, one of them has seen the second change.
    for (let n = 0; n < 20 || (behindMs >= 200 && n < 100); n += 1) {
      await client.get(web);
      behindMs = serverNow() - client.serverNowMs();
      expect(behindMs).toBeGreaterThan(-2);
      await new Promise((resolve) => setTimeout(resolve, 55));
    }
    expect(behindMs).toBeLessThan(200);
  });

  it('does not ask a pod behind the proxy what time it is', async () => {
    server.reply = () => ({ json: {}, headers: { date: 'Thu, 01 Jan 2099 00:00:00 GMT' } });
    await client.get(paths.serviceProxy('monitoring', 'prometheus', 9090, 'api/v1/query'));
    expect(() => client.serverNowMs()).toThrow('no Date header');
  });
});

it('tells warnings, each once, and those of the API server only', async () => {
  const told: string[] = [];
  const client = connect((text) => told.push(text));
  const warning = ['299 - "batch/v1beta1 is deprecated"', '299 - "unknown field \\"spec.foo\\""'];
  server.reply = () => ({ json: {}, headers: { warning } });
  await client.get(web);
  await client.get(web);
  await client.get(paths.serviceProxy('monitoring', 'prometheus', 9090, 'api/v1/query'));
  expect(told).toEqual(['batch/v1beta1 is deprecated', 'unknown field "spec.foo"']);
  server.reply = (request) => ({ json: {}, headers: { warning: `299 - "${request.url.searchParams.get('n')}${'w'.repeat(400)}"` } });
  for (const n of Array.from({ length: 30 }).keys()) await client.get(web, { query: { n } });
  expect(told).toHaveLength(20);
  expect(told.at(-1)).toHaveLength(300);
  await client.close();
});

it('fails every call after close', async () => {
  await client.get(web);
  await client.close();
  expect(await faultOf(client.get(web))).toMatchObject({ code: 'network', retryable: false, message: `GET ${web}: the client is closed` });
  const unused = connect();
  await unused.close();
  expect((await faultOf(unused.get(web))).message).toContain('the client is closed');
});
