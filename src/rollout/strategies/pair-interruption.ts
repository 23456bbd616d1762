import type { Observation, StableFacts } from '../observation.ts';
import { isTakenOver, lostJob, outcome, takenOverOutcome } from '../phases/interruption.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { hasNewImages, hasOldImages, isOurs, type PairPhase } from './pair-view.ts';

/** `hands-off`: nothing here is ours to write any more. `restore`: what was found must be put back. */
export type PairInterruption = { readonly kind: 'hands-off' | 'restore'; readonly outcome: Outcome };

/** The same refusal this often in a row is an answer, not an accident. */
export const rejectionsMax = 3;

/** Why the way forward ends, whatever the gates say; undefined where it may go on. */
export function pairInterruption(
  plan: Plan,
  state: RolloutState,
  phase: PairPhase,
  observation: Observation,
): PairInterruption | undefined {
  const handsOff = pairHandsOff(plan, state, observation);
  if (handsOff !== undefined) return { kind: 'hands-off', outcome: handsOff };
  const stop =
    lostSecond(plan, observation) ?? lostJob(state, observation) ?? changed(plan, state, phase, observation) ?? stopped(observation);
  return stop === undefined ? undefined : { kind: 'restore', outcome: stop };
}

/** Why nothing may be written here any more: another run has it, or the Deployment that the user released is gone. */
export function pairHandsOff(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  const { job, stable, pair } = observation;
  if (stable === undefined || stable.terminating || stable.uid !== plan.target.uid) {
    const because = `somebody deleted the Deployment ${plan.target.deployment} during the rollout; ${plan.pair?.name ?? ''} stays as it is`;
    return outcome('failed', 'deployment-deleted', because);
  }
  if (isTakenOver(state, observation)) return takenOverOutcome(observation);
  if (job !== undefined && job.uid !== state.jobUid) {
    return outcome('failed', 'lock-lost', 'another run has taken this rollout over, and finishes or undoes it');
  }
  const foreign = [stable, pair].find((one) => one?.rollout !== undefined && one.rollout !== state.jobUid);
  if (foreign !== undefined) {
    return outcome(
      'failed',
      'fence-lost',
      'another rollout has put its label on a Deployment of the pair: the replicas are its matter now',
    );
  }
  return undefined;
}

function lostSecond({ pair }: Plan, { pair: seen }: Observation): Outcome | undefined {
  if (seen !== undefined && !seen.terminating && seen.uid === pair?.uid) return undefined;
  return outcome('rolled-back', 'deployment-deleted', `somebody deleted the Deployment ${pair?.name ?? ''} during the rollout`);
}

function changed(plan: Plan, state: RolloutState, phase: PairPhase, { stable, pair }: Observation): Outcome | undefined {
  if (plan.pair === undefined || stable === undefined || pair === undefined) return undefined;
  const { deployment } = plan.target;
  const unfenced = stable.rollout !== state.jobUid ? deployment : pair.rollout !== state.jobUid ? plan.pair.name : undefined;
  if (unfenced !== undefined)
    return outcome('rolled-back', 'fence-lost', `the label of this rollout was taken from the Deployment ${unfenced}`);
  const change =
    changedCounts(plan, phase, stable, pair) ??
    changedTemplate(deployment, stable, plan.templateHash, imagesAsFound(plan, stable)) ??
    changedTemplate(plan.pair.name, pair, plan.pair.templateHash, imagesAsSent(plan.pair, pair));
  return change === undefined ? undefined : outcome('rolled-back', 'changed-by-others', change);
}

function changedCounts(plan: Plan, phase: PairPhase, stable: StableFacts, pair: StableFacts): string | undefined {
  const scaled = (name: string, to: number): string => `somebody scaled the Deployment ${name} to ${to} during the rollout`;
  if (!isOurs(phase, 'old', stable.desiredReplicas)) return scaled(plan.target.deployment, stable.desiredReplicas);
  if (!isOurs(phase, 'new', pair.desiredReplicas)) return scaled(plan.pair?.name ?? '', pair.desiredReplicas);
  return undefined;
}

function changedTemplate(name: string, found: StableFacts, templateHash: string, imagesStand: boolean): string | undefined {
  if (found.paused) return `somebody paused the Deployment ${name} during the rollout`;
  if (!imagesStand) return `somebody changed an image of the Deployment ${name} during the rollout`;
  if (found.templateHash !== templateHash) return `somebody changed the pod template of the Deployment ${name} during the rollout`;
  return undefined;
}

function imagesAsFound({ images }: Plan, stable: StableFacts): boolean {
  return images.every((image) => stable.images[image.container] === image.from);
}

function imagesAsSent(plan: PairPlan, pair: StableFacts): boolean {
  return hasNewImages(plan, pair) || hasOldImages(plan, pair);
}

function stopped({ cancelled, rejection }: Observation): Outcome | undefined {
  if (cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled');
  if (rejection === undefined || rejection.times < rejectionsMax) return undefined;
  return outcome('rolled-back', 'write-refused', `the API server refused a write ${rejection.times} times: ${rejection.message}`);
}
