import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssertionError, type FaultCode } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client/rest-client.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import { FakeApiServer, faultOf, statusBody } from './fake-api-server.ts';

const web = paths.deployment('shop', 'web');

let server: FakeApiServer;
let client: KubernetesClient;

function connect(): KubernetesClient {
  const { config, namespace } = loadKubeConfig({ kubeconfig: server.kubeConfig(), context: undefined, env: {} });
  return createKubernetesClient({ config, namespace, requestTimeoutMs: 3000, userAgent: 'gated-rollout/test', env: {} });
}

beforeEach(async () => {
  server = await FakeApiServer.start();
  client = connect();
});

afterEach(async () => {
  await client.close();
  await server.close();
});

describe('what is sent', () => {
  it('reads with the token, the user agent and the query', async () => {
    server.reply = () => ({ json: { items: [] } });
    expect(
      await client.get(paths.pods('shop'), { query: { labelSelector: 'app=web,track in (a,b)', limit: 500, gone: undefined } }),
    ).toEqual({ items: [] });
    expect(server.last.headers).toMatchObject({
      authorization: 'Bearer token-of-the-test',
      'user-agent': 'gated-rollout/test',
      accept: 'application/json',
    });
    expect(server.last.url.pathname).toBe('/api/v1/namespaces/shop/pods');
    expect(Object.fromEntries(server.last.url.searchParams)).toEqual({ labelSelector: 'app=web,track in (a,b)', limit: '500' });
  });

  it('patches as JSON Patch, with our field manager', async () => {
    await client.jsonPatch(web, [
      { op: 'test', path: '/spec/replicas', value: null },
      { op: 'remove', path: '/x' },
    ]);
    expect(server.last.method).toBe('PATCH');
    expect(server.last.headers['content-type']).toBe('application/json-patch+json');
    expect(server.last.url.search).toBe('?fieldManager=gated-rollout');
    expect(JSON.parse(server.last.body)).toEqual([
      { op: 'test', path: '/spec/replicas', value: null },
      { op: 'remove', path: '/x' },
    ]);
  });

  it('never sends an operation whose value JSON would drop', async () => {
    await expect(client.jsonPatch(web, [{ op: 'test', path: '/spec/template', value: undefined }])).rejects.toThrow(AssertionError);
    expect(server.requests).toEqual([]);
  });

  it('creates, and says dryRun=All where nothing is to be stored', async () => {
    server.reply = () => ({ status: 201, json: { metadata: { uid: 'u' } } });
    expect(await client.create(paths.jobs('shop'), { kind: 'Job' }, { dryRun: true, fieldManager: 'other' })).toEqual({
      metadata: { uid: 'u' },
    });
    expect(server.last.method).toBe('POST');
    expect(server.last.headers['content-type']).toBe('application/json');
    expect(Object.fromEntries(server.last.url.searchParams)).toEqual({ fieldManager: 'other', dryRun: 'All' });
    await client.jsonPatch(web, [], { dryRun: true });
    expect(server.last.url.searchParams.get('dryRun')).toBe('All');
  });

  it('deletes in the background and by uid', async () => {
    expect(await client.remove(paths.job('shop', 'web-rollout'), { uid: 'uid-1', propagation: 'Background' })).toBe('deleted');
    expect(server.last.method).toBe('DELETE');
    expect(JSON.parse(server.last.body)).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid: 'uid-1' },
    });
    await expect(client.remove(web, { uid: '', propagation: 'Background' })).rejects.toThrow(AssertionError);
  });

  it('encodes every segment and refuses names that are none', () => {
    expect(paths.deployment('a/b', 'c?d')).toBe('/apis/apps/v1/namespaces/a%2Fb/deployments/c%3Fd');
    expect(paths.podLog('shop', 'web-1')).toBe('/api/v1/namespaces/shop/pods/web-1/log');
    expect(paths.serviceProxy('monitoring', 'prometheus', 9090, '/api/v1/query')).toBe(
      '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query',
    );
    expect(paths.serviceProxy('monitoring', 'prometheus', 'web', 'api/', 'https')).toBe(
      '/api/v1/namespaces/monitoring/services/https:prometheus:web/proxy/api/',
    );
    expect(() => paths.job('shop', '')).toThrow(AssertionError);
    expect(() => paths.job('shop', '..')).toThrow(AssertionError);
  });

  it('keeps the path of a server that has one (Rancher)', async () => {
    const { config } = loadKubeConfig({
      kubeconfig: server.kubeConfig({ token: 't' }, { server: `${server.url}/k8s/clusters/c-1/` }),
      context: undefined,
      env: {},
    });
    const below = createKubernetesClient({ config, namespace: 'shop', requestTimeoutMs: 1000, userAgent: 'x', env: {} });
    await below.get(web);
    expect(server.last.url.pathname).toBe(`/k8s/clusters/c-1${web}`);
    await below.close();
  });
});

