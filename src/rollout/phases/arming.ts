import type { Decision } from '../decision.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import { firstPhase } from '../strategies/first-phase.ts';
import { fencePair, runBy } from '../strategies/pair-ends.ts';
import { end, interruptionOf, outcome } from './interruption.ts';

type Arming = Extract<Phase, { kind: 'arming' }>;
type Fencing = Extract<Phase, { kind: 'fencing' }>;

/** A Job that a queueing admission controller has suspended never starts, and a deadline that never starts protects nobody. */
const armingMs = 15_000;
const fencingMs = 30_000;
const turnMs = 200;

/** Until the Job runs, its deadline does not: nothing may serve before `status.startTime` is there. */
export function decideArming(plan: Plan, state: RolloutState, phase: Arming, observation: Observation): Decision {
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return end(state, observation, interruption);
  if (observation.job?.startedAtMs !== undefined) {
    return advance(state, { kind: 'fencing', sinceMs: observation.nowMs }, observation.nowMs, 'the dead-man is armed');
  }
  if (observation.nowMs - phase.sinceMs > armingMs) {
    const because = `the Job ${plan.names.job} did not start within ${armingMs / 1000} s: is something suspending Jobs in this namespace?`;
    return end(state, observation, outcome('failed', 'dead-man-not-armed', because));
  }
  return { kind: 'wait', ms: turnMs, because: 'waiting until the Job has started and its deadline counts' };
}

/** The fence marks the Deployment as ours to change; every later write tests it. */
export function decideFencing(plan: Plan, state: RolloutState, phase: Fencing, observation: Observation): Decision {
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return end(state, observation, interruption);
  const heartbeat = heartbeatIfDue(plan, state, observation.nowMs);
  if (heartbeat !== undefined) return heartbeat;
  const { canary, stable, nowMs } = observation;
  if (canary !== undefined && canary.rollout !== state.jobUid) return clearLeftover(plan, state, phase, observation);
  const leftover = clearBlueGreen(plan, state, observation);
  if (leftover !== undefined && nowMs - phase.sinceMs <= fencingMs) return leftover;
  if (nowMs - phase.sinceMs > fencingMs) {
    const because = `the Deployment ${plan.target.deployment} could not be labelled${plan.configMaps === undefined ? '' : ', or its ConfigMaps created,'} within ${fencingMs / 1000} s`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  const pairFence = fencePair(plan, state, observation);
  if (pairFence !== undefined) return pairFence;
  if (stable?.rollout !== state.jobUid) {
    return { kind: 'apply', command: { kind: 'ensure-fence' }, because: 'every write to the Deployment tests this label' };
  }
  return advance(state, runBy(firstPhase(plan, nowMs), state.holder.id), nowMs, 'the Deployment is fenced');
}

/** A canary that has lost its rollout still serves: it goes before ours comes, found by name, deleted by uid. */
function clearLeftover(plan: Plan, state: RolloutState, phase: Fencing, observation: Observation): Decision {
  if (observation.nowMs - phase.sinceMs > fencingMs) {
    const because = `the leftover Deployment ${plan.names.canary} of an earlier rollout does not go away: does it have a finalizer?`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  if (observation.canary?.terminating === true) {
    return { kind: 'wait', ms: turnMs, because: `waiting until the leftover Deployment ${plan.names.canary} is gone` };
  }
  return { kind: 'apply', command: { kind: 'ensure-canary-deleted' }, because: 'an earlier rollout left it behind, and its Job is gone' };
}

/** The same of a green, or a preview Service, that no Service of the user leads to. */
function clearBlueGreen(plan: Plan, state: RolloutState, { blueGreen }: Observation): Decision | undefined {
  if (blueGreen === undefined) return undefined;
  const { green, preview } = blueGreen;
  if (green !== undefined && green.rollout !== state.jobUid) {
    if (green.terminating)
      return { kind: 'wait', ms: turnMs, because: `waiting until the leftover Deployment ${plan.names.green} is gone` };
    return {
      kind: 'apply',
      command: { kind: 'ensure-green-deleted' },
      because: 'an earlier rollout left it behind, and no Service leads to it',
    };
  }
  if (preview === undefined || preview.rollout === state.jobUid) return undefined;
  if (preview.terminating) return { kind: 'wait', ms: turnMs, because: `waiting until the leftover Service ${plan.names.preview} is gone` };
  return { kind: 'apply', command: { kind: 'ensure-preview-deleted' }, because: 'an earlier rollout left it behind' };
}
