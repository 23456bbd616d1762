import type { CountersState } from './counters.ts';
import type { BudgetEvidence } from './error-budget.ts';
import type { LimitTally } from './limit-tally.ts';
import type { Batch, TestState } from './sequential-test.ts';
import type { TrafficEvidence } from './traffic-share.ts';

/** What has been seen of one limit. */
export type LimitEvidence = {
  readonly worse: TestState;
  readonly within: TestState;
  readonly pending: Batch;
  readonly tally: LimitTally;
  /** When the last batch was closed; undefined before the first. */
  readonly closedAtMs?: number | undefined;
};

/** All that the gate remembers; plain data for the journal, with finite numbers only. Times are the observations' `nowMs`. */
export type MetricsEvidence = {
  readonly counters: CountersState;
  /** Everything counted so far, pending batches too. */
  readonly totals: Batch;
  /** In the order of the rules' limits. */
  readonly limits: readonly LimitEvidence[];
  /** When requests of the arm were last seen, or observing began; undefined before. */
  readonly canaryMovedAtMs: number | undefined;
  readonly stableMovedAtMs: number | undefined;
  /** Why the last reading gave nothing. Untrusted text. */
  readonly unavailable: string | undefined;
  /** Pods of the judged version whose metrics are missing since the last reading; some of them may be gone. */
  readonly silent?: readonly string[] | undefined;
  /** The same of slow requests, where a limit is for them. */
  readonly slow?: { readonly counters: CountersState; readonly totals: Batch } | undefined;
  readonly traffic?: TrafficEvidence | undefined;
  readonly budget?: BudgetEvidence | undefined;
  /** The limit or the rule that convicted, and when; all numbers above are those of that moment from then on. */
  readonly failure: { readonly limit: number | 'traffic' | 'budget'; readonly atMs: number } | undefined;
};
