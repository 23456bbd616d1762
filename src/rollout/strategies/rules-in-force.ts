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
