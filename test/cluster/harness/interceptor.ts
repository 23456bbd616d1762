import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { heartbeatFilter, isWrite } from '../../process/requests.ts';
import type { Access } from './kubeconfig.ts';

export type Moment = 'before' | 'after';

/** The API server on a local port of its own, which ends a process before or after its nth write. */
export class Interceptor {
  private readonly access: Access;
  private readonly dispatcher: Agent;
  private server: Server | undefined;
  private trap: { readonly index: number; readonly moment: Moment; readonly spring: () => void } | undefined;
  private isHeartbeat = heartbeatFilter();
  private seen = 0;
  address = '';

  constructor(access: Access) {
    this.access = access;
    const ca = Buffer.from(access.certificateAuthority ?? '', 'base64').toString();
    this.dispatcher = new Agent({ connect: { ca } });
  }

  async start(): Promise<void> {
    const server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        void this.relay(incoming.method ?? 'GET', incoming.url ?? '/', incoming.headers, body).then(
          (answer) => {
            if (answer === undefined) incoming.socket.destroy();
            else response.writeHead(answer.status, answer.headers).end(answer.body);
          },
          (error: unknown) => response.writeHead(502).end(String(error)),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.server = server;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.server === undefined ? resolve() : this.server.close(() => resolve())));
    await this.dispatcher.close();
  }

  /** A kubeconfig for this way to the API server, with the user's own rights. */
  kubeconfig(): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'intercepted', cluster: { server: this.address } }],
      users: [{ name: 'nobody', user: {} }],
      contexts: [{ name: 'intercepted', context: { cluster: 'intercepted', user: 'nobody' } }],
      'current-context': 'intercepted',
    });
  }

  /** From now on writes are counted, heartbeats and dry runs left out; `spring` is called once, at write `index`, which counts from 0. */
  set(index: number, moment: Moment, spring: () => void): void {
    this.seen = 0;
    this.isHeartbeat = heartbeatFilter();
    this.trap = { index, moment, spring };
  }

  clear(): void {
    this.trap = undefined;
  }

  private async relay(
    method: string,
    url: string,
    headers: IncomingHttpHeaders,
    body: string,
  ): Promise<{ status: number; headers: Record<string, string>; body: Buffer } | undefined> {
    const trap = this.sprung(method, url, body);
    if (trap?.moment === 'before') {
      trap.spring();
      return undefined;
    }
    const answer = await request(`${this.access.server}${url}`, {
      method: method as 'GET',
      headers: { ...passedOn(headers), ...(this.access.token === undefined ? {} : { authorization: `Bearer ${this.access.token}` }) },
      ...(body === '' ? {} : { body }),
      dispatcher: this.dispatcher,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    if (trap !== undefined) {
      trap.spring();
      return undefined;
    }
    return { status: answer.statusCode, headers: passedOn(answer.headers), body: bytes };
  }

  private sprung(method: string, url: string, body: string): Interceptor['trap'] {
    const { trap } = this;
    if (trap === undefined) return undefined;
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const seen = { method, path: pathname, query: Object.fromEntries(searchParams), body };
    if (!isWrite(seen) || this.isHeartbeat(seen)) return undefined;
    this.seen += 1;
    if (this.seen - 1 !== trap.index) return undefined;
    this.trap = undefined;
    return trap;
  }
}

const ofOneConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host', 'authorization', 'expect']);

function passedOn(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !ofOneConnection.has(name)) passed[name] = String(value);
  return passed;
}
