import { Agent, type Dispatcher, errors, ProxyAgent } from 'undici';
import type { Access } from './credentials.ts';

/** One HTTP request, ready to be sent. */
export type WireRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly writes: boolean;
  /** Path and query, encoded, below the server's own path. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
};

/** One HTTP answer, read to its end or to `bytesMax`. */
export type WireAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  readonly isCut: boolean;
};

type Dispatchers = { readonly fingerprint: string; readonly reads: Dispatcher; readonly writes: Dispatcher };

const connectionsMax = 8;
// Shorter than any balancer's or server's idle time (the API server: 90 s, common balancers: 10 s and more).
const idleMs = 4000;
const connectTimeoutMs = 5000;

/** Connections to one API server. */
export class Transport {
  readonly #origin: string;
  readonly #basePath: string;
  readonly #proxyUrl: string | undefined;
  #dispatchers: Dispatchers | undefined;
  #closed = false;

  constructor(server: string, proxyUrl: string | undefined) {
    const url = new URL(server);
    this.#origin = url.origin;
    this.#basePath = url.pathname.replace(/\/$/, '');
    this.#proxyUrl = proxyUrl;
  }

  /** Sends once. `onHeaders` runs at once when the headers have arrived. */
  async send(request: WireRequest, access: Access, onHeaders: (headers: WireAnswer['headers']) => void): Promise<WireAnswer> {
    const { reads, writes } = this.#dispatchersFor(access);
    const answer = await (request.writes ? writes : reads).request({
      origin: this.#origin,
      path: `${this.#basePath}${request.target}`,
      method: request.method,
      headers: { ...request.headers, ...access.headers },
      body: request.body ?? null,
      signal: request.signal,
    });
    onHeaders(answer.headers);
    const { text, isCut } = await readText(answer.body, request.bytesMax);
    return { status: answer.statusCode, headers: answer.headers, text, isCut };
  }

  /** Ends every connection; what is still under way fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#dispatchers?.reads.destroy(), this.#dispatchers?.writes.destroy()]);
  }

  #dispatchersFor(access: Access): Dispatchers {
    const known = this.#dispatchers;
    if (this.#closed) throw new errors.ClientDestroyedError();
    if (known?.fingerprint === access.fingerprint) return known;
    const fresh = {
      fingerprint: access.fingerprint,
      reads: this.#dispatcher(access, 'kept'),
      // A kept connection may be closed by the server in the instant in which we write to it: nobody can tell then whether the
      // write was done. Reads are sent again; writes are few, so each has a connection of its own, which was never idle.
      writes: this.#dispatcher(access, 'single-use'),
    };
    this.#dispatchers = fresh;
    // Requests that are under way on the old connections may end there.
    void known?.reads.close().catch(() => undefined);
    void known?.writes.close().catch(() => undefined);
    return fresh;
  }

  #dispatcher(access: Access, connections: 'kept' | 'single-use'): Dispatcher {
    const options = {
      // HTTP/1.1: one request for one connection, so that a connection that breaks is the matter of one request.
      allowH2: false,
      connections: connectionsMax,
      pipelining: connections === 'kept' ? 1 : 0,
      connectTimeout: connectTimeoutMs,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
    };
    const tls = { ...access.tls, keepAlive: true, keepAliveInitialDelay: 30_000 };
    if (this.#proxyUrl === undefined) return new Agent({ ...options, connect: tls });
    return new ProxyAgent({ ...options, uri: this.#proxyUrl, requestTls: tls });
  }
}

async function readText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) break;
  }
  const whole = Buffer.concat(chunks);
  return { text: whole.toString('utf8', 0, Math.min(whole.length, bytesMax)), isCut: bytes > bytesMax };
}
