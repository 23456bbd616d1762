import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../../src/errors.ts';

/** A request as the server saw it. */
export type SeenRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly clientName: string | undefined;
  readonly socket: Socket;
};

/** What the server answers; `hang` never does, `reset` breaks the connection. */
export type Reply =
  | 'hang'
  | 'reset'
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string | string[]>>;
      readonly json?: unknown;
      readonly text?: string;
    };

export type FakeApiServerOptions = {
  readonly http?: boolean;
  /** A free one unless told. */
  readonly port?: number;
  readonly askClientCertificate?: boolean;
};

/** A server that speaks HTTP like an API server, with answers given by the test. */
export class FakeApiServer {
  readonly requests: SeenRequest[] = [];
  connections = 0;
  reply: (request: SeenRequest) => Reply | Promise<Reply> = () => ({ json: {} });
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;

  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    const fake = new FakeApiServer(options);
    await new Promise<void>((resolve) => fake.#server.listen(options.port ?? 0, '127.0.0.1', resolve));
    return fake;
  }

  private constructor(options: FakeApiServerOptions) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    const tls = {
      key: testKey,
      cert: testCertificate,
      ca: testCertificate,
      requestCert: options.askClientCertificate === true,
      rejectUnauthorized: false,
    };
    this.#scheme = options.http === true ? 'http' : 'https';
    const server = options.http === true ? createHttpServer(answer) : createHttpsServer(tls, answer);
    // No `Keep-Alive: timeout=…` hint, like the API server.
    server.keepAliveTimeout = 0;
    server.on(options.http === true ? 'connection' : 'secureConnection', () => {
      this.connections += 1;
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get last(): SeenRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('no request yet');
    return request;
  }

  /** A kubeconfig (JSON is YAML) for this server. */
  kubeConfig(user: object = { token: 'token-of-the-test' }, cluster: object = {}): string {
    const ca = Buffer.from(testCertificate).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'fake',
          cluster: { server: this.url, ...(this.#scheme === 'https' ? { 'certificate-authority-data': ca } : {}), ...cluster },
        },
      ],
      users: [{ name: 'tester', user }],
      contexts: [{ name: 'test', context: { cluster: 'fake', user: 'tester', namespace: 'shop' } }],
      'current-context': 'test',
    });
  }

  /** Closes connections as a server does that has waited long enough: with a FIN. */
  endConnections(): void {
    for (const socket of this.#sockets) socket.end();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const certificate = this.#scheme === 'https' ? (request.socket as TLSSocket).getPeerCertificate() : undefined;
    const name = certificate?.subject?.CN;
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', this.url),
      headers: request.headers,
      body,
      clientName: typeof name === 'string' ? name : undefined,
      socket: request.socket,
    };
    this.requests.push(seen);
    const reply = await this.reply(seen);
    if (reply === 'hang') return;
    if (reply === 'reset') return void request.socket.destroy();
    const { status = 200, headers = {}, json, text } = reply;
    response.writeHead(status, { 'content-type': json === undefined ? 'text/plain' : 'application/json', ...headers });
    response.end(text ?? JSON.stringify(json ?? {}));
  }
}

/** The Fault that a call ends in. */
export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error;
  throw new Error(`not a Fault: ${String(error)}`, { cause: error });
}

/** Gives the answers one after the other, the last one for ever. */
export function inTurn(...replies: readonly Reply[]): () => Reply {
  let index = 0;
  return () => replies[Math.min(index++, replies.length - 1)] ?? 'hang';
}

/** The body of a refusal. */
export function statusBody(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

/** Self-signed, for 127.0.0.1 and localhost, made for these tests alone, good until 2126. */
export const testCertificate = `
-----BEGIN CERTIFICATE-----
MIIBrTCCAVOgAwIBAgIUFNyN6LfQlMzpxV5C1+nfQfjMcf0wCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSZ2F0ZWQtcm9sbG91dC10ZXN0MCAXDTI2MTEyMDIyMTE0M1oY
DzIxMjYxMDI3MjIxMTQzWjAdMRswGQYDVQQDDBJnYXRlZC1yb2xsb3V0LXRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQE4dlpXSRd4GOQeFiG7J/pPJf1J8q8
3gFZOFJ301ibfCeJ+d6hR92MmVrO+tBARPyPccztOyGEAaQmTdnWWlALo28wbTAd
BgNVHQ4EFgQULNPdCh+1ON/QTluZpW8EdNdfOD4wHwYDVR0jBBgwFoAULNPdCh+1
ON/QTluZpW8EdNdfOD4wGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxob3N0MA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgIlJfC42xW7BL73Xg/d4PS40x
IEFutDAHaEokvxWVeBQCIQC8gAW6cZeH9Hc8QC69ndaHzNS4Wzp1fuSfru8x8rc5
3w==
-----END CERTIFICATE-----
`.trimStart();

/** Its key: no secret, it opens nothing. */
export const testKey = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeLL08VKeTIFx9141
BUCZwdj6zw+tgvojALlVn0ufqfGhRANCAAQE4dlpXSRd4GOQeFiG7J/pPJf1J8q8
3gFZOFJ301ibfCeJ+d6hR92MmVrO+tBARPyPccztOyGEAaQmTdnWWlAL
-----END PRIVATE KEY-----
`.trimStart();
