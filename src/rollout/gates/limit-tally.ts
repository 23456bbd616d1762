import type { ErrorLimit } from '../spec.ts';
import { addBatches, noBatch } from './counters.ts';
import { allowedRate } from './metrics-rules.ts';
import type { Batch } from './sequential-test.ts';

/** Closed batches, summed up for people; the verdict does not depend on it. */
export type Sum = {
  readonly counts: Batch;
  /** Canary errors that the limit allowed, batch by batch: totals of both arms mislead where shares and rates changed together. */
  readonly allowedErrors: number;
};

export type LimitTally = {
  readonly whole: Sum;
  /** Since the excess over the limit began (the last zero of its CUSUM); undefined while there is none. */
  readonly excess: (Sum & { readonly sinceMs: number }) | undefined;
};

const nothing: Sum = { counts: noBatch, allowedErrors: 0 };
export const emptyTally: LimitTally = { whole: nothing, excess: undefined };

/** The tally after one more closed batch, read at `nowMs`. */
export function addToTally(limit: ErrorLimit, tally: LimitTally, batch: Batch, nowMs: number): LimitTally {
  const stableRate = batch.stableRequests > 0 ? batch.stableErrors / batch.stableRequests : 0;
  const addend: Sum = { counts: batch, allowedErrors: allowedRate(limit, stableRate) * batch.canaryRequests };
  const excess = addSums(tally.excess ?? nothing, addend);
  const exceeds = excess.counts.canaryErrors > excess.allowedErrors;
  return { whole: addSums(tally.whole, addend), excess: exceeds ? { ...excess, sinceMs: tally.excess?.sinceMs ?? nowMs } : undefined };
}

function addSums(a: Sum, b: Sum): Sum {
  return { counts: addBatches(a.counts, b.counts), allowedErrors: a.allowedErrors + b.allowedErrors };
}
