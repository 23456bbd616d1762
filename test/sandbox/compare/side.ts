import { Agent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRequest, Sandbox } from '../../../sandbox/sandbox.ts';

export interface Answer {
  readonly status: number;
  // The bodies of an API are what the scenes look into; their shape is what is compared.
  readonly body: Body;
}
export interface Body {
  readonly [key: string]: Body & string & number;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly token?: string;
}

/** One of the two: the sandbox or the real API server. */
export interface Cluster {
  readonly isReal: boolean;
  send(call: Call): Promise<Answer>;
  pass(ms: number): Promise<void>;
}

export interface Recorded {
  readonly label: string;
  readonly call: Call;
  readonly answer: Answer;
}

/** What a scene is played on: every `call` is recorded and compared, a `peek` is not. */
export interface Side {
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly recorded: Recorded[];
  call(label: string, call: Call): Promise<Answer>;
  peek(path: string, query?: Readonly<Record<string, string>>): Promise<Answer>;
  until(what: string, isSo: () => Promise<boolean>, limitMs?: number): Promise<void>;
}

export function createSide(cluster: Cluster, namespace: string): Side {
  const recorded: Recorded[] = [];
  return {
    namespace,
    cluster,
    recorded,
    async call(label, call) {
      const answer = await cluster.send(call);
      recorded.push({ label, call, answer });
      return answer;
    },
    peek: (path, query) => cluster.send({ method: 'GET', path, ...(query === undefined ? {} : { query }) }),
    async until(what, isSo, limitMs = 40_000) {
      for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 100) {
        if (await isSo()) return;
        await cluster.pass(100);
      }
      throw new Error(`${cluster.isReal ? 'cluster' : 'sandbox'}: waited in vain for ${what}`);
    },
  };
}

const USER_AGENT = 'compare/1';

function headersOf({ contentType, token }: Call, fallback: string): Record<string, string> {
  return {
    'content-type': contentType ?? 'application/json',
    'user-agent': USER_AGENT,
    authorization: `Bearer ${token ?? fallback}`,
    accept: 'application/json',
  };
}

function encode(body: unknown): string | undefined {
  return body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
}

function decode(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return { text } as unknown as Body;
  }
}

export function sandboxCluster(sandbox: Sandbox, token: string): Cluster {
  return {
    isReal: false,
    async send(call) {
      const body = encode(call.body);
      const request: ApiRequest = {
        method: call.method,
        path: call.path,
        headers: headersOf(call, token),
        ...(call.query === undefined ? {} : { query: call.query }),
        ...(body === undefined ? {} : { body }),
      };
      const response = sandbox.handle(request);
      return { status: response.status, body: decode(response.body) };
    },
    async pass(ms) {
      sandbox.advance(ms);
    },
  };
}

export function realCluster(server: string, token: string): Cluster {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  return {
    isReal: true,
    send: (call) =>
      new Promise((resolve) => {
        const url = new URL(server + call.path);
        for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
        const body = encode(call.body);
        // Node sends the body of a DELETE without its length, and the server then reads it as the next request.
        const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
        const headers = { ...headersOf(call, token), ...length };
        const request = httpsRequest(url, { method: call.method, agent, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: decode(Buffer.concat(chunks).toString('utf8')) }));
        });
        // The API server panics on some requests, and hangs up.
        request.on('error', () => resolve({ status: 0, body: { text: 'hung up' } as unknown as Body }));
        request.end(body);
      }),
    pass: (ms) => sleep(ms),
  };
}
