import type { Observation } from '../observation.ts';
import type { Plan } from '../plan.ts';
import type { ReleaseSpec } from '../spec.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict } from '../verdict.ts';
import { count, percent } from './amounts.ts';
import { beforeAfterRules } from './before-after.ts';
import { upperBound } from './error-bounds.ts';
import { absorbReading, absorbUnavailable, judgeMetrics, type MetricsEvidence, startEvidence } from './metrics-gate.ts';
import { allowedRate, type MetricsRules } from './metrics-rules.ts';

/** Requests that were counted, and how many of them failed. */
export type Sample = { readonly errors: number; readonly requests: number };

/** What a bake is judged by: an absolute error rate (a fraction, fixed when the bake began), and what was seen since. */
export type BakeEvidence = { readonly limitRate: number; readonly evidence: MetricsEvidence };

/**
 * The largest error rate (a fraction) of a version that has nobody beside it: `max-error-rate`, else what max-error-increase makes of the
 * upper bound (95 %, gates.md §3.6) of stable's rate in this run's own samples. Undefined where stable has answered nothing in them, or
 * where the limit would allow everything.
 */
export function absoluteLimit(spec: Pick<ReleaseSpec, 'maxErrorRate' | 'maxErrorIncrease'>, stable: Sample): number | undefined {
  if (spec.maxErrorRate !== undefined) return spec.maxErrorRate;
  if (stable.requests <= 0) return undefined;
  const limit = allowedRate(spec.maxErrorIncrease, upperBound(stable.errors, stable.requests, Math.log(20)));
  return limit < 1 ? limit : undefined;
}

/** How the limit came about, for plan and report. */
export function explainAbsoluteLimit(spec: Pick<ReleaseSpec, 'maxErrorRate' | 'maxErrorIncrease'>, stable: Sample): string {
  const limit = absoluteLimit(spec, stable);
  if (limit === undefined) return 'no absolute limit can be given: stable has not answered enough requests';
  if (spec.maxErrorRate !== undefined) return `at most ${percent(limit)} errors (max-error-rate)`;
  const { ratio, absolute } = spec.maxErrorIncrease;
  const bound = percent(upperBound(stable.errors, stable.requests, Math.log(20)));
  return `at most ${percent(limit)} errors (${ratio} x the upper bound ${bound} of stable's ${count(stable.errors)} of ${count(stable.requests)} + ${percent(absolute)})`;
}

/** The rules of a comparison as those of one absolute limit; its confidence is that of one limit, too. */
export function absoluteRules(rules: MetricsRules, limitRate: number): MetricsRules {
  return { ...rules, limits: [{ ratio: 0, absolute: limitRate }], failNats: rules.failNats - Math.log(rules.limits.length) };
}

/** The rules by which this rollout is judged; a record that was taken over has none left: readiness alone. */
export function rulesOf(plan: Plan, state: RolloutState): MetricsRules | undefined {
  return state.resumed === true ? undefined : plan.rules;
}

/** The stable version in this run's own samples: before the start, and beside the new one. */
export function stableSample(plan: Plan, state: RolloutState): Sample {
  const before = plan.stableSample ?? { errors: 0, requests: 0 };
  const { stableErrors = 0, stableRequests = 0 } = state.evidence?.totals ?? {};
  return { errors: before.errors + stableErrors, requests: before.requests + stableRequests };
}

/** A bake begins: the limit is fixed from what stable has shown. Undefined where no metrics judge, or no limit can be given. */
export function startBake(plan: Plan, state: RolloutState): BakeEvidence | undefined {
  const rules = rulesOf(plan, state);
  const limitRate = absoluteLimit(plan.spec, stableSample(plan, state));
  if (rules === undefined || limitRate === undefined) return undefined;
  return { limitRate, evidence: startEvidence(absoluteRules(rules, limitRate)) };
}

/** The state after one more reading of the new pods alone; they count from zero, as they were born in this rollout. */
export function absorbBake(plan: Plan, state: RolloutState, { metrics, nowMs }: Observation): RolloutState {
  const { bake } = state;
  const rules = rulesOf(plan, state);
  if (bake === undefined || rules === undefined || metrics === undefined) return state;
  const evidence =
    metrics.kind === 'reading'
      ? absorbReading(absoluteRules(rules, bake.limitRate), bake.evidence, metrics.reading, nowMs)
      : absorbUnavailable(bake.evidence, metrics.why, nowMs);
  return { ...state, bake: { ...bake, evidence } };
}

/** What the metrics say of a bake; undefined where none judge. */
export function judgeBake(plan: Plan, state: RolloutState, nowMs: number): Verdict | undefined {
  const rules = rulesOf(plan, state);
  if (rules === undefined) return undefined;
  if (state.bake === undefined) {
    return { kind: 'unknown', reason: 'too-little-traffic', because: explainAbsoluteLimit(plan.spec, stableSample(plan, state)) };
  }
  return judgeMetrics(absoluteRules(rules, state.bake.limitRate), state.bake.evidence, nowMs);
}

/** The rules and the evidence that count at present, for log and report. */
export function countingEvidence(
  plan: Plan,
  state: RolloutState,
): { readonly rules: MetricsRules; readonly evidence: MetricsEvidence } | undefined {
  const rules = rulesOf(plan, state);
  if (rules === undefined) return undefined;
  if (state.before !== undefined && state.evidence !== undefined)
    return { rules: beforeAfterRules(rules, state.before), evidence: state.evidence };
  if (state.bake !== undefined && state.bake.evidence.canaryMovedAtMs !== undefined)
    return { rules: absoluteRules(rules, state.bake.limitRate), evidence: state.bake.evidence };
  return state.evidence === undefined ? undefined : { rules, evidence: state.evidence };
}