describe('refusals', () => {
  const table: readonly (readonly [number, string, FaultCode, boolean, number])[] = [
    [400, 'BadRequest', 'invalid', false, 1],
    [401, 'Unauthorized', 'unauthorized', false, 2],
    [403, 'Forbidden', 'forbidden', false, 1],
    [404, 'NotFound', 'not-found', false, 1],
    [405, 'MethodNotAllowed', 'protocol', false, 1],
    [408, 'Timeout', 'timeout', true, 1],
    [409, 'AlreadyExists', 'already-exists', false, 1],
    [409, 'Conflict', 'conflict', true, 1],
    [413, 'RequestEntityTooLarge', 'invalid', false, 1],
    [415, 'UnsupportedMediaType', 'protocol', false, 1],
    [422, 'Invalid', 'invalid', false, 1],
    [429, 'TooManyRequests', 'throttled', true, 3],
    [500, 'InternalError', 'server', true, 1],
    [503, 'ServiceUnavailable', 'server', true, 1],
    [504, 'Timeout', 'server', true, 1],
  ];

  it.each(table)('%i %s of a write is %s', async (status, reason, code, retryable, requests) => {
    server.reply = () => ({ status, json: statusBody(status, reason, 'because of reasons') });
    const fault = await faultOf(client.jsonPatch(web, []));
    expect(fault).toMatchObject({ code, retryable });
    expect(fault.message.replace(' (outcome unknown: it may have been done)', '')).toBe(
      `PATCH ${web}: ${status} ${reason}: because of reasons`,
    );
    expect(fault.message.includes('outcome unknown')).toBe(status >= 500);
    expect(server.requests).toHaveLength(requests);
  });

  it('says no more than 500 characters of the server, in one line, and nothing of ours', async () => {
    server.reply = () => ({ status: 422, json: statusBody(422, 'Invalid', `a\nb${'x'.repeat(2000)}`) });
    const { message } = await faultOf(client.create(paths.jobs('shop'), { secret: 'body-secret' }));
    expect(message).toMatch(/^POST \/apis\/batch\/v1\/namespaces\/shop\/jobs: 422 Invalid: a bx+…$/);
    expect(message.length).toBeLessThan(600);
    expect(message).not.toContain('token-of-the-test');
  });

  it('finds nothing only where the API server says so', async () => {
    server.reply = () => ({ status: 404, json: statusBody(404, 'NotFound', 'deployments.apps "web" not found') });
    expect(await client.find(web)).toBeUndefined();
    expect(await client.remove(web, { uid: 'u', propagation: 'Background' })).toBe('absent');
    server.reply = () => ({ status: 404, text: '404 page not found' });
    expect((await faultOf(client.find(web))).code).toBe('protocol');
    expect((await faultOf(client.remove(web, { uid: 'u', propagation: 'Background' }))).code).toBe('protocol');
  });

  it('takes another object of the same name for absent', async () => {
    const message = 'Operation cannot be fulfilled on jobs.batch "x": Precondition failed: UID in precondition: a, UID in object meta: b';
    server.reply = () => ({ status: 409, json: statusBody(409, 'Conflict', message) });
    expect(await client.remove(web, { uid: 'a', propagation: 'Background' })).toBe('absent');
    server.reply = () => ({ status: 409, json: statusBody(409, 'Conflict', 'storage is busy') });
    expect((await faultOf(client.remove(web, { uid: 'a', propagation: 'Background' }))).code).toBe('conflict');
  });

  it('keeps what Prometheus says behind the proxy', async () => {
    const path = paths.serviceProxy('monitoring', 'prometheus', 9090, 'api/v1/query');
    server.reply = () => ({ status: 400, json: { status: 'error', errorType: 'bad_data', error: 'parse error at char 3' } });
    expect(await faultOf(client.get(path))).toMatchObject({ code: 'invalid', message: `GET ${path}: 400: parse error at char 3` });
    server.reply = () => ({ status: 401, text: 'who are you' });
    expect((await faultOf(client.get(path))).code).toBe('unauthorized');
    expect(server.requests).toHaveLength(2);
  });
});

describe('answers that are none', () => {
  it.each([
    ['no JSON', { text: '<html>' }],
    ['half JSON', { text: '{"a":' }],
    ['no object', { text: '3' }],
    ['an empty answer', { text: '' }],
  ] as const)('%s is a fault of the protocol', async (_name, reply) => {
    server.reply = () => reply;
    expect(await faultOf(client.get(web))).toMatchObject({ code: 'protocol', retryable: false });
  });

  it('reads no more than it must', async () => {
    server.reply = () => ({ text: `{"a":"${'x'.repeat(33 * 1024 * 1024)}"}` });
    expect((await faultOf(client.get(web))).message).toContain('larger than 33554432 bytes');
    server.reply = () => ({ text: 'first line\nsecond line\n' });
    expect(await client.getText(paths.podLog('shop', 'web-1'), { query: { tailLines: 5 }, bytesMax: 10 })).toBe('first line');
    expect(server.last.headers.accept).toBe('*/*');
    expect(await client.getText(paths.podLog('shop', 'web-1'))).toBe('first line\nsecond line\n');
  });
});
