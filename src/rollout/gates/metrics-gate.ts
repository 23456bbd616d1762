import type { MetricsReading, PodCounters } from '../observation.ts';
import type { ReasonCode, Verdict } from '../verdict.ts';
import { count, rateOf } from './amounts.ts';
import { addBatches, closeBatch, difference, noBatch, noCounters } from './counters.ts';
import { fullBudget, isOverdrawn, isSpent, spend } from './error-budget.ts';
import { addToTally, emptyTally } from './limit-tally.ts';
import type { LimitEvidence, MetricsEvidence } from './metrics-evidence.ts';
import { countsOf, requestsStillNeeded, weakestLimit } from './metrics-numbers.ts';
import { type GateLimit, isSlowLimit, judgedName, type MetricsRules, theJudged, withinTest, worseTest } from './metrics-rules.ts';
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
import { silentAfter, stillSilent } from './silent-pods.ts';
import { slowView } from './slow-requests.ts';
import { absorbTraffic, startTraffic } from './traffic-share.ts';

export type { MetricsEvidence } from './metrics-evidence.ts';
export type { MetricsRules } from './metrics-rules.ts';

const whyMax = 300;

/** No evidence yet. */
export function startEvidence(rules: MetricsRules): MetricsEvidence {
  return {
    counters: noCounters,
    totals: noBatch,
    limits: rules.limits.map((limit) => startLimit(rules, limit)),
    canaryMovedAtMs: undefined,
    stableMovedAtMs: undefined,
    unavailable: undefined,
    slow: rules.limits.some(isSlowLimit) ? { counters: noCounters, totals: noBatch } : undefined,
    traffic: rules.minTraffic === undefined ? undefined : startTraffic(rules),
    budget: rules.errorBudget === undefined ? undefined : fullBudget,
    failure: undefined,
  };
}

/** The same for pods that were there before: what they had answered when they were first seen counts nothing. */
export function fromFirstSight(evidence: MetricsEvidence, canary: PodCounters): MetricsEvidence {
  const { slow, counters } = evidence;
  if (Object.keys(counters.canary).length > 0) return evidence;
  const slowly = slow === undefined ? undefined : slowView({ canary, stable: {} }).canary;
  return {
    ...evidence,
    counters: { ...counters, canary },
    slow: slow === undefined || slowly === undefined ? slow : { ...slow, counters: { ...slow.counters, canary: slowly } },
  };
}

function startLimit(rules: MetricsRules, limit: GateLimit): LimitEvidence {
  return {
    worse: startTest(worseTest(rules, limit)),
    within: startTest(withinTest(rules, limit)),
    pending: noBatch,
    tally: emptyTally,
    closedAtMs: undefined,
  };
}

/**
 * The evidence after one more reading, taken at `nowMs`. `share` is the canary's part of the pods that answer, as a fraction, where it is
 * known. A failure is latched: later readings change nothing.
 */
export function absorbReading(
  rules: MetricsRules,
  evidence: MetricsEvidence,
  reading: MetricsReading,
  nowMs: number,
  share?: number,
): MetricsEvidence {
  if (evidence.failure !== undefined) return evidence;
  const { state: counters, delta } = difference(evidence.counters, reading);
  const slow = evidence.slow === undefined ? undefined : difference(evidence.slow.counters, slowView(reading));
  const next: MetricsEvidence = {
    counters,
    totals: addBatches(evidence.totals, delta),
    limits: rules.limits.map((limit, index) =>
      absorbDelta(rules, limit, evidence.limits[index], isSlowLimit(limit) ? (slow?.delta ?? noBatch) : delta, nowMs),
    ),
    canaryMovedAtMs: delta.canaryRequests > 0 ? nowMs : (evidence.canaryMovedAtMs ?? nowMs),
    stableMovedAtMs: delta.stableRequests > 0 ? nowMs : (evidence.stableMovedAtMs ?? nowMs),
    unavailable: undefined,
    silent: silentAfter(evidence, reading),
    slow: slow === undefined ? undefined : { counters: slow.state, totals: addBatches(evidence.slow?.totals ?? noBatch, slow.delta) },
    traffic: evidence.traffic === undefined ? undefined : absorbTraffic(rules, evidence.traffic, delta, share, nowMs),
    budget: evidence.budget === undefined ? undefined : spend(evidence.budget, delta, nowMs, rules.rateBefore),
    failure: undefined,
  };
  return { ...next, failure: failureOf(rules, next, nowMs) };
}

/** A broken limit first: it says most. */
function failureOf(rules: MetricsRules, evidence: MetricsEvidence, atMs: number): MetricsEvidence['failure'] {
  const broken = rules.limits.findIndex((limit, index) => {
    return (evidence.limits[index]?.worse.logE ?? 0) >= rules.failNats && countsOf(limit, evidence).canaryErrors >= rules.errorsMin;
  });
  if (broken >= 0) return { limit: broken, atMs };
  if (rules.errorBudget !== undefined && evidence.budget !== undefined && isSpent(rules.errorBudget, evidence.budget))
    return { limit: 'budget', atMs };
  if (evidence.traffic !== undefined && evidence.traffic.test.logE >= rules.failNats) return { limit: 'traffic', atMs };
  return undefined;
}

