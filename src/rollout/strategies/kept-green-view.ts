import type { Observation, StableFacts, WorkloadFacts } from '../observation.ts';
import { outcome } from '../phases/interruption.ts';
import { greenSize, isScaled, keepsGreen } from '../plan/kept-green-plan.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { hasNewImages, hasOldImages } from './pair-view.ts';

/** Green, whoever keeps it; the user's one only from its new images on. */
export function judgedGreen(plan: Plan, { blueGreen, pair }: Observation): WorkloadFacts | undefined {
  if (plan.pair === undefined || !keepsGreen(plan)) return blueGreen?.green;
  return pair !== undefined && hasNewImages(plan.pair, pair) ? pair : undefined;
}

/** The same look, in which the user's green stands where one of ours would: for the runbooks of the flip. It has no owner that it could go with. */
export function asGreen(observation: Observation): Observation {
  const { blueGreen, pair } = observation;
  if (blueGreen === undefined) return observation;
  return { ...observation, blueGreen: { ...blueGreen, green: pair === undefined ? undefined : { ...pair, owned: false } } };
}

/** Why green is not any more what this rollout judges; undefined while it is. */
export function changedGreen({ pair }: Plan, state: RolloutState, seen: StableFacts | undefined, sent: boolean): Outcome | undefined {
  if (pair === undefined || seen === undefined || seen.terminating || seen.uid !== pair.uid) {
    return outcome('rolled-back', 'deployment-deleted', `somebody deleted the Deployment ${pair?.name ?? ''} during the rollout`);
  }
  if (seen.rollout !== state.jobUid) {
    return outcome('rolled-back', 'fence-lost', `the label of this rollout was taken from the Deployment ${pair.name}`);
  }
  const changed = (what: string): Outcome => outcome('rolled-back', 'changed-by-others', `somebody ${what} during the rollout`);
  if (seen.paused) return changed(`paused the Deployment ${pair.name}`);
  if (!hasNewImages(pair, seen) && (sent || !hasOldImages(pair, seen))) return changed(`changed an image of the Deployment ${pair.name}`);
  if (seen.templateHash !== pair.templateHash) return changed(`changed the pod template of the Deployment ${pair.name}`);
  return undefined;
}

/** Whether these replicas are the ones that we have asked for: a number that somebody else has written stands. */
export function hasOurSize(pair: PairPlan, seen: StableFacts): boolean {
  return isScaled(pair) && seen.desiredReplicas === greenSize(pair);
}
