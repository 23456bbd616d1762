import { type Before, beforeAfterRules, explainBeforeAfter } from '../gates/before-after.ts';
import { judgeMetrics, type MetricsEvidence } from '../gates/metrics-gate.ts';
import type { MetricsRules } from '../gates/metrics-rules.ts';
import { unlessSilent } from '../gates/silent-pods.ts';
import type { WorkloadFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict } from '../verdict.ts';

/** By which rules the evidence of the state is judged: against stable while it serves, against its own past afterwards. */
export function rulesInForce(plan: Plan, state: Pick<RolloutState, 'before'>): MetricsRules | undefined {
  if (plan.rules === undefined || state.before === undefined) return plan.rules;
  return beforeAfterRules(plan.rules, state.before);
}

/** What stable answered in this run: in the preflight's look at it, and since. */
export function stableSample(plan: Plan, state: Pick<RolloutState, 'evidence'>): Before {
  const { errors, requests } = plan.stableSample ?? { errors: 0, requests: 0 };
  const { stableErrors = 0, stableRequests = 0 } = state.evidence?.totals ?? {};
  return { errors: errors + stableErrors, requests: requests + stableRequests };
}

/** Stable has no traffic any more to compare with: the limit is fixed from what it has shown, and the evidence begins anew. */
export function withoutStable(plan: Plan, state: RolloutState): RolloutState {
  return { ...state, before: stableSample(plan, state), evidence: undefined };
}

/** What the metrics say at `nowMs` by the rules in force; undefined where none judge. */
export function judgeInForce(plan: Plan, state: RolloutState, nowMs: number): Verdict | undefined {
  if (plan.rules === undefined) return undefined;
  const rules = rulesInForce(plan, state);
  if (rules === undefined) {
    const because = explainBeforeAfter(plan.rules, state.before ?? stableSample(plan, state));
    return { kind: 'unknown', reason: 'too-little-traffic', because };
  }
  if (state.evidence === undefined) return { kind: 'unknown', reason: 'metrics-unavailable', because: 'no metrics have been read yet' };
  return judgeMetrics(rules, state.evidence, nowMs);
}

/** The same where a pass is what the phase waits for: it needs the metrics of every ready one of these pods. */
export function acquitInForce(plan: Plan, state: RolloutState, judged: WorkloadFacts | undefined, nowMs: number): Verdict | undefined {
  const verdict = judgeInForce(plan, state, nowMs);
  return verdict === undefined ? undefined : unlessSilent(verdict, rulesInForce(plan, state), state.evidence, judged);
}

/** The rules and the evidence that count at present, for log and report. */
export function countingEvidence(
  plan: Plan,
  state: RolloutState,
): { readonly rules: MetricsRules; readonly evidence: MetricsEvidence } | undefined {
  const rules = rulesInForce(plan, state);
  return rules === undefined || state.evidence === undefined ? undefined : { rules, evidence: state.evidence };
}

/** The plan of a process that goes on without metrics: readiness judges, unless the metrics had convicted before the first process died. */
export function withoutMetrics(plan: Plan, { evidence }: Pick<RolloutState, 'evidence'>): Plan {
  return evidence?.failure === undefined ? { ...plan, rules: undefined } : plan;
}
