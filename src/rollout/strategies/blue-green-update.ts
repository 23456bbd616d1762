import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { end, isTakenOver, lostJob, outcome, takenOverOutcome } from '../phases/interruption.ts';
import { imagesOn, reasonNotToPromote, reasonToRevert } from '../phases/promoting.ts';
import type { Plan } from '../plan/plan.ts';
import type { BlueGreenPhase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { changedService } from './blue-green.ts';
import { goBack, move } from './blue-green-flip.ts';
import { convictionUnderTraffic } from './green-conviction.ts';

type Updating = Extract<BlueGreenPhase, { kind: 'updating' }>;

const pollMs = 1000;

/** The runbook of stable's update while green serves: one patch, then watch Kubernetes roll pods that nobody is led to. */
export function decideUpdating(plan: Plan, state: RolloutState, phase: Updating, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return end(state, observation, takenOverOutcome(observation));
  const { stable, nowMs, blueGreen } = observation;
  const stop =
    lostFooting(plan, state, observation) ?? changedService(observation) ?? convictionUnderTraffic(plan, state, blueGreen?.green, nowMs);
  if (stop !== undefined || stable === undefined) {
    return goBack(state, observation, stop ?? outcome('failed', 'deployment-deleted', 'the Deployment is gone'), true);
  }
  const isSent = imagesOn(plan, stable) !== 'old';
  const reason = isSent ? reasonToRevert(plan, phase, observation, stable) : reasonNotToPromote(plan, phase, observation);
  if (reason !== undefined) return goBack(state, observation, reason, true);
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  if (!isSent) {
    return {
      kind: 'apply',
      command: { kind: 'ensure-promoted' },
      because: 'green has proved the image under real traffic, and no Service leads here',
    };
  }
  if (!isAvailable(stable, stable.desiredReplicas)) {
    const because = `${stable.updatedReplicas} of ${stable.desiredReplicas} pods updated, ${stable.availableReplicas} available; green serves`;
    return { kind: 'wait', ms: pollMs, because };
  }
  const because = `${phase.because}; the Deployment is complete`;
  const promoted = outcome('promoted', phase.proved ? 'gates-passed' : 'unproved', because);
  return move(state, { kind: 'flipping-back', sinceMs: nowMs, outcome: promoted, images: 'new', sent: true }, observation, because);
}

function lostFooting(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  const { stable } = observation;
  if (stable === undefined || stable.terminating || stable.uid !== plan.target.uid) {
    return outcome('failed', 'deployment-deleted', `somebody deleted the Deployment ${plan.target.deployment} during its update`);
  }
  const lost = lostJob(state, observation);
  if (lost !== undefined)
    return outcome('rolled-back', 'lock-lost', `the rollout's Job is gone or over during the update of ${plan.target.deployment}`);
  if (stable.rollout !== state.jobUid) {
    return outcome(
      'rolled-back',
      'fence-lost',
      `the label of this rollout was taken from the Deployment ${plan.target.deployment} during its update`,
    );
  }
  return changedByOthers(plan, stable);
}

function changedByOthers(plan: Plan, stable: StableFacts): Outcome | undefined {
  if (imagesOn(plan, stable) !== 'other' && stable.templateHash === plan.templateHash && !stable.paused) return undefined;
  const because = `somebody changed the Deployment ${plan.target.deployment} during its update; their change stands`;
  return outcome('failed', 'changed-by-others', because);
}
