import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client/rest-client.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import { directly } from '../../src/probe/direct.ts';
import { createProbe } from '../../src/probe/probe.ts';
import { throughApi } from '../../src/probe/through-api.ts';
import type { Probe } from '../../src/runner/ports.ts';
import { processClock } from '../../src/terminal.ts';
import { FakeApiServer, statusBody } from './fake-api-server.ts';

const never = new AbortController().signal;

async function refusalOf(probe: Probe): Promise<UserError> {
  const error = await probe.preflight(never).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error('it was not refused');
}

describe('an address', () => {
  let server: Server;
  let address: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const seen: IncomingMessage[] = [];
  const sockets = new Set<unknown>();

  beforeEach(async () => {
    seen.length = 0;
    sockets.clear();
    answer = (_request, response) => void response.end('ok');
    server = createServer((request, response) => {
      seen.push(request);
      sockets.add(request.socket);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const probeOf = (path = '/'): Probe => createProbe({ asker: directly(`${address}${path}`), shown: 'http://web/?…', clock: processClock });

  it('is asked twice a second at most, each time on a connection of its own', async () => {
    const running = probeOf().start();
    await sleep(1_700);
    const numbers = await running.end();
    expect(numbers).toMatchObject({ failed: 0, unknown: 0, longestGapMs: 0, address: 'http://web/?…' });
    expect(numbers.questions).toBeGreaterThanOrEqual(2);
    expect(numbers.questions).toBeLessThanOrEqual(4);
    expect(sockets.size).toBe(seen.length);
  });

  it('that breaks for a while, is counted and timed', async () => {
    const running = probeOf().start();
    await sleep(700);
    answer = (_request, response) => {
      response.statusCode = 500;
      response.end();
    };
    await sleep(1_000);
    answer = (request) => void request.socket.destroy();
    await sleep(1_000);
    answer = (_request, response) => void response.end('ok');
    await sleep(700);
    const numbers = await running.end();
    expect(numbers.failed).toBeGreaterThanOrEqual(3);
    expect(numbers.longestGapMs).toBeGreaterThan(1_900);
    expect(numbers.longestGapMs).toBeLessThan(6_000);
    expect(numbers.firstFailure).toBe('answered 500');
  });

  it('that hangs, is given up after 2 s, and never two at a time', async () => {
    answer = () => undefined;
    const running = probeOf().start();
    await sleep(1_000);
    expect(seen).toHaveLength(1);
    await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 20_000, interval: 10 });
    const startedMs = performance.now();
    const numbers = await running.end();
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(numbers).toMatchObject({ questions: 1, failed: 1, firstFailure: 'no answer within 2 s' });
  });

  it('whose body breaks off, has failed', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 20);
    };
    const running = probeOf().start();
    await sleep(300);
    expect(await running.end()).toMatchObject({ questions: 1, failed: 1 });
  });

  it('that redirects, has answered, and is not followed', async () => {
    answer = (_request, response) => {
      response.writeHead(302, { location: '/elsewhere' });
      response.end();
    };
    await probeOf().preflight(never);
    expect(seen.map((request) => request.url)).toEqual(['/']);
  });

  it('gets user and password as they are meant', async () => {
    const asker = directly(`${address.replace('http://', 'http://joe:pa%2Fss@')}/a?b=c`);
    expect(await asker.ask(never)).toEqual({ kind: 'answered', status: 200 });
    expect(seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('joe:pa/ss').toString('base64')}`);
    expect(seen[0]?.url).toBe('/a?b=c');
  });

  it.each([
    ['a wrong path', 404, 'it answered 404'],
    ['a login', 401, 'it answered 401'],
    ['an application that is down', 503, 'it answered 503'],
  ])('is refused before the start: %s', async (_name, status, words) => {
    answer = (_request, response) => {
      response.statusCode = status;
      response.end();
    };
    const refusal = await refusalOf(probeOf('/?token=s3cret'));
    expect(refusal.code).toBe('probe-unreachable');
    expect(refusal.message).toContain(words);
    expect(`${refusal.message}${refusal.hint}`).not.toContain('s3cret');
  });

  it('that nobody listens on, is refused, with a code and no address', async () => {
    const probe = createProbe({ asker: directly('http://127.0.0.1:9/?token=s3cret'), shown: 'http://web/', clock: processClock });
    expect((await refusalOf(probe)).message).toBe(
      'The probe of http://web/ gets no good answer before the start: no answer (ECONNREFUSED)',
    );
  });
});

describe("a Service through the API server's proxy", () => {
  let server: FakeApiServer;
  let client: KubernetesClient;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    const { config, namespace } = loadKubeConfig({ kubeconfig: server.kubeConfig(), context: undefined, env: {} });
    client = createKubernetesClient({ config, namespace, requestTimeoutMs: 3000, userAgent: 'x', env: {} });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const ask = () => {
    const path = paths.serviceProxy('shop', 'web', '80', 'a b', 'http');
    return throughApi((signal) => client.ask(path, '?k=v', { signal, timeoutMs: 500 })).ask(never);
  };

  it('is asked once, at its own path', async () => {
    server.reply = () => ({ text: 'ok' });
    expect(await ask()).toEqual({ kind: 'answered', status: 200 });
    expect(server.requests.map(({ url }) => `${url.pathname}${url.search}`)).toEqual([
      '/api/v1/namespaces/shop/services/web:80/proxy/a%20b?k=v',
    ]);
  });

  it.each([
    ['the application answers 500', { status: 500, text: 'boom' }, { kind: 'answered', status: 500 }],
    ['the application answers 503 as text', { status: 503, text: 'busy' }, { kind: 'answered', status: 503 }],
    [
      'the Service has no endpoint',
      { status: 503, json: statusBody(503, 'ServiceUnavailable', 'no endpoints available for service "web:80"') },
      { kind: 'unanswered', why: 'the Service has no ready endpoint' },
    ],
    [
      'the proxy does not reach a pod',
      { status: 503, json: statusBody(503, 'ServiceUnavailable', 'error trying to reach service: x') },
      { kind: 'unknown' },
    ],
    ['the API server is too busy', { status: 429, json: statusBody(429, 'TooManyRequests', 'later') }, { kind: 'unknown' }],
    ['the token has expired', { status: 401, json: statusBody(401, 'Unauthorized', 'Unauthorized') }, { kind: 'unknown' }],
    ['the connection breaks', 'reset', { kind: 'unknown' }],
    ['nobody answers', 'hang', { kind: 'unknown' }],
  ] as const)('%s', async (_name, reply, expected) => {
    server.reply = () => reply;
    expect(await ask()).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });
});
