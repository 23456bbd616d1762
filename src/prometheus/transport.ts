import { type Dispatcher, request } from 'undici';
import type { PrometheusAddress } from '../config/config.ts';
import { Fault } from '../errors.ts';
import { type Access, noAccess } from './access.ts';
import { apiErrorOf, foreignTextMax } from './parse.ts';

/** GETs a path of the API server (its service proxy) and gives the JSON it answers; throws a Fault for every other answer. */
export type FetchService = (path: string, query: Readonly<Record<string, string>>, timeoutMs: number) => Promise<unknown>;

/** Sends one API request to Prometheus and gives the parsed body; throws a Fault. */
export type Ask = (parameters: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<unknown>;

const timeoutMs = 5_000;
const bodyMaxBytes = 5_000_000;
/** Proxies refuse long URLs. */
const getMaxBytes = 2_000;
const path = '/api/v1/query';

/** How to ask the given Prometheus, in at most 5 s an answer. */
export function connect(address: PrometheusAddress, fetchService: FetchService, access: Access = noAccess): Ask {
  const ask = address.kind === 'url' ? askUrl(address.url, access) : askService(address, fetchService);
  return async (parameters, signal) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      return await unlessAborted(ask(parameters, either), either);
    } catch (error) {
      throw timeout.aborted ? timedOut(error) : signal.aborted ? cancelled(error) : error;
    }
  };
}

const timedOut = (cause: unknown): Fault => new Fault('timeout', `no answer within ${timeoutMs / 1000} s`, true, { cause });
const cancelled = (cause: unknown): Fault => new Fault('network', 'cancelled', false, { cause });
const notJson = (text: string, cause: unknown): Fault =>
  new Fault('protocol', `the answer is no JSON: ${text.trim().slice(0, 100)}`, false, { cause });

/** The API server knows a Service with a scheme by another name, and Roles name it as it is asked: http is left out. */
function askService(address: Extract<PrometheusAddress, { kind: 'service' }>, fetchService: FetchService): Ask {
  const service = `${address.scheme === 'https' ? 'https:' : ''}${address.name}:${address.port}`;
  const proxyPath = `/api/v1/namespaces/${encodeURIComponent(address.namespace)}/services/${service}/proxy${path}`;
  return async (parameters) => {
    const answer = await fetchService(proxyPath, parameters, timeoutMs);
    return typeof answer === 'string' ? parseJson(answer) : answer;
  };
}

function askUrl(address: string, access: Access): Ask {
  const base = new URL(address);
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw new Fault('protocol', 'only http and https addresses can be asked', false);
  const target = new URL(base);
  target.hash = '';
  target.pathname = `${base.pathname.replace(/\/+$/, '')}${path}`;
  return async (parameters, signal) => {
    const form = new URLSearchParams(parameters).toString();
    const { headers } = access;
    const more = { signal, ...(access.dispatcher === undefined ? {} : { dispatcher: access.dispatcher }) };
    return form.length > getMaxBytes
      ? send(target, { method: 'POST', headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: form, ...more })
      : send(withQuery(target, parameters), { method: 'GET', headers, ...more });
  };
}

type Sending = { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string; signal: AbortSignal; dispatcher?: Dispatcher };

async function send(url: URL, sending: Sending): Promise<unknown> {
  const { statusCode, body } = await request(url, sending).catch((error: unknown) => {
    throw new Fault('network', 'no connection', true, { cause: error });
  });
  const text = await readText(body).catch((error: unknown) => {
    throw error instanceof Fault ? error : new Fault('network', 'the connection broke', true, { cause: error });
  });
  // undici follows no redirect by itself, and must not: the address with its credentials was given for this host.
  if (statusCode >= 300 && statusCode < 400)
    throw new Fault('protocol', `answered ${statusCode}: a redirect, which is not followed`, false);
  if (statusCode < 200 || statusCode > 299) throw refusal(statusCode, text);
  return parseJson(text);
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop early destroys the stream.
    if (bytes > bodyMaxBytes) throw new Fault('protocol', `the answer is larger than ${bodyMaxBytes / 1_000_000} MB`, false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(statusCode: number, text: string): Fault {
  const said = (apiErrorOf(parsedOrUndefined(text)) ?? text.trim()).slice(0, foreignTextMax);
  const message = said === '' ? `answered ${statusCode}` : `answered ${statusCode}: ${said}`;
  if (statusCode === 401) return new Fault('unauthorized', message, false);
  if (statusCode === 403) return new Fault('forbidden', message, false);
  if (statusCode === 404) return new Fault('not-found', message, false);
  if (statusCode === 429) return new Fault('throttled', message, true);
  return statusCode < 500 ? new Fault('invalid', message, false) : new Fault('server', message, true);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notJson(text, error);
  }
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withQuery(target: URL, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(target);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/** For what takes no signal, as the API server's proxy: its answer is then no longer waited for. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
