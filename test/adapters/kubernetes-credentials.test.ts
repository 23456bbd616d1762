import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client/rest-client.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import { FakeApiServer, statusBody, testCertificate, testKey } from './fake-api-server.ts';

const web = paths.deployment('shop', 'web');
const unauthorized = { status: 401, json: statusBody(401, 'Unauthorized', 'Unauthorized') };

let directory: string;
let server: FakeApiServer;
let client: KubernetesClient | undefined;
let secrets: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gated-rollout-'));
  server = await FakeApiServer.start({ askClientCertificate: true });
  secrets = [];
});

afterEach(async () => {
  await client?.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

function connect(user: object, requestTimeoutMs = 5000): KubernetesClient {
  const { config, namespace } = loadKubeConfig({ kubeconfig: server.kubeConfig(user), context: undefined, env: {} });
  const env = { PATH: process.env['PATH'], INHERITED: 'from-the-step' };
  client = createKubernetesClient({ config, namespace, requestTimeoutMs, userAgent: 'x', env, onSecret: (secret) => secrets.push(secret) });
  return client;
}

/** A credential plugin that counts its runs in a file; `status` is JavaScript that may use the number of the run. */
function plugin(status: string, more: object = {}): object {
  const file = join(directory, 'plugin.cjs');
  const runs = JSON.stringify(join(directory, 'runs'));
  const info = JSON.stringify(join(directory, 'info'));
  writeFileSync(
    file,
    `const fs = require('node:fs');
    fs.appendFileSync(${runs}, 'x');
    fs.writeFileSync(${info}, JSON.stringify({ exec: JSON.parse(process.env.KUBERNETES_EXEC_INFO), own: process.env.OWN, inherited: process.env.INHERITED }));
    const run = fs.readFileSync(${runs}, 'utf8').length;
    const status = ${status};
    console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }));`,
  );
  return {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: [file],
      env: [{ name: 'OWN', value: 'own' }],
      ...more,
    },
  };
}

function runs(): number {
  return readFileSync(join(directory, 'runs'), 'utf8').length;
}

describe('tokenFile', () => {
  it('is read, and read again when the API server refuses what it held', async () => {
    const file = join(directory, 'token');
    writeFileSync(file, 'first-token\n');
    const reader = connect({ tokenFile: file, token: 'the file wins' });
    server.reply = (request) =>
      request.headers.authorization === `Bearer ${readFileSync(file, 'utf8').trim()}` ? { json: {} } : unauthorized;
    await reader.get(web);
    writeFileSync(file, 'second-token\n');
    await reader.get(web);
    writeFileSync(file, 'third-token\n');
    await reader.jsonPatch(web, []);
    expect(server.requests.map((request) => request.headers.authorization?.slice('Bearer '.length))).toEqual([
      'first-token',
      'first-token',
      'second-token',
      'second-token',
      'third-token',
    ]);
    expect(secrets).toEqual(['first-token', 'second-token', 'third-token']);
  });

  it('is read again after 30 s without being refused', async () => {
    const file = join(directory, 'token');
    writeFileSync(file, 'first-token');
    const { config } = loadKubeConfig({ kubeconfig: server.kubeConfig({ tokenFile: file }), context: undefined, env: {} });
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, sleep: async () => undefined };
    client = createKubernetesClient({ config, namespace: 'shop', requestTimeoutMs: 5000, userAgent: 'x', env: {}, clock });
    await client.get(web);
    writeFileSync(file, 'second-token');
    nowMs = 29_000;
    await client.get(web);
    expect(server.last.headers.authorization).toBe('Bearer first-token');
    nowMs = 31_000;
    await client.get(web);
    expect(server.last.headers.authorization).toBe('Bearer second-token');
  });

  it('that is missing is named', async () => {
    const file = join(directory, 'gone');
    await expect(connect({ tokenFile: file }).get(web)).rejects.toThrow(`the token file ${file} of the kubeconfig cannot be read`);
  });
});

const numbered = '({ token: "token-of-run-" + run })';

