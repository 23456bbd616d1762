import { beforeAfterRules } from '../gates/before-after.ts';
import type { MetricsRules } from '../gates/metrics-rules.ts';
import type { Plan } from '../plan.ts';
import type { Before, RolloutState } from '../state.ts';

/** By which rules the evidence of the state is judged: against stable while it serves, against its own past afterwards. */
export function rulesInForce(plan: Plan, state: Pick<RolloutState, 'before'>): MetricsRules | undefined {
  if (plan.rules === undefined || state.before === undefined) return plan.rules;
  return beforeAfterRules(plan.rules, state.before);
}

/** What stable answered in this run while it still had the traffic. */
export function beforeOf({ evidence }: Pick<RolloutState, 'evidence'>): Before {
  return { errors: evidence?.totals.stableErrors ?? 0, requests: evidence?.totals.stableRequests ?? 0 };
}

/** The plan of a process that goes on without metrics: readiness judges, unless the metrics had convicted before the first process died. */
export function withoutMetrics(plan: Plan, { evidence }: Pick<RolloutState, 'evidence'>): Plan {
  return evidence?.failure === undefined ? { ...plan, rules: undefined } : plan;
}
