import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly parameters: URLSearchParams;
};
export type Handler = (request: Received, response: ServerResponse) => void;

/** A real HTTP server in Prometheus' place: records what it is asked and answers as told. */
export async function startServer(handler: Handler) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://host');
      const body = Buffer.concat(chunks).toString();
      const parameters = new URLSearchParams(request.method === 'POST' ? body : url.search);
      const one = { method: request.method ?? '', path: url.pathname, headers: request.headers, parameters };
      received.push(one);
      handler(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, statusCode = 200): void {
  response.writeHead(statusCode, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A successful answer of counters by pod and status, at the given time. */
export function vector(counters: Readonly<Record<string, Readonly<Record<string, number>>>>, atSeconds = 1_795_000_000.5): unknown {
  const result = Object.entries(counters).flatMap(([pod, byCode]) =>
    Object.entries(byCode).map(([code, value]) => ({ metric: { pod, code }, value: [atSeconds, String(value)] })),
  );
  return { status: 'success', data: { resultType: 'vector', result } };
}
