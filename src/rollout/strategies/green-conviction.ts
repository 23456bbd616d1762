import { mixedImage } from '../gates/image-identity.ts';
import { diagnose } from '../gates/readiness.ts';
import type { WorkloadFacts } from '../observation.ts';
import { outcome } from '../phases/interruption.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { judgeInForce } from './rules-in-force.ts';

/** A pod that was ready and is not for this long has a verdict coming, not a start-up. */
const lostReadinessMs = 30_000;
const breaksMax = 3;

/** What convicts green at any moment, with traffic or without. */
export function convictionOfGreen(plan: Plan, state: RolloutState, green: WorkloadFacts, nowMs: number): Outcome | undefined {
  const diagnosis = diagnose(green, nowMs);
  if (diagnosis.kind === 'fatal') return outcome('rolled-back', diagnosis.reason, diagnosis.because, diagnosis.evidence);
  const mixed = mixedImage(plan.images, green);
  if (mixed !== undefined) return outcome('rolled-back', 'image-changed', mixed);
  const verdict = judgeInForce(plan, state, nowMs);
  if (verdict?.kind === 'fail') return outcome('rolled-back', verdict.reason, verdict.because, verdict.evidence);
  if (diagnosis.kind !== 'waiting') return undefined;
  const { missingSinceMs, wasAvailable } = state.steadiness ?? {};
  const missingMs = missingSinceMs === undefined ? 0 : nowMs - missingSinceMs;
  if (wasAvailable === true && missingMs > lostReadinessMs) {
    const because = `${plan.names.green} was available and is not for ${lostReadinessMs / 1000} s: ${diagnosis.because}`;
    return outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence);
  }
  if (state.breaks < breaksMax) return undefined;
  const because = `${plan.names.green} lost its readiness ${state.breaks} times: ${diagnosis.because}`;
  return outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence);
}

/** While green has all the traffic, the moment in which none of its pods serves is the moment to go back. */
export function convictionUnderTraffic(
  plan: Plan,
  state: RolloutState,
  green: WorkloadFacts | undefined,
  nowMs: number,
): Outcome | undefined {
  if (green === undefined || green.terminating) {
    return outcome('rolled-back', 'changed-by-others', `somebody deleted the Deployment ${plan.names.green} while it served`);
  }
  const convicted = convictionOfGreen(plan, state, green, nowMs);
  if (convicted !== undefined) return convicted;
  if (!green.settled || green.availableReplicas > 0) return undefined;
  const diagnosis = diagnose(green, nowMs);
  const why = diagnosis.kind === 'none' ? '' : `: ${diagnosis.because}`;
  const reason = diagnosis.kind === 'waiting' ? diagnosis.reason : 'not-ready';
  const evidence = diagnosis.kind === 'waiting' ? diagnosis.evidence : [];
  return outcome('rolled-back', reason, `no pod of ${plan.names.green} is available while it serves${why}`, evidence);
}
