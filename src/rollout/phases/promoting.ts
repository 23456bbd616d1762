import { isAvailable } from '../availability.ts';
import { fieldsOn } from '../configuration/field-change.ts';
import type { Decision } from '../decision.ts';
import { movedImage } from '../gates/image-identity.ts';
import { diagnose } from '../gates/readiness.ts';
import { advance, heartbeatIfDue, heartbeatOnTheWay, recordMs } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { bake } from './bake.ts';
import { end, foreignChange, lostJob, outcome } from './interruption.ts';

type Promoting = Extract<Phase, { kind: 'promoting' }>;
type Reverting = Extract<Phase, { kind: 'reverting' }>;

const pollMs = 1000;
const rejectionsMax = 3;

type Images = 'old' | 'new' | 'other';

/** Which images, and configuration, stand on the Deployment: all that were found, all that were asked for, or something else. */
export function imagesOn(plan: Plan, stable: StableFacts): Images {
  const fields = fieldsOn(stable.configuration);
  if (plan.images.every((image) => stable.images[image.container] === image.from) && (fields ?? 'old') === 'old') return 'old';
  if (plan.images.every((image) => stable.images[image.container] === image.to) && (fields ?? 'new') === 'new') return 'new';
  return 'other';
}

/** The runbook of a promotion: one patch, then watch Kubernetes roll, then compare what runs with what was judged. */
export function decidePromoting(plan: Plan, state: RolloutState, phase: Promoting, observation: Observation): Decision {
  const { stable, nowMs } = observation;
  const lost = lostFooting(plan, state, observation);
  if (lost !== undefined) return end(state, observation, lost);
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));
  const images = imagesOn(plan, stable);
  if (images === 'other' || stable.templateHash !== plan.templateHash) {
    return end(
      state,
      observation,
      outcome(
        'failed',
        'changed-by-others',
        `somebody changed the Deployment ${plan.target.deployment} during the promotion; their change stands`,
      ),
    );
  }
  if (images === 'old') return promote(plan, state, phase, observation, stable);

  const reason = reasonToRevert(plan, phase, observation, stable);
  if (reason !== undefined) {
    return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);
  }
  const first = heartbeatIfDue(plan, state, nowMs) ?? makeRoom(stable, observation);
  if (first !== undefined) return first;
  if (isAvailable(stable, stable.desiredReplicas)) {
    if (plan.spec.bakeMs > 0) return bake(plan, state, phase, observation, 'the Deployment is complete: the bake begins');
    const promoted = outcome('promoted', phase.proved ? 'gates-passed' : 'unproved', `${phase.because}; the Deployment is complete`);
    return end(state, observation, promoted);
  }
  return {
    kind: 'wait',
    ms: pollMs,
    because: `${stable.updatedReplicas} of ${stable.desiredReplicas} pods updated, ${stable.availableReplicas} available`,
  };
}

/** Why nothing of this rollout may be written any more; undefined while its Job and its fence stand. After the images may have been sent. */
export function lostFooting(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  const { stable } = observation;
  if (stable === undefined || stable.terminating || stable.uid !== plan.target.uid) {
    return outcome('failed', 'deployment-deleted', `somebody deleted the Deployment ${plan.target.deployment} during the promotion`);
  }
  const job = lostJob(state, observation);
  if (job !== undefined) {
    const stands = imagesOn(plan, stable) === 'new' ? 'the new image stands' : 'the old image stands';
    return outcome('failed', job.reason === 'aborted' ? 'aborted' : 'lock-lost', `${job.because}; ${stands}`);
  }
  const unfenced = state.phase.kind === 'reverting' && stable.rollout === undefined;
  if (stable.rollout !== state.jobUid && !unfenced) {
    return outcome(
      'failed',
      'fence-lost',
      `the label of this rollout was taken from the Deployment ${plan.target.deployment} during the promotion`,
    );
  }
  return undefined;
}

/** A zombie whose Job has expired would not be stopped by the fence alone: so only right after a confirmed heartbeat. */
export function promote(
  plan: Plan,
  state: RolloutState,
  phase: { readonly sinceMs: number },
  observation: Observation,
  stable: StableFacts,
): Decision {
  const { nowMs } = observation;
  const change = foreignChange(plan, stable);
  if (change !== undefined) return end(state, observation, outcome('rolled-back', 'changed-by-others', change));
  const stop = reasonNotToPromote(plan, phase, observation);
  // Not straight to the end: an earlier attempt whose answer was lost may still be under way.
  if (stop !== undefined) return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: stop }, nowMs, stop.because);
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  return { kind: 'apply', command: { kind: 'ensure-promoted' }, because: whyPromote(plan) };
}

