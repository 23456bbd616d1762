import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as connectTo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client/rest-client.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import { FakeApiServer, type FakeApiServerOptions, testCertificate, testKey } from './fake-api-server.ts';

const web = paths.deployment('shop', 'web');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options?: FakeApiServerOptions): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(options);
  closers.push(() => server.close());
  return server;
}

function connect(kubeconfig: string): KubernetesClient {
  const { config, namespace } = loadKubeConfig({ kubeconfig, context: undefined, env: {} });
  const client = createKubernetesClient({ config, namespace, requestTimeoutMs: 3000, userAgent: 'x', env: {} });
  closers.push(() => client.close());
  return client;
}

describe('connections', () => {
  it('are kept: 200 reads, one after the other, need no more than two', async () => {
    const server = await start();
    const client = connect(server.kubeConfig());
    for (const _ of Array.from({ length: 200 })) await client.get(web);
    // Not one: undici ends a body before it frees the connection, and the second request comes in between.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('are at most 8, however many reads run', async () => {
    const server = await start();
    const client = connect(server.kubeConfig());
    await Promise.all(Array.from({ length: 200 }, () => client.get(web)));
    expect(server.requests).toHaveLength(200);
    expect(server.connections).toBeLessThanOrEqual(8);
  });

  it('that the server has closed while idle disturb nobody', async () => {
    const server = await start();
    const client = connect(server.kubeConfig());
    for (const _ of Array.from({ length: 20 })) {
      await client.get(web);
      server.endConnections();
      // In the same tick: the FIN has not been seen yet.
      await client.jsonPatch(web, []);
    }
    expect(server.requests.filter((request) => request.method === 'PATCH')).toHaveLength(20);
  });

  it('that break under their second request fail no write: writes never go out on a used one', async () => {
    const server = await start();
    const used = new WeakSet<Socket>();
    server.reply = (request) => {
      if (used.has(request.socket)) return 'reset';
      used.add(request.socket);
      return { json: {} };
    };
    const client = connect(server.kubeConfig());
    for (const _ of Array.from({ length: 8 })) {
      await client.get(web);
      await client.jsonPatch(web, []);
      await client.create(paths.jobs('shop'), {});
    }
    expect(server.requests.filter((request) => request.method !== 'GET')).toHaveLength(16);
    // The reads met the broken ones, and were sent again.
    expect(server.requests.filter((request) => request.method === 'GET').length).toBeGreaterThan(8);
  });
});

describe('TLS', () => {
  it('refuses a server that another CA has signed, once, and says why', async () => {
    const server = await start();
    const client = connect(server.kubeConfig({ token: 't' }, { 'certificate-authority-data': undefined }));
    for (const call of [client.get(web), client.jsonPatch(web, [])]) {
      const error = await call.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Fault);
      expect(error).toMatchObject({ code: 'network', retryable: false });
      expect(String(error)).toMatch(/TLS: self-signed certificate/);
      expect(String(error)).not.toContain('outcome unknown');
    }
    expect(server.requests).toEqual([]);
  });

  it('checks the name, against tls-server-name where it is given', async () => {
    const server = await start();
    await expect(connect(server.kubeConfig({ token: 't' }, { 'tls-server-name': 'elsewhere' })).get(web)).rejects.toThrow(
      /TLS: .*altnames/,
    );
    await connect(server.kubeConfig({ token: 't' }, { 'tls-server-name': 'localhost' })).get(web);
  });

  it('believes anybody where it is told to, and warns', async () => {
    const server = await start();
    const text = server.kubeConfig({ token: 't' }, { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true });
    expect(loadKubeConfig({ kubeconfig: text, context: undefined, env: {} }).warnings.join()).toContain('insecure-skip-tls-verify');
    await connect(text).get(web);
  });

  it('presents the client certificate', async () => {
    const server = await start({ askClientCertificate: true });
    await connect(server.kubeConfig({ 'client-certificate-data': base64(testCertificate), 'client-key-data': base64(testKey) })).get(web);
    expect(server.last.clientName).toBe('gated-rollout-test');
    expect(server.last.headers.authorization).toBeUndefined();
  });

  it('keeps the CA of a context without a user', async () => {
    const server = await start();
    const text = server.kubeConfig().replace('"user":"tester",', '');
    expect(loadKubeConfig({ kubeconfig: text, context: undefined, env: {} }).warnings.join()).toContain('anonymous');
    await connect(text).get(web);
    expect(server.last.headers.authorization).toBeUndefined();
  });

  it('does without, where the address says http, and warns where that leaves the machine', async () => {
    const server = await start({ http: true });
    const warningsOf = (kubeconfig: string): string => loadKubeConfig({ kubeconfig, context: undefined, env: {} }).warnings.join();
    expect(warningsOf(server.kubeConfig())).toBe('');
    expect(warningsOf(server.kubeConfig().replace('127.0.0.1', 'api.example.invalid'))).toContain('over http');
    await connect(server.kubeConfig()).get(web);
    expect(server.last.headers.authorization).toBe('Bearer token-of-the-test');
  });
});

describe('a proxy', () => {
  async function startProxy(): Promise<{ readonly url: string; readonly seen: string[] }> {
    const seen: string[] = [];
    const proxy: Server = createServer((_request, response) => response.writeHead(501).end());
    const sockets = new Set<Socket>();
    proxy.on('connection', (socket: Socket) => sockets.add(socket));
    proxy.on('connect', (request, socket: Socket) => {
      seen.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      const [host, port] = (request.url ?? '').split(':');
      const upstream = connectTo(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      upstream.pipe(socket).pipe(upstream);
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    });
    return { url: `http://user:proxy-password@127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen };
  }

  it('is used where the kubeconfig names one, and its tunnels are kept for reads', async () => {
    const server = await start();
    const proxy = await startProxy();
    const client = connect(server.kubeConfig({ token: 't' }, { 'proxy-url': proxy.url }));
    for (const _ of Array.from({ length: 10 })) await client.get(web);
    expect(proxy.seen.length).toBeLessThanOrEqual(2);
    expect(new Set(proxy.seen)).toEqual(new Set([`${new URL(server.url).host} Basic ${base64('user:proxy-password')}`]));
    const tunnels = proxy.seen.length;
    await client.jsonPatch(web, []);
    expect(proxy.seen.length).toBe(tunnels + 1);
  });

  it('that is not there fails without an unknown outcome', async () => {
    const server = await start();
    const client = connect(server.kubeConfig({ token: 't' }, { 'proxy-url': 'http://127.0.0.1:1' }));
    const error = await client.jsonPatch(web, []).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'network', retryable: true });
    expect(String(error)).not.toContain('outcome unknown');
  });
});
