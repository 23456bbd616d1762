import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PrometheusAccess } from '../../src/config/config.ts';
import { UserError } from '../../src/errors.ts';
import { openAccess, secretsOf } from '../../src/prometheus/access.ts';
import { createPrometheus } from '../../src/prometheus/client.ts';
import { testCertificate, testKey } from './fake-api-server.ts';
import { json, startServer, vector } from './prometheus-server.ts';

const never = new AbortController().signal;
const none: PrometheusAccess = { credentials: { kind: 'none' }, certificateAuthority: undefined };
const bearer: PrometheusAccess = { ...none, credentials: { kind: 'bearer', token: 'tok-en_1~2' } };
const basic: PrometheusAccess = { ...none, credentials: { kind: 'basic', username: 'ci', password: 'pä:ss' } };
const body = vector({ c: { 200: 1 }, s: { 200: 1 } });

function read(url: string, access: PrometheusAccess, stable: readonly string[] = ['s']) {
  const fetchService = () => Promise.reject(new Error('not asked'));
  const source = createPrometheus({
    address: { kind: 'url', url },
    access: openAccess(access),
    fetchService,
    namespace: 'shop',
    queries: undefined,
  });
  return source.read({ canary: ['c'], stable }, never);
}

describe('credentials', () => {
  it.each([
    ['none', none, undefined],
    ['a token', bearer, 'Bearer tok-en_1~2'],
    ['user and password', basic, `Basic ${Buffer.from('ci:pä:ss').toString('base64')}`],
  ])('%s go with GET and POST', async (_, access, header) => {
    await using server = await startServer((_request, response) => json(response, body));
    const many = Array.from({ length: 300 }, (__, index) => `web-7c9f-${index}`);
    await read(server.url, access);
    await read(server.url, access, many);
    expect(server.received.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['GET', header],
      ['POST', header],
    ]);
  });

  it('do not go where a redirect points', async () => {
    await using elsewhere = await startServer((_request, response) => json(response, body));
    await using server = await startServer((_request, response) => response.writeHead(307, { location: elsewhere.url }).end());
    expect(await read(server.url, bearer)).toMatchObject({ kind: 'unavailable' });
    expect(elsewhere.received).toEqual([]);
  });

  it('that are refused: unavailable, and not shown', async () => {
    await using server = await startServer((_request, response) => json(response, 'who are you', 401));
    const observation = await read(server.url, basic);
    expect(observation).toEqual({ kind: 'unavailable', why: 'answered 401: "who are you"' });
  });

  it('are masked in every form', () => {
    expect(secretsOf(none)).toEqual([]);
    expect(secretsOf(bearer)).toEqual(['tok-en_1~2']);
    expect(secretsOf(basic)).toEqual(['pä:ss', Buffer.from('ci:pä:ss').toString('base64')]);
  });
});

describe('the certificate authority', () => {
  async function overTls(certificateAuthority: string | undefined) {
    const server = createServer({ cert: testCertificate, key: testKey }, (_, response) => json(response, body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await read(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...none, certificateAuthority });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it('as text or as a file makes a private Prometheus trusted', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ca-')), 'ca.pem');
    writeFileSync(file, `# ours\n${testCertificate}`);
    expect(await overTls(testCertificate)).toMatchObject({ kind: 'reading' });
    expect(await overTls(file)).toMatchObject({ kind: 'reading' });
  });

  it('without it the connection fails, and says why', async () => {
    expect(await overTls(undefined)).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^no connection: .*certificate/i) });
  });

  it.each([
    ['a file that is not there', '/nowhere/ca.pem', 'the file cannot be read'],
    ['a key by mistake', testKey, 'there is no certificate in it'],
    ['half a certificate', testCertificate.replace('MIIB', 'MIIC'), 'a certificate in it cannot be read'],
  ])('%s is refused, without its text', (_, certificateAuthority, problem) => {
    const error = (() => {
      try {
        return openAccess({ ...none, certificateAuthority });
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({
      code: 'inputs-invalid',
      message: expect.stringContaining(`prometheus-ca: ${problem}; valid is PEM text`),
    });
    expect(String(error)).not.toContain('MIG');
  });
});
