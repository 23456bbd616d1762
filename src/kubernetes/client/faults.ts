import { Fault, type FaultCode } from '../../errors.ts';
import { isProxied } from '../paths.ts';

/** What a fault names: the request, without its query, headers and body. */
export type RequestLine = { readonly method: string; readonly path: string; readonly writes: boolean };

/** What the API server says when it refuses (`kind: Status`), as far as it is read. */
export type ApiStatus = { readonly reason: string; readonly message: string };

const messageLengthMax = 500;

/** The Status in an answer's body, if that is what it holds. */
export function statusOf(text: string): ApiStatus | undefined {
  const body = jsonObject(text);
  if (body?.['kind'] !== 'Status') return undefined;
  return { reason: stringOf(body['reason']), message: stringOf(body['message']) };
}

/** The fault that an answer of 300 and above stands for. */
export function faultFromAnswer(request: RequestLine, httpStatus: number, text: string): Fault {
  const status = statusOf(text);
  const code = codeOf(request, httpStatus, status);
  const said = brief(status?.message || (status === undefined ? saidOtherwise(text) : ''));
  const reason = status?.reason ? ` ${status.reason}` : '';
  const unknown = httpStatus >= 500 ? outcomeUnknown(request) : '';
  return new Fault(code, `${lineOf(request)}: ${httpStatus}${reason}${said === '' ? '' : `: ${said}`}${unknown}`, isRetryable(code));
}

/** The fault that a failed exchange (no whole answer) stands for. Its message has the cause's text, so the cause is not attached again. */
export function faultFromError(request: RequestLine, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = errorCode(error);
  const text = brief(textOf(error));
  if (isTlsError(error)) return new Fault('network', `${lineOf(request)}: TLS: ${text}`, false);
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new Fault('network', `${lineOf(request)}: the client is closed`, false);
  }
  if (code.startsWith('HPE_')) return new Fault('protocol', `${lineOf(request)}: not HTTP: ${text}${outcomeUnknown(request)}`, false);
  const unknown = wasNeverSent(error) ? '' : outcomeUnknown(request);
  return new Fault('network', `${lineOf(request)}: ${text}${unknown}`, true);
}

/** The request's own time is over. */
export function timeoutFault(request: RequestLine, timeoutMs: number): Fault {
  return new Fault('timeout', `${lineOf(request)}: no answer within ${Math.round(timeoutMs)} ms${outcomeUnknown(request)}`, true);
}

/** An answer came, but it is not what the API promises. */
export function protocolFault(request: RequestLine, what: string): Fault {
  return new Fault('protocol', `${lineOf(request)}: ${what}${outcomeUnknown(request)}`, false);
}

/** True where no byte of the request can have reached the server: there was no connection yet. Such a write may be sent again. */
export function wasNeverSent(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_PRX_CONN' || isTlsError(error)) return true;
  const syscall = propertyOf(error, 'syscall') ?? propertyOf(firstOf(error), 'syscall');
  return syscall === 'connect' || syscall === 'getaddrinfo' || textOf(error).includes('before secure TLS connection was established');
}

/** Failed handshakes: the same certificate will be refused again. */
export function isTlsError(error: unknown): boolean {
  return /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|UND_ERR_PRX_TLS|EPROTO)/.test(
    errorCode(error),
  );
}

function codeOf(request: RequestLine, httpStatus: number, status: ApiStatus | undefined): FaultCode {
  if (httpStatus >= 500) return 'server';
  switch (httpStatus) {
    case 400:
    case 413:
    case 422:
      return 'invalid';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      // A balancer's or an unserved API group's "404 page not found" does not say that the object is absent.
      return status !== undefined || isProxied(request.path) ? 'not-found' : 'protocol';
    case 408:
      return 'timeout';
    case 409:
      return status?.reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
    case 429:
      return 'throttled';
    default:
      return 'protocol';
  }
}

function isRetryable(code: FaultCode): boolean {
  return code === 'server' || code === 'throttled' || code === 'timeout' || code === 'conflict' || code === 'network';
}

function lineOf(request: RequestLine): string {
  return `${request.method} ${request.path}`;
}

function outcomeUnknown(request: RequestLine): string {
  return request.writes ? ' (outcome unknown: it may have been done)' : '';
}

function saidOtherwise(text: string): string {
  const body = jsonObject(text);
  return stringOf(body?.['message']) || stringOf(body?.['error']) || text;
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

// An AggregateError of several addresses has an empty message; its first error has the text.
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const first = firstOf(error);
  return error.message || (first === undefined ? '' : textOf(first)) || errorCode(error) || error.name;
}

function errorCode(error: unknown): string {
  return propertyOf(error, 'code') ?? propertyOf(firstOf(error), 'code') ?? '';
}

function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : undefined;
}

function propertyOf(error: unknown, name: string): string | undefined {
  const value = error instanceof Error ? (error as unknown as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function brief(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > messageLengthMax ? `${line.slice(0, messageLengthMax)}…` : line;
}
