/** One question to the application, and what came of it; times in milliseconds of any one monotonic clock. */
export type ProbeAnswer =
  | { readonly kind: 'answered'; readonly status: number }
  /** Nobody answered the question: refused, broken, no time left. */
  | { readonly kind: 'unanswered'; readonly why: string }
  /** Something between us and the application failed: nothing is known about the application. */
  | { readonly kind: 'unknown'; readonly why: string };

/** What the probe saw during a release. Plain data. */
export type ProbeNumbers = {
  /** As people may see it: without user, password and query. */
  readonly address: string;
  readonly questions: number;
  /** No answer within the time-out, or an answer of 500 and above. */
  readonly failed: number;
  /** Answers of 400 to 499: they are answers, but hardly the ones that were asked for. */
  readonly clientErrors: number;
  readonly unknown: number;
  /** From the last good answer before a failed question to the next good one; 0 where no question failed. */
  readonly longestGapMs: number;
  /** Of all answers, failed ones included; undefined without any. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** The shortest time between two questions: shorter gaps are not seen. */
  readonly intervalMs: number;
  readonly durationMs: number;
  /** What the first failed question got; undefined where none failed. */
  readonly firstFailure: string | undefined;
};

/** Counts what a probe sees; no clock of its own. */
export class ProbeTally {
  readonly #address: string;
  readonly #intervalMs: number;
  readonly #startedAtMs: number;
  readonly #answerMs: number[] = [];
  #questions = 0;
  #failed = 0;
  #clientErrors = 0;
  #unknown = 0;
  #lastGoodAtMs: number;
  #failing = false;
  #longestGapMs = 0;
  #firstFailure: string | undefined;

  constructor(address: string, intervalMs: number, startedAtMs: number) {
    this.#address = address;
    this.#intervalMs = intervalMs;
    this.#startedAtMs = startedAtMs;
    this.#lastGoodAtMs = startedAtMs;
  }

  note(answer: ProbeAnswer, askedAtMs: number, endedAtMs: number): void {
    this.#questions += 1;
    if (answer.kind === 'unknown') {
      this.#unknown += 1;
      return;
    }
    if (answer.kind === 'answered') this.#answerMs.push(endedAtMs - askedAtMs);
    if (answer.kind === 'unanswered' || answer.status >= 500) {
      this.#failed += 1;
      this.#failing = true;
      this.#firstFailure ??= answer.kind === 'unanswered' ? answer.why : `answered ${answer.status}`;
      return;
    }
    if (answer.status >= 400) this.#clientErrors += 1;
    if (this.#failing) this.#longestGapMs = Math.max(this.#longestGapMs, endedAtMs - this.#lastGoodAtMs);
    this.#failing = false;
    this.#lastGoodAtMs = endedAtMs;
  }

  /** A gap that is still open at the end counts until then. */
  numbers(endedAtMs: number): ProbeNumbers {
    const openMs = this.#failing ? endedAtMs - this.#lastGoodAtMs : 0;
    const sorted = [...this.#answerMs].sort((a, b) => a - b);
    return {
      address: this.#address,
      questions: this.#questions,
      failed: this.#failed,
      clientErrors: this.#clientErrors,
      unknown: this.#unknown,
      longestGapMs: Math.round(Math.max(this.#longestGapMs, openMs)),
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      intervalMs: this.#intervalMs,
      durationMs: Math.round(endedAtMs - this.#startedAtMs),
      firstFailure: this.#firstFailure,
    };
  }
}

/** The smallest value that at least the fraction `q` of all values does not exceed (nearest rank). */
function quantile(sorted: readonly number[], q: number): number | undefined {
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return value === undefined ? undefined : Math.round(value);
}

/** The numbers in one sentence that does not claim more than such a probe can see. */
export function describeProbe(numbers: ProbeNumbers): string {
  const { address, questions, failed, clientErrors, unknown, longestGapMs, p50Ms, p99Ms, intervalMs, durationMs } = numbers;
  const asked = `probe: ${questions} ${questions === 1 ? 'question' : 'questions'} to ${address} in ${Math.round(durationMs / 1000)} s`;
  const first = numbers.firstFailure === undefined ? '' : `, the first: ${numbers.firstFailure}`;
  const gap = failed === 0 ? '' : `; longest time without a good answer ${longestGapMs} ms`;
  const others = clientErrors === 0 ? '' : `; ${clientErrors} answered with 4xx`;
  const notKnown = unknown === 0 ? '' : `; ${unknown} not known: the API server's proxy did not get through`;
  const speed = p50Ms === undefined ? '' : `; p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
  return `${asked}: ${failed} failed (no answer, or 5xx${first})${gap}${others}${notKnown}${speed}. One question every ${intervalMs} ms: gaps shorter than that are not seen`;
}
