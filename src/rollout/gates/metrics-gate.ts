import type { MetricsReading } from '../observation.ts';
import type { ErrorLimit } from '../spec.ts';
import type { Verdict } from '../verdict.ts';
import { count, rateOf } from './amounts.ts';
import { addBatches, closeBatch, difference, noBatch, noCounters } from './counters.ts';
import { addToTally, emptyTally } from './limit-tally.ts';
import type { LimitEvidence, MetricsEvidence } from './metrics-evidence.ts';
import { requestsStillNeeded } from './metrics-numbers.ts';
import { type MetricsRules, withinTest, worseTest } from './metrics-rules.ts';
import {
  explainFailure,
  explainNoReading,
  explainPass,
  explainSilentCanary,
  explainStale,
  explainTooClose,
  explainTooLittle,
} from './metrics-sentences.ts';
import { type Batch, startTest, updateTest } from './sequential-test.ts';

export type { MetricsEvidence } from './metrics-evidence.ts';
export type { MetricsRules } from './metrics-rules.ts';

const whyMax = 300;

/** No evidence yet. */
export function startEvidence(rules: MetricsRules): MetricsEvidence {
  return {
    counters: noCounters,
    totals: noBatch,
    limits: rules.limits.map((limit) => ({
      worse: startTest(worseTest(rules, limit)),
      within: startTest(withinTest(rules, limit)),
      pending: noBatch,
      tally: emptyTally,
    })),
    canaryMovedAtMs: undefined,
    stableMovedAtMs: undefined,
    unavailable: undefined,
    failure: undefined,
  };
}

/** The evidence after one more reading, taken at `nowMs`. A failure is latched: later readings change nothing. */
export function absorbReading(rules: MetricsRules, evidence: MetricsEvidence, reading: MetricsReading, nowMs: number): MetricsEvidence {
  if (evidence.failure !== undefined) return evidence;
  const { state: counters, delta } = difference(evidence.counters, reading);
  const limits = rules.limits.map((limit, index) => absorbDelta(rules, limit, evidence.limits[index], delta, nowMs));
  const totals = addBatches(evidence.totals, delta);
  const broken = limits.findIndex((one) => one.worse.logE >= rules.failNats);
  return {
    counters,
    totals,
    limits,
    canaryMovedAtMs: delta.canaryRequests > 0 ? nowMs : (evidence.canaryMovedAtMs ?? nowMs),
    stableMovedAtMs: delta.stableRequests > 0 ? nowMs : (evidence.stableMovedAtMs ?? nowMs),
    unavailable: undefined,
    failure: broken >= 0 && totals.canaryErrors >= rules.errorsMin ? { limit: broken, atMs: nowMs } : undefined,
  };
}

function absorbDelta(
  rules: MetricsRules,
  limit: ErrorLimit,
  before: LimitEvidence | undefined,
  delta: Batch,
  nowMs: number,
): LimitEvidence {
  const worse = worseTest(rules, limit);
  const within = withinTest(rules, limit);
  const evidence = before ?? { worse: startTest(worse), within: startTest(within), pending: noBatch, tally: emptyTally };
  const { batch, pending } = closeBatch(evidence.pending, delta, limit.ratio > 0);
  if (batch === undefined) return { ...evidence, pending };
  return {
    worse: updateTest(worse, evidence.worse, batch),
    within: updateTest(within, evidence.within, batch),
    pending,
    tally: addToTally(limit, evidence.tally, batch, nowMs),
  };
}

/** The evidence after a reading that failed at `nowMs`: nothing is lost, the next reading's counters cover the gap. */
export function absorbUnavailable(evidence: MetricsEvidence, why: string, nowMs: number): MetricsEvidence {
  if (evidence.failure !== undefined) return evidence;
  return {
    ...evidence,
    canaryMovedAtMs: evidence.canaryMovedAtMs ?? nowMs,
    stableMovedAtMs: evidence.stableMovedAtMs ?? nowMs,
    unavailable: why.slice(0, whyMax),
  };
}

/**
 * What the evidence says at `nowMs` (gates.md §4): a failure once it was found, a pass only of fresh data and of all limits, and otherwise
 * why not. The shortest duration and the deadline are the caller's.
 */
export function judgeMetrics(rules: MetricsRules, evidence: MetricsEvidence, nowMs: number): Verdict {
  if (evidence.failure !== undefined) {
    const because = explainFailure(rules, evidence);
    return { kind: 'fail', reason: 'metrics-failed', because, evidence: [describeProgress(rules, evidence)] };
  }
  const { canaryMovedAtMs, stableMovedAtMs } = evidence;
  if (canaryMovedAtMs === undefined || stableMovedAtMs === undefined) {
    return { kind: 'unknown', reason: 'metrics-unavailable', because: explainNoReading(evidence) };
  }
  const canaryQuietMs = nowMs - canaryMovedAtMs;
  const stableQuietMs = nowMs - stableMovedAtMs;
  const compares = rules.limits.some((limit) => limit.ratio > 0);
  const stableStale = stableQuietMs > rules.staleMs;
  if (stableStale && (compares || canaryQuietMs > rules.staleMs)) {
    return {
      kind: 'unknown',
      reason: 'metrics-unavailable',
      because: explainStale(evidence, stableQuietMs, canaryQuietMs > rules.staleMs),
    };
  }
  if (canaryQuietMs > rules.staleMs) {
    return { kind: 'unknown', reason: 'too-little-traffic', because: explainSilentCanary(canaryQuietMs) };
  }
  const suspected = evidence.limits.some((one) => one.worse.logE >= rules.failNats);
  const kept = rules.limits.length > 0 && rules.limits.every((_, index) => (evidence.limits[index]?.within.logE ?? 0) >= rules.passNats);
  if (kept && !suspected) return { kind: 'pass', because: explainPass(rules, evidence) };
  const neededRequests = requestsStillNeeded(rules, evidence);
  return evidence.totals.canaryRequests < neededRequests
    ? { kind: 'unknown', reason: 'too-little-traffic', because: explainTooLittle(rules, evidence, neededRequests) }
    : { kind: 'unknown', reason: 'too-close-to-call', because: explainTooClose(rules, evidence) };
}

/** One line of where the evidence stands, for the log while waiting. May hold untrusted text. */
export function describeProgress(rules: MetricsRules, evidence: MetricsEvidence): string {
  if (evidence.canaryMovedAtMs === undefined) return explainNoReading(evidence);
  const { canaryErrors, canaryRequests, stableErrors, stableRequests } = evidence.totals;
  const canary = `canary ${count(canaryErrors)} of ${count(canaryRequests)} failed (${rateOf(canaryErrors, canaryRequests)})`;
  const stable = `stable ${count(stableErrors)} of ${count(stableRequests)} (${rateOf(stableErrors, stableRequests)})`;
  const bad = Math.max(...evidence.limits.map((one) => one.worse.logE)).toFixed(1);
  const good = Math.min(...evidence.limits.map((one) => one.within.logE)).toFixed(1);
  const unavailable = evidence.unavailable === undefined ? '' : `; metrics unavailable now: ${evidence.unavailable}`;
  return `${canary}, ${stable}; evidence of bad ${bad} of ${rules.failNats.toFixed(1)}, of good ${good} of ${rules.passNats.toFixed(1)}${unavailable}`;
}