/** Why a promotion that has not been seen yet should not be sent. */
export function reasonNotToPromote(
  plan: Plan,
  phase: Pick<Promoting, 'sinceMs'>,
  { nowMs, cancelled, rejection }: Observation,
): Outcome | undefined {
  if (cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled before the promotion');
  if (rejection !== undefined && rejection.times >= rejectionsMax) {
    return outcome('rolled-back', 'write-refused', `the API server refuses the promotion: ${rejection.message}`);
  }
  if (nowMs - phase.sinceMs > plan.spec.timeoutMs) {
    return outcome('rolled-back', 'write-refused', `the promotion could not be sent within ${Math.round(plan.spec.timeoutMs / 1000)} s`);
  }
  return undefined;
}

/** A quota without room for the surge would keep the promotion waiting for ever: the canary's pods make room, as soon as stable can do without. */
function makeRoom(stable: StableFacts, { canary }: Observation): Decision | undefined {
  if (stable.replicaFailure === undefined || canary === undefined || canary.terminating || canary.desiredReplicas === 0) return undefined;
  if (stable.availableReplicas < stable.minAvailable) return undefined;
  const because = `the promotion needs the room that the canary takes: ${stable.replicaFailure}`;
  return { kind: 'apply', command: { kind: 'ensure-canary', replicas: 0 }, because };
}

/** Why the images that were sent to stable should go back. */
export function reasonToRevert(
  plan: Plan,
  phase: Pick<Promoting, 'sinceMs' | 'judged'>,
  observation: Observation,
  stable: StableFacts,
): Outcome | undefined {
  if (observation.cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled during the promotion');
  if (!stable.settled) return undefined;
  const moved = movedImage(plan.images, stable, phase.judged);
  if (moved !== undefined) return outcome('rolled-back', 'image-changed', moved);
  const diagnosis = diagnose(stable, observation.nowMs);
  if (diagnosis.kind === 'fatal')
    return outcome('rolled-back', diagnosis.reason, `after the promotion, ${diagnosis.because}`, diagnosis.evidence);
  const why = diagnosis.kind === 'none' ? '' : `: ${diagnosis.because}`;
  if (stable.progressDeadlineExceeded) {
    return outcome('rolled-back', 'promotion-stuck', `the Deployment missed its own progress deadline after the promotion${why}`);
  }
  // A process that was paused may find that everything is done.
  if (observation.nowMs - phase.sinceMs > plan.spec.timeoutMs && !isAvailable(stable, stable.desiredReplicas)) {
    return outcome(
      'rolled-back',
      'promotion-stuck',
      `the Deployment was not complete within ${Math.round(plan.spec.timeoutMs / 1000)} s after the promotion${why}`,
    );
  }
  return undefined;
}

/** Puts the recorded images back, only where ours still stand, and stays until the Deployment is complete. */
export function decideReverting(plan: Plan, state: RolloutState, phase: Reverting, observation: Observation): Decision {
  const { stable, nowMs } = observation;
  const lost = lostFooting(plan, state, observation);
  if (lost !== undefined) return end(state, observation, lost);
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));
  const images = imagesOn(plan, stable);
  if (images === 'other') {
    return end(
      state,
      observation,
      outcome('failed', 'changed-by-others', `${phase.outcome.because}; and somebody changed the images meanwhile: their change stands`),
    );
  }
  if (images === 'new') return revert(plan, state, phase, observation, stable);
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  if (stable.rollout === state.jobUid) {
    // From here on a promotion that is still under way is refused; one that was faster shows in the next observation.
    return { kind: 'apply', command: { kind: 'ensure-fence-released' }, because: 'a promotion whose answer was lost must not arrive late' };
  }
  if (isAvailable(stable, stable.desiredReplicas)) return end(state, observation, phase.outcome);
  if (nowMs - phase.sinceMs > plan.spec.timeoutMs) {
    return end(
      state,
      observation,
      outcome('failed', 'stable-unhealthy', `${phase.outcome.because}; the old image is back, but its pods are not all available`),
    );
  }
  return {
    kind: 'wait',
    ms: pollMs,
    because: `the old image is back: ${stable.availableReplicas} of ${stable.desiredReplicas} pods available`,
  };
}

function revert(plan: Plan, state: RolloutState, phase: Reverting, observation: Observation, stable: StableFacts): Decision {
  const { nowMs, rejection } = observation;
  if (rejection !== undefined && rejection.times >= rejectionsMax) {
    const because = `${phase.outcome.because}; and the API server refuses to put the old image back: ${rejection.message}`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  // The bad image stands as long as this does not succeed: tried for as long as the record lasts.
  if (nowMs - phase.sinceMs > recordMs) {
    const because = `${phase.outcome.because}; and the old image could not be put back within ${recordMs / 60_000} min`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  if (stable.rollout === undefined) return { kind: 'apply', command: { kind: 'ensure-fence' }, because: 'a promotion arrived late' };
  return { kind: 'apply', command: { kind: 'ensure-reverted' }, because: phase.outcome.because };
}

function whyPromote({ spec }: Plan): string {
  return spec.strategy === 'rolling' || spec.strategy === 'recreate' ? 'from here on Kubernetes replaces the pods' : 'every gate allows it';
}
