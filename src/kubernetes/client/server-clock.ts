import { Fault } from '../../errors.ts';

const windowMs = 5 * 60_000;

/** The API server's clock, estimated from the `Date` headers of its answers. */
export class ServerClock {
  readonly #nowMs: () => number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #previousOffsetMs = Number.NEGATIVE_INFINITY;
  #offsetMs = Number.NEGATIVE_INFINITY;

  /** `nowMs` is monotonic; the runner's wall clock is never read, it may be wrong. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes one header, at once when it has arrived. */
  note(header: string): void {
    const headerMs = Date.parse(header);
    if (Number.isNaN(headerMs)) return;
    // The header is cut to the second and is older than its arrival, so `headerMs - receipt` is never above the true offset,
    // and the largest of many is the nearest one. Only the last two windows count, so that clocks that drift apart, or a server
    // that sets its clock back, do not leave an estimate ahead of the truth for good.
    const receiptMs = this.#nowMs();
    if (receiptMs - this.#windowStartMs > windowMs) {
      this.#previousOffsetMs = this.#offsetMs;
      this.#offsetMs = Number.NEGATIVE_INFINITY;
      this.#windowStartMs = receiptMs;
    }
    this.#offsetMs = Math.max(this.#offsetMs, headerMs - receiptMs);
  }

  /** Milliseconds since 1970 at the server: at most the truth, and behind it by little more than a second after the first answer. */
  nowMs(): number {
    const offsetMs = Math.max(this.#offsetMs, this.#previousOffsetMs);
    if (offsetMs === Number.NEGATIVE_INFINITY) throw new Fault('protocol', 'the API server has not told its time (no Date header)', false);
    return this.#nowMs() + offsetMs;
  }
}
