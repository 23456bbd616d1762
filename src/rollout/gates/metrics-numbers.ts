import { noBatch } from './counters.ts';
import { lowerBound, upperBound } from './error-bounds.ts';
import type { LimitEvidence, MetricsEvidence } from './metrics-evidence.ts';
import { allowedRate, type GateLimit, isSlowLimit, type MetricsRules, testCount } from './metrics-rules.ts';
import type { Batch } from './sequential-test.ts';
import { passOverheadNats, requestsToPass } from './traffic.ts';

/** The errors of one arm. Rates are fractions; the bounds hold at any time, of the mean rate (gates.md §3.6). */
export type ArmNumbers = {
  readonly errors: number;
  readonly requests: number;
  readonly rate: number | undefined;
  /** The true rate is above it with 99.9 % confidence (99.95 % each with two limits). */
  readonly lowerBound: number;
  /** The true rate is below it with 95 % confidence. */
  readonly upperBound: number;
};

export type LimitNumbers = {
  readonly limit: GateLimit;
  /** What the limit came to beside stable's rate, as a fraction, weighted by the canary's traffic. */
  readonly allowedRate: number;
  /** Evidence that the limit is broken, in nats, what convicts, and how sure that makes (a fraction, all limits allowed for). */
  readonly worse: { readonly logE: number; readonly neededNats: number; readonly confidence: number };
  /** Evidence that the limit is kept. */
  readonly within: { readonly logE: number; readonly neededNats: number; readonly confidence: number };
};

/** The numbers behind a verdict, for the summary and the output `json`; after a failure, those of the moment that it was found. */
export type EvidenceNumbers = {
  readonly canary: ArmNumbers;
  readonly stable: ArmNumbers;
  readonly limits: readonly LimitNumbers[];
  readonly failedAtMs: number | undefined;
};

/** See `EvidenceNumbers`. Takes milliseconds (the bounds are searched): call it for a report, not in every turn. */
export function evidenceNumbers(rules: MetricsRules, evidence: MetricsEvidence): EvidenceNumbers {
  const { totals } = evidence;
  return {
    canary: armNumbers(rules, totals.canaryErrors, totals.canaryRequests),
    stable: armNumbers(rules, totals.stableErrors, totals.stableRequests),
    limits: rules.limits.flatMap((limit, index) => limitNumbers(rules, limit, evidence, evidence.limits[index])),
    failedAtMs: evidence.failure?.atMs,
  };
}

function armNumbers(rules: MetricsRules, errors: number, requests: number): ArmNumbers {
  return {
    errors,
    requests,
    rate: requests > 0 ? errors / requests : undefined,
    lowerBound: lowerBound(errors, requests, rules.failNats),
    upperBound: upperBound(errors, requests, rules.passNats),
  };
}

function limitNumbers(rules: MetricsRules, limit: GateLimit, evidence: MetricsEvidence, one: LimitEvidence | undefined): LimitNumbers[] {
  if (one === undefined) return [];
  const { worse, within } = one;
  return [
    {
      limit,
      allowedRate: allowedRateSoFar(limit, one, evidence),
      worse: { logE: worse.logE, neededNats: rules.failNats, confidence: confidenceOf(worse.logE - Math.log(testCount(rules))) },
      within: { logE: within.logE, neededNats: rules.passNats, confidence: confidenceOf(within.logE) },
    },
  ];
}

/** What the limit came to so far, as a fraction: batch by batch, or beside all of stable's requests before the first batch. */
export function allowedRateSoFar(limit: GateLimit, evidence: LimitEvidence, all: Pick<MetricsEvidence, 'totals' | 'slow'>): number {
  const { counts, allowedErrors } = evidence.tally.whole;
  if (counts.canaryRequests > 0) return allowedErrors / counts.canaryRequests;
  const { stableErrors, stableRequests } = countsOf(limit, all);
  return allowedRate(limit, stableRequests > 0 ? stableErrors / stableRequests : 0);
}

/** How sure evidence of so many nats makes: 1 − 1/E, not below 0. It speaks against the opposite; it is no probability of a fault. */
export function confidenceOf(logE: number): number {
  return Math.max(0, -Math.expm1(-logE));
}

/** Canary requests, without any error, at which a pass may be expected; of a canary without errors so far, extrapolated from its evidence. */
export function requestsStillNeeded(rules: MetricsRules, evidence: MetricsEvidence): number {
  const { limit, one } = weakestLimit(rules, evidence);
  if (limit === undefined || one === undefined) return Infinity;
  const formula = requestsToPass(allowedRateSoFar(limit, one, evidence), rules);
  const perNat = one.tally.whole.counts.canaryRequests / (Math.max(one.within.logE, 0) + passOverheadNats);
  return countsOf(limit, evidence).canaryErrors > 0 ? formula : Math.max(formula, Math.ceil(perNat * (rules.passNats + passOverheadNats)));
}

/** What was counted for a limit so far: errors, or slow requests in their place. */
export function countsOf(limit: GateLimit | undefined, evidence: Pick<MetricsEvidence, 'totals' | 'slow'>): Batch {
  return limit !== undefined && isSlowLimit(limit) ? (evidence.slow?.totals ?? noBatch) : evidence.totals;
}

/** The limit with the least evidence that it is kept: the one that a pass waits for. */
export function weakestLimit(
  rules: MetricsRules,
  evidence: MetricsEvidence,
): { limit: GateLimit | undefined; one: LimitEvidence | undefined } {
  const least = Math.min(...evidence.limits.map((one) => one.within.logE));
  const index = evidence.limits.findIndex((one) => one.within.logE === least);
  return { limit: rules.limits[index], one: evidence.limits[index] };
}
