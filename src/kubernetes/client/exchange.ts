import type { Fault } from '../../errors.ts';
import type { Clock } from '../../runner/ports.ts';
import { isProxied } from '../paths.ts';
import type { Access, Credentials } from './credentials.ts';
import { faultFromAnswer, faultFromError, isTlsError, statusOf, timeoutFault, wasNeverSent } from './faults.ts';
import type { ServerClock } from './server-clock.ts';
import type { Transport, WireAnswer, WireRequest } from './transport.ts';
import type { WarningHeaders } from './warning-headers.ts';

/** One call of the API: one or more requests within one time-out. */
export type Call = {
  readonly method: WireRequest['method'];
  readonly path: string;
  /** Whether it changes anything: then its outcome may be unknown. */
  readonly writes: boolean;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Whether sending it twice does no more than sending it once: reads, and deletes by uid. */
  readonly repeatable: boolean;
};

export type ExchangeParts = {
  readonly credentials: Credentials;
  readonly transport: Transport;
  readonly serverClock: ServerClock;
  readonly warnings: WarningHeaders;
  readonly clock: Clock;
};

const attemptsMax = 3;
const backoffMs = 200;

type Attempt =
  | { readonly kind: 'answer'; readonly answer: WireAnswer }
  | { readonly kind: 'refused'; readonly fault: Fault; readonly access: Access }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly again: boolean; readonly waitMs: number | undefined };

/** Sends calls: credentials, time-out, retries. */
export class Exchange {
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** The answer below 300, or a Fault; where the caller's signal aborts, its reason. */
  async run(call: Call): Promise<WireAnswer> {
    call.signal?.throwIfAborted();
    const controller = new AbortController();
    const onAbort = (): void => controller.abort();
    call.signal?.addEventListener('abort', onAbort, { once: true });
    // A timer of our own and not AbortSignal.timeout: that one is unref'd, and the process could end in the middle of a wait.
    const timer = setTimeout(onAbort, call.timeoutMs);
    try {
      return await this.#attempts(call, controller.signal);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw controller.signal.aborted ? timeoutFault(call, call.timeoutMs) : error;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** One request, never sent again, whatever it is answered; a Fault where no answer came, or where it took too long. */
  async once(call: Call): Promise<WireAnswer> {
    const controller = new AbortController();
    const onAbort = (): void => controller.abort();
    call.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(onAbort, call.timeoutMs);
    try {
      call.signal?.throwIfAborted();
      const access = await untilAborted(this.#parts.credentials.current(), controller.signal);
      const request = { ...call, target: `${call.path}${call.query}`, signal: controller.signal };
      const answer = await this.#parts.transport.send(request, access, (headers) => this.#note(call, headers));
      // The next one comes with fresh credentials.
      if (answer.status === 401 && statusOf(answer.text) !== undefined) this.#parts.credentials.drop(access);
      return answer;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw controller.signal.aborted ? timeoutFault(call, call.timeoutMs) : faultFromError(call, error);
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  async #attempts(call: Call, signal: AbortSignal): Promise<WireAnswer> {
    const deadlineMs = this.#parts.clock.nowMs() + call.timeoutMs;
    let refusals = 0;
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#attempt(call, signal);
      if (result.kind === 'answer') return result.answer;
      if (result.kind === 'refused') {
        this.#parts.credentials.drop(result.access);
        refusals += 1;
        if (refusals > 1) throw result.fault;
        continue;
      }
      const waitMs = result.waitMs ?? backoffMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      // The fault says more than "no answer in time" would.
      if (!result.again || attempt >= attemptsMax || this.#parts.clock.nowMs() + waitMs >= deadlineMs) throw result.fault;
      await this.#parts.clock.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
  }

  async #attempt(call: Call, signal: AbortSignal): Promise<Attempt> {
    // A plugin may take its time: the call does not wait longer for it than for an answer.
    const access = await untilAborted(this.#parts.credentials.current(), signal);
    const request = { ...call, target: `${call.path}${call.query}`, signal };
    let answer: WireAnswer;
    try {
      answer = await this.#parts.transport.send(request, access, (headers) => this.#note(call, headers));
    } catch (error) {
      if (signal.aborted) throw error;
      const again = !isTlsError(error) && (call.repeatable || wasNeverSent(error));
      const fault = faultFromError(call, error);
      return { kind: 'failed', fault, again: again && fault.retryable, waitMs: undefined };
    }
    if (answer.status < 300) return { kind: 'answer', answer };
    const fault = faultFromAnswer(call, answer.status, answer.text);
    // Authentication comes before everything else, so nothing was done, and a write may be sent again as well.
    const isOurs = !isProxied(call.path) || statusOf(answer.text) !== undefined;
    if (fault.code === 'unauthorized' && isOurs) return { kind: 'refused', fault, access };
    const again = fault.code === 'throttled' || (fault.code === 'server' && call.repeatable);
    return { kind: 'failed', fault, again, waitMs: retryAfterMs(answer) };
  }

  #note(call: Call, headers: WireAnswer['headers']): void {
    // What is behind the proxy has a clock of its own, and nothing to warn of.
    if (isProxied(call.path)) return;
    const date = headers['date'];
    if (typeof date === 'string') this.#parts.serverClock.note(date);
    this.#parts.warnings.note(headers['warning']);
  }
}

function retryAfterMs(answer: WireAnswer): number | undefined {
  const header = answer.headers['retry-after'];
  const seconds = typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : undefined;
  return seconds === undefined ? undefined : seconds * 1000;
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
