import type { FaultCode } from '../../src/errors.ts';
import { ServerClock } from '../../src/kubernetes/client/server-clock.ts';
import type { Clock } from '../../src/runner/ports.ts';
import type { Dice } from './random.ts';
import type { Faults, RunScript, WayToDie } from './scenario.ts';
import { epochMs, type Schedule } from './schedule.ts';
import type { Subject } from './subject.ts';

export type ProcessOptions = {
  readonly name: string;
  readonly script: RunScript;
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly subject: Subject;
  readonly log: (actor: string, text: string) => void;
  /** Called once, when it has died. */
  readonly onDeath: () => void;
};

type Waiting = { readonly signal: AbortSignal; readonly settle: () => void };

/** What a request meets on its way. */
export type Passage = {
  readonly arrivesMs: number | undefined;
  /** Undefined: no answer comes, and the client gives up. */
  readonly answersMs: number | undefined;
  readonly givesUpMs: number;
};

/** A process on a runner: it can be cut off, paused, frozen, cancelled and killed; its promises then never settle. */
export class SimulatedProcess {
  readonly name: string;
  readonly cancel = new AbortController();
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly options: ProcessOptions;
  isAlive = true;
  /** What comes once it has died. */
  onGone: (() => void) | undefined;
  calls = 0;
  /** What each call was, for those who choose where to die. */
  readonly trace: ('read' | 'write')[] = [];
  #pausedUntilMs = 0;
  #lostMs = 0;
  readonly #gaps: { readonly atMs: number; readonly ms: number }[] = [];
  #waiting: readonly Waiting[] = [];

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.options = options;
    const { schedule } = options;
    this.clock = { nowMs: () => schedule.nowMs - epochMs - this.#lostMs, sleep: (ms, signal) => this.#sleep(ms, signal) };
    this.serverClock = new ServerClock(() => this.clock.nowMs());
  }

  /** Runs when `ms` have passed and the process has a turn; never if it is dead by then. */
  later(ms: number, run: () => void): void {
    const { schedule } = this.options;
    schedule.after(ms, () => {
      if (!this.isAlive) return;
      if (schedule.nowMs < this.#pausedUntilMs) {
        this.later(this.#pausedUntilMs - schedule.nowMs, run);
        return;
      }
      schedule.woke();
      run();
    });
  }

  die(why: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.options.log(this.name, `dies: ${why}`);
    this.options.schedule.after(0, this.options.onDeath);
  }

  /** No turns for a while; a frozen one does not even notice that time has passed. */
  pause(ms: number, frozen: boolean): void {
    const { schedule } = this.options;
    if (!this.isAlive || ms === 0 || schedule.nowMs < this.#pausedUntilMs) return;
    this.options.log(this.name, `${frozen ? 'frozen' : 'paused'} for ${ms} ms`);
    this.#pausedUntilMs = schedule.nowMs + ms;
    this.#gaps.push({ atMs: schedule.nowMs, ms });
    if (frozen) this.#lostMs += ms;
  }

  /** How long it has had no turns, in all, and since a moment. */
  pausedMsSince(atMs: number): number {
    const ends = this.#gaps.map((gap) => Math.min(gap.ms, gap.atMs + gap.ms - atMs));
    return ends.reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }

  abort(): void {
    if (!this.isAlive || this.cancel.signal.aborted) return;
    this.later(0, () => {
      this.options.log(this.name, 'is cancelled');
      this.cancel.abort(new Error('cancelled'));
      const touched = this.#waiting.filter(({ signal }) => signal.aborted);
      this.#waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
      for (const { settle } of touched) settle();
    });
  }

  /** Settles early when the signal aborts. Answers a function that says it is no longer needed. */
  onAbort(signal: AbortSignal, settle: () => void): () => void {
    const entry = { signal, settle };
    this.#waiting = [...this.#waiting, entry];
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Counts one call, and says whether and how the process dies at it. */
  begin(kind: 'read' | 'write'): WayToDie | undefined {
    this.calls += 1;
    this.trace.push(kind);
    const { dies } = this.options.script;
    return dies?.call === this.calls ? dies.way : undefined;
  }

  fault(code: FaultCode, message: string, retryable: boolean): Error {
    return new this.options.subject.Fault(code, message, retryable);
  }

  isCutOff(): boolean {
    const ms = this.options.schedule.nowMs - epochMs;
    return this.options.faults.partitions.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
  }

  /** Whether a fault of this probability strikes now. */
  strikes(probability: number): boolean {
    const { faults, schedule, dice } = this.options;
    return probability > 0 && schedule.nowMs - epochMs >= faults.fromMs && dice.chance(probability);
  }

  isForbidden(): boolean {
    const { faults, schedule } = this.options;
    const ms = schedule.nowMs - epochMs;
    if (faults.policies.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs)) return true;
    return this.strikes(faults.refused);
  }

  /** The fate of one write. */
  passage(timeoutMs: number): Passage {
    const { faults, dice } = this.options;
    const quickMs = dice.between(5, 60);
    const ordinary = { arrivesMs: quickMs, answersMs: quickMs + dice.between(5, 60), givesUpMs: timeoutMs };
    const reset = (): number => (dice.chance(0.5) ? quickMs + dice.between(1, 50) : timeoutMs);
    if (this.isCutOff() || this.strikes(faults.lostBefore)) return { arrivesMs: undefined, answersMs: undefined, givesUpMs: reset() };
    if (this.strikes(faults.lostAfter)) return { arrivesMs: quickMs, answersMs: undefined, givesUpMs: reset() };
    if (this.strikes(faults.late)) {
      const givesUpMs = reset();
      return { arrivesMs: givesUpMs + dice.between(10, 3_000), answersMs: undefined, givesUpMs };
    }
    if (this.strikes(faults.slow)) {
      const arrivesMs = dice.between(100, timeoutMs);
      const answersMs = arrivesMs + dice.between(10, timeoutMs);
      return { arrivesMs, answersMs: answersMs < timeoutMs ? answersMs : undefined, givesUpMs: timeoutMs };
    }
    return ordinary;
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const forget = this.onAbort(signal, resolve);
      this.later(ms, () => {
        forget();
        resolve();
      });
    });
  }
}
