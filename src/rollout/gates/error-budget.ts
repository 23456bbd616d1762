import { count } from './amounts.ts';
import { addBatches, closeBatch, noBatch } from './counters.ts';
import { type MetricsRules, theJudged } from './metrics-rules.ts';
import type { Batch } from './sequential-test.ts';

/**
 * Failed requests that the canary has caused beyond those at stable's rate at the same time. Scrapes of the canary and of stable differ by up
 * to an interval, so in an outage that both share the canary's may be the first to show it, or the last: each window is settled when the next
 * one is known, by the highest rate of the one before, its own, and the one after.
 */
export type BudgetEvidence = {
  readonly pending: Batch;
  /** What is being counted: batches until a scrape interval is over. */
  readonly window: Batch;
  readonly windowSinceMs: number | undefined;
  /** The window before, which is not settled yet. */
  readonly last: Batch;
  /** Stable's rate in the window before that. */
  readonly earlierRate: number;
  /** What is settled. Never below 0: errors that were saved earlier buy none later. */
  readonly spent: number;
  /** The longest time between two batches: an estimate of the scrape interval, from below. */
  readonly gapMs: number;
  readonly closedAtMs: number | undefined;
};

export const fullBudget: BudgetEvidence = {
  pending: noBatch,
  window: noBatch,
  windowSinceMs: undefined,
  last: noBatch,
  earlierRate: 0,
  spent: 0,
  gapMs: 0,
  closedAtMs: undefined,
};

/** A longer silence is no scrape interval. */
const gapMsMax = 60_000;

/** The budget after the requests of one more reading. `rateBefore`: of a stable that does not serve at the same time, a fraction. */
export function spend(before: BudgetEvidence, delta: Batch, nowMs: number, rateBefore?: number): BudgetEvidence {
  const { batch, pending } = closeBatch(before.pending, delta, rateBefore === undefined);
  if (batch === undefined) return { ...before, pending };
  const gapMs = Math.max(before.gapMs, Math.min(nowMs - (before.closedAtMs ?? nowMs), gapMsMax));
  const window = addBatches(before.window, batch);
  const counted = { ...before, pending, window, gapMs, windowSinceMs: before.windowSinceMs ?? nowMs, closedAtMs: nowMs };
  if (nowMs - counted.windowSinceMs < gapMs) return counted;
  const rate = rateBefore ?? Math.max(before.earlierRate, stableRate(before.last), stableRate(window));
  const spent = Math.max(0, before.spent + before.last.canaryErrors - rate * before.last.canaryRequests);
  return { ...counted, spent, last: window, earlierRate: stableRate(before.last), window: noBatch, windowSinceMs: nowMs };
}

function stableRate({ stableErrors, stableRequests }: Batch): number {
  return stableRequests > 0 ? stableErrors / stableRequests : 0;
}

/** Whether the canary has caused more than it may. */
export function isSpent(budget: number, evidence: BudgetEvidence): boolean {
  return evidence.spent > budget;
}

/** Whether it has if the newest scrapes tell the truth, which the next ones will show. */
export function isOverdrawn(budget: number, evidence: BudgetEvidence, rateBefore?: number): boolean {
  const open = addBatches(evidence.last, evidence.window);
  return evidence.spent + open.canaryErrors - (rateBefore ?? stableRate(open)) * open.canaryRequests > budget;
}

export function explainSpent(rules: MetricsRules, { spent }: BudgetEvidence, totals: Batch): string {
  return `${theJudged(rules)} failed ${count(totals.canaryErrors)} of ${count(totals.canaryRequests)} requests, ${count(spent)} more than at stable's rate: the error budget is ${count(rules.errorBudget ?? 0)}`;
}