function absorbDelta(rules: MetricsRules, limit: GateLimit, before: LimitEvidence | undefined, delta: Batch, nowMs: number): LimitEvidence {
  const evidence = before ?? startLimit(rules, limit);
  const { batch, pending } = closeBatch(evidence.pending, delta, limit.ratio > 0);
  if (batch === undefined) return { ...evidence, pending };
  const timeShare = (nowMs - (evidence.closedAtMs ?? nowMs)) / rules.restartsMs;
  return {
    worse: updateTest(worseTest(rules, limit), evidence.worse, batch, timeShare),
    within: updateTest(withinTest(rules, limit), evidence.within, batch),
    pending,
    tally: addToTally(limit, evidence.tally, batch, nowMs),
    closedAtMs: nowMs,
  };
}

/**
 * The evidence after a reading that failed at `nowMs`: nothing is lost, the next reading's counters cover the gap. `silent`: pods of the
 * judged version that were asked in vain.
 */
export function absorbUnavailable(evidence: MetricsEvidence, why: string, nowMs: number, silent?: readonly string[]): MetricsEvidence {
  if (evidence.failure !== undefined) return evidence;
  return {
    ...evidence,
    canaryMovedAtMs: evidence.canaryMovedAtMs ?? nowMs,
    stableMovedAtMs: evidence.stableMovedAtMs ?? nowMs,
    unavailable: why.slice(0, whyMax),
    silent: stillSilent(evidence, silent),
  };
}

/**
 * What the evidence says at `nowMs` (gates.md §4): a failure once it was found, a pass only of fresh data and of all limits, and otherwise
 * why not. The shortest duration and the deadline are the caller's.
 */
export function judgeMetrics(rules: MetricsRules, evidence: MetricsEvidence, nowMs: number): Verdict {
  if (evidence.failure !== undefined) {
    const because = explainFailure(rules, evidence);
    return { kind: 'fail', reason: reasonOf(evidence.failure.limit), because, evidence: [describeProgress(rules, evidence)] };
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
      because: explainStale(rules, evidence, stableQuietMs, canaryQuietMs > rules.staleMs),
    };
  }
  if (canaryQuietMs > rules.staleMs) {
    return { kind: 'unknown', reason: 'too-little-traffic', because: explainSilentCanary(rules, canaryQuietMs) };
  }
  if (evidence.slow !== undefined && evidence.slow.totals.canaryRequests === 0 && evidence.totals.canaryRequests > 0) {
    return { kind: 'unknown', reason: 'metrics-unavailable', because: `the metrics hold no response times of ${theJudged(rules)}` };
  }
  const suspected = evidence.limits.some((one) => one.worse.logE >= rules.failNats) || overdraws(rules, evidence);
  const kept = rules.limits.length > 0 && rules.limits.every((_, index) => (evidence.limits[index]?.within.logE ?? 0) >= rules.passNats);
  if (kept && !suspected) return { kind: 'pass', because: explainPass(rules, evidence) };
  const neededRequests = requestsStillNeeded(rules, evidence);
  const { limit } = weakestLimit(rules, evidence);
  return countsOf(limit, evidence).canaryRequests < neededRequests
    ? { kind: 'unknown', reason: 'too-little-traffic', because: explainTooLittle(rules, evidence, neededRequests) }
    : { kind: 'unknown', reason: 'too-close-to-call', because: explainTooClose(rules, evidence) };
}

/** Whether the newest scrapes overdraw the error budget. */
export function overdraws(rules: MetricsRules, { budget }: MetricsEvidence): boolean {
  return rules.errorBudget !== undefined && budget !== undefined && isOverdrawn(rules.errorBudget, budget, rules.rateBefore);
}

function reasonOf(limit: NonNullable<MetricsEvidence['failure']>['limit']): ReasonCode {
  if (limit === 'budget') return 'error-budget-spent';
  return limit === 'traffic' ? 'traffic-vanished' : 'metrics-failed';
}

/** One line of where the evidence stands, for the log while waiting. May hold untrusted text. */
export function describeProgress(rules: MetricsRules, evidence: MetricsEvidence): string {
  if (evidence.canaryMovedAtMs === undefined) return explainNoReading(evidence);
  const { canaryErrors, canaryRequests, stableErrors, stableRequests } = evidence.totals;
  const canary = `${judgedName(rules)} ${count(canaryErrors)} of ${count(canaryRequests)} failed (${rateOf(canaryErrors, canaryRequests)})`;
  const stable = `stable ${count(stableErrors)} of ${count(stableRequests)} (${rateOf(stableErrors, stableRequests)})`;
  const bad = Math.max(...evidence.limits.map((one) => one.worse.logE)).toFixed(1);
  const good = Math.min(...evidence.limits.map((one) => one.within.logE)).toFixed(1);
  const unavailable = evidence.unavailable === undefined ? '' : `; metrics unavailable now: ${evidence.unavailable}`;
  return `${canary}, ${stable}; evidence of bad ${bad} of ${rules.failNats.toFixed(1)}, of good ${good} of ${rules.passNats.toFixed(1)}${unavailable}`;
}
