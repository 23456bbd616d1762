import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Api, ApiError } from './kubernetes.ts';
import { prometheusProxy } from './metrics.ts';

/** A Prometheus on a local port that can be taken down: it hands requests on to the real one through the API server. */
export class Forwarder {
  private readonly api: Api;
  private server: Server | undefined;
  address = '';

  constructor(api: Api) {
    this.api = api;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void this.forward(request.url ?? '/', Buffer.concat(chunks).toString()).then(
          (text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text),
          (error: unknown) => response.writeHead(error instanceof ApiError ? error.status : 502).end(String(error)),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.server = server;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Down as a machine that is gone: connections are refused, those that stand are cut. */
  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  // Prometheus takes a query in a form body as well as in the address; the proxy is asked in the address only.
  private async forward(url: string, body: string): Promise<string> {
    const joined = body === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${body}`;
    return await this.api.text('GET', `${prometheusProxy}${joined}`);
  }
}
