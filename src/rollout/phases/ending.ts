import { unreferred } from '../configuration/config-maps.ts';
import type { Decision } from '../decision.ts';
import { heartbeatOnTheWay } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import { endBlueGreen, leftOfBlueGreen } from '../strategies/blue-green-end.ts';
import { releasePair } from '../strategies/pair-ends.ts';
import type { Outcome } from '../verdict.ts';
import { isTakenOver, lostJob, takenOverOutcome } from './interruption.ts';

type Ending = Extract<Phase, { kind: 'ending' }>;

const pollMs = 200;
/** How long a planned end waits for the stable pods, and an abort for at least one of them. */
const carryMs = 60_000;
/** An abort waits this long for the full number, then takes any stable pod that serves. */
const abortPatienceMs = 10_000;
/** The garbage collector takes tenths of a second; after this we delete what it should have taken. */
const collectorMs = 5_000;
const endingMs = 180_000;
/** The run that is aborted looks at its Job once a second: for so long, with an answer that is slow, the Job stays and tells it who has aborted it. */
const noticeMs = 4_000;

/** The runbook of every end: the Job goes, and with it what it owns; then the fence, then our name in managedFields. */
export function decideEnding(plan: Plan, state: RolloutState, phase: Ending, observation: Observation): Decision {
  const { canary, stable, nowMs } = observation;
  const elapsedMs = nowMs - phase.sinceMs;
  if (elapsedMs > endingMs) {
    const left = leftOver(plan, state, observation);
    const because = left.length === 0 ? phase.outcome.because : `${phase.outcome.because}; still there: ${left.join(', ')}`;
    return { kind: 'finish', outcome: { ...phase.outcome, because }, because: 'the time for cleaning up is over' };
  }
  if (isTakenOver(state, observation)) {
    // Who has it now has not read what the Job did not take, and does what its journal says.
    const outcome = observation.unjournalled === undefined ? phase.outcome : takenOverOutcome(observation);
    return { kind: 'finish', outcome, because: 'another run has taken this rollout over: nothing here is ours any more' };
  }
  if (observation.job?.uid === state.jobUid) return removeJob(plan, state, phase, observation);
  if (canary !== undefined && canary.rollout === state.jobUid) {
    if (!canary.terminating && elapsedMs > collectorMs) {
      return {
        kind: 'apply',
        command: { kind: 'ensure-canary-deleted' },
        because: 'its Job is gone and the garbage collector did not take it',
      };
    }
    return { kind: 'wait', ms: pollMs, because: `waiting until ${plan.names.canary} is gone` };
  }
  const blueGreen = endBlueGreen(plan, state, elapsedMs, observation);
  if (blueGreen !== undefined) return blueGreen;
  if (stable !== undefined && !stable.terminating) {
    if (stable.rollout === state.jobUid) {
      return { kind: 'apply', command: { kind: 'ensure-fence-released' }, because: 'the rollout is over' };
    }
    if (stable.owned && stable.rollout === undefined) {
      return { kind: 'apply', command: { kind: 'ensure-ownership-released' }, because: "the user's next apply must not conflict with us" };
    }
  }
  const pairRelease = releasePair(plan, state, observation);
  if (pairRelease !== undefined) return pairRelease;
  return { kind: 'finish', outcome: phase.outcome, because: phase.outcome.because };
}

function removeJob(plan: Plan, state: RolloutState, phase: Ending, observation: Observation): Decision {
  const { canary, stable, nowMs, cancelled } = observation;
  const elapsedMs = nowMs - phase.sinceMs;
  // A failed Job goes by itself, a suspended one never would.
  if (lostJob(state, observation) !== undefined && elapsedMs <= collectorMs) {
    return { kind: 'wait', ms: pollMs, because: `waiting until the Job ${plan.names.job} is gone` };
  }
  // A trial pod carries no traffic.
  const mayCarry = plan.trial === undefined && canary !== undefined;
  if (mayCarry && stable !== undefined && !cancelled && !carriesAlone(phase, stable, elapsedMs)) {
    const because = `the canary stays until the stable pods can carry the traffic: ${stable.availableReplicas} of ${stable.desiredReplicas} available`;
    return heartbeatOnTheWay(plan, state, observation) ?? { kind: 'wait', ms: pollMs, because };
  }
  if (state.abortedAtMs !== undefined && nowMs - state.abortedAtMs < noticeMs) {
    return { kind: 'wait', ms: pollMs, because: 'the run that is aborted hears of it' };
  }
  return { kind: 'apply', command: { kind: 'ensure-job-deleted' }, because: phase.outcome.because };
}

/** Whether the Service keeps its endpoints when the canary goes: an abort must be quick, a planned end can wait. */
export function carriesAlone(phase: { readonly outcome: Outcome }, stable: StableFacts, elapsedMs: number): boolean {
  if (stable.availableReplicas >= stable.minAvailable && stable.availableReplicas > 0) return true;
  if (elapsedMs > carryMs || stable.desiredReplicas === 0) return true;
  return phase.outcome.result !== 'promoted' && elapsedMs > abortPatienceMs && stable.availableReplicas > 0;
}

/** What of ours is still in the cluster, in words. */
export function leftOver(plan: Plan, state: RolloutState, observation: Observation): readonly string[] {
  const left: string[] = [];
  if (observation.job?.uid === state.jobUid) left.push(`Job ${plan.names.job}`);
  if (observation.canary?.rollout === state.jobUid) left.push(`Deployment ${plan.names.canary}`);
  if (observation.stable?.rollout === state.jobUid) left.push(`the label of this rollout on Deployment ${plan.target.deployment}`);
  left.push(...unreferred(plan, observation).map(({ name }) => `ConfigMap ${name}`));
  if (observation.pair?.rollout === state.jobUid) left.push(`the label of this rollout on Deployment ${plan.pair?.name ?? ''}`);
  return [...left, ...leftOfBlueGreen(plan, state, observation)];
}
