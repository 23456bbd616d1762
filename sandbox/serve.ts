import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRequest, ApiResponse, Sandbox } from './sandbox.ts';

export interface ServeOptions {
  /** The bearer token in the kubeconfig. */
  readonly token?: string;
  readonly namespace?: string;
  /** Virtual milliseconds for each real one; 0 leaves the clock to `advance`. */
  readonly speed?: number;
  /** Called for each request to the Kubernetes API, counted from 1; what it says happens to that request. */
  readonly fault?: (n: number, request: ApiRequest) => RequestFault;
}

/** `drop-before`: the connection ends and nothing was done. `drop-after`: it was done, and nobody hears of it. */
export type RequestFault = 'none' | 'drop-before' | 'drop-after' | { readonly delayMs: number };

export interface ServedSandbox {
  readonly url: string;
  readonly prometheusUrl: string;
  readonly kubeconfig: string;
  requests(): readonly ApiRequest[];
  close(): Promise<void>;
}

const TICK_MS = 20;

/** The sandbox over HTTP on the loopback, with a kubeconfig for it, and its Prometheus on a port of its own. */
export async function serve(sandbox: Sandbox, options: ServeOptions = {}): Promise<ServedSandbox> {
  const seen: ApiRequest[] = [];
  const speed = options.speed ?? 1;
  let lastMs = performance.now();
  const catchUp = () => {
    const nowMs = performance.now();
    if (speed > 0) sandbox.advance((nowMs - lastMs) * speed);
    lastMs = nowMs;
  };
  const ticker = speed > 0 ? setInterval(catchUp, TICK_MS) : undefined;

  const api = createServer(async (incoming, outgoing) => {
    const request = await read(incoming);
    seen.push(request);
    const fault = options.fault?.(seen.length, request) ?? 'none';
    if (fault === 'drop-before') {
      incoming.socket.destroy();
      return;
    }
    catchUp();
    const response = sandbox.handle(request);
    if (fault === 'drop-after') {
      incoming.socket.destroy();
      return;
    }
    await answer(outgoing, response, typeof fault === 'object' ? fault.delayMs : 0);
  });
  const metrics = createServer(async (incoming, outgoing) => {
    const request = await read(incoming);
    catchUp();
    await answer(outgoing, sandbox.prometheus(request), 0);
  });

  const url = await listen(api);
  return {
    url,
    prometheusUrl: await listen(metrics),
    kubeconfig: kubeconfigFor(url, options.token ?? 'sandbox', options.namespace ?? 'default'),
    requests: () => seen,
    async close() {
      clearInterval(ticker);
      await Promise.all([api, metrics].map(end));
    },
  };
}

export function kubeconfigFor(url: string, token: string, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'sandbox', user: { token } }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox', namespace } }],
    'current-context': 'sandbox',
  });
}

async function read(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://sandbox');
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(headers),
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks).toString('utf8') }),
  };
}

async function answer(outgoing: ServerResponse, response: ApiResponse, delayMs: number): Promise<void> {
  const waitMs = delayMs + (response.delayMs ?? 0);
  if (waitMs > 0) await sleep(waitMs);
  outgoing.writeHead(response.status, response.headers);
  outgoing.end(response.body);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
