import { type Course, courseTitle, limitShown, pointsOf } from '../gates/course.ts';
import { evidenceNumbers } from '../gates/metrics-numbers.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import { countingEvidence } from '../strategies/rules-in-force.ts';
import type { Outcome } from '../verdict.ts';
import type { GateNumbers } from './report.ts';

/** The numbers behind a verdict, for the summary and the output `json`: what the one sentence says, as data. Undefined where no metrics judged. */
export function gateNumbers(
  plan: Plan | undefined,
  rollout: { readonly state: RolloutState; readonly course: Course } | undefined,
  outcome: Outcome,
): GateNumbers | undefined {
  if (plan === undefined || rollout === undefined) return undefined;
  const counting = countingEvidence(plan, rollout.state);
  if (counting === undefined) return undefined;
  const { rules, evidence } = counting;
  const numbers = evidenceNumbers(rules, evidence);
  const index = limitShown(evidence);
  const limit = numbers.limits[index];
  const decided = outcome.reason === 'metrics-failed' ? limit?.worse : outcome.reason === 'gates-passed' ? limit?.within : undefined;
  return {
    judged: rules.judged,
    canary: numbers.canary,
    stable: numbers.stable,
    limitRate: limit?.allowedRate,
    confidence: decided?.confidence,
    measured: courseTitle(rules.limits[index]),
    gate: numbers,
    neededNats: { bad: rules.failNats, good: rules.passNats },
    course: pointsOf(rules, rollout.course),
  };
}