describe('a credential plugin', () => {
  it('runs once for ten requests at the same time, and is told what it wants to know', async () => {
    const reader = connect(plugin(numbered, { provideClusterInfo: true }));
    await Promise.all(Array.from({ length: 10 }, () => reader.get(web)));
    await reader.get(web);
    expect(runs()).toBe(1);
    expect(new Set(server.requests.map((request) => request.headers.authorization))).toEqual(new Set(['Bearer token-of-run-1']));
    expect(secrets).toEqual(['token-of-run-1']);
    const info = JSON.parse(readFileSync(join(directory, 'info'), 'utf8')) as object;
    expect(info).toMatchObject({ own: 'own', inherited: 'from-the-step' });
    expect(info).toMatchObject({ exec: { kind: 'ExecCredential', spec: { interactive: false, cluster: { server: server.url } } } });
  });

  it('runs once more when ten requests are refused, and each is sent again, writes too', async () => {
    const reader = connect(plugin(numbered));
    server.reply = (request) => (request.headers.authorization === 'Bearer token-of-run-2' ? { json: {} } : unauthorized);
    await Promise.all([...Array.from({ length: 9 }, () => reader.get(web)), reader.jsonPatch(web, [])]);
    expect(runs()).toBe(2);
    expect(server.requests).toHaveLength(20);
  });

  it('whose new token is refused as well ends in a fault', async () => {
    server.reply = () => unauthorized;
    await expect(connect(plugin(numbered)).get(web)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(runs()).toBe(2);
  });

  it('runs again before its token expires, not after', async () => {
    const expiring = '({ token: "token-of-run-" + run, expirationTimestamp: new Date(Date.now() + 2000).toISOString() })';
    const reader = connect(plugin(expiring));
    await reader.get(web);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await reader.get(web);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await reader.get(web);
    expect(server.requests.map((request) => request.headers.authorization)).toEqual([
      'Bearer token-of-run-1',
      'Bearer token-of-run-1',
      'Bearer token-of-run-2',
    ]);
  });

  it('may give a client certificate', async () => {
    const status = `({ clientCertificateData: ${JSON.stringify(testCertificate)}, clientKeyData: ${JSON.stringify(testKey)} })`;
    await connect(plugin(status)).get(web);
    expect(server.last.clientName).toBe('gated-rollout-test');
    expect(secrets).toContain(testKey.split('\n')[1]);
  });

  it.each([
    ['fails', 'process.exit(console.error("log in first") ?? 3)', /failed \(exit code 3\): log in first/],
    ['asks', 'fs.readFileSync(0, "utf8") || process.exit(4)', /failed \(exit code 4\)/],
    ['prints something else', '"half-a-secret"', /printed no ExecCredential/],
  ])('that %s is a fault that says so', async (_name, status, message) => {
    const error = await connect(plugin(status))
      .get(web)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Fault);
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('half-a-secret');
    expect(server.requests).toEqual([]);
  });

  it('that is not installed is named', async () => {
    await expect(connect({ exec: { command: 'no-such-plugin' } }).get(web)).rejects.toThrow(
      '"no-such-plugin" of the kubeconfig cannot be run (ENOENT)',
    );
  });

  it('that takes too long costs no more than the time of the request', async () => {
    const slow = connect(plugin('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000) && ({ token: "late-token" })'), 200);
    const startMs = performance.now();
    await expect(slow.get(web)).rejects.toMatchObject({ code: 'timeout' });
    expect(performance.now() - startMs).toBeLessThan(2500);
    await expect(slow.get(web, { timeoutMs: 20_000 })).resolves.toEqual({});
    expect(runs()).toBe(1);
  });
});

describe('others', () => {
  it('sends a user name and a password', async () => {
    await connect({ username: 'ann', password: 'horse-battery' }).get(web);
    expect(server.last.headers.authorization).toBe(`Basic ${Buffer.from('ann:horse-battery').toString('base64')}`);
  });

  it('impersonates', async () => {
    await connect({ token: 'token-of-the-test', as: 'system:serviceaccount:shop:deployer' }).get(web);
    expect(server.last.headers['impersonate-user']).toBe('system:serviceaccount:shop:deployer');
    expect(server.last.headers.authorization).toBe('Bearer token-of-the-test');
  });
});
