import { configurationOf } from '../configuration/field-change.ts';
import type { Decision } from '../decision.ts';
import type { Observation, StableFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Outcome, ReasonCode } from '../verdict.ts';

/** The same refusal this often in a row is an answer, not an accident. */
const rejectionsMax = 3;

/** Why the rollout must not go on, whatever the gates say; undefined when it may. Before promotion only. */
export function interruptionOf(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  return (
    deletedDeployment(plan, observation) ??
    lostJob(state, observation) ??
    changedDeployment(plan, state, observation) ??
    stopped(observation)
  );
}

/** The Job that protects this rollout is gone, over, or another one. */
export function lostJob(state: RolloutState, observation: Observation): Outcome | undefined {
  const { job } = observation;
  if (job === undefined) return outcome('rolled-back', 'lock-lost', "the rollout's Job was deleted, and the canary with it");
  if (job.uid !== state.jobUid) return outcome('rolled-back', 'lock-lost', 'another rollout holds the Job now');
  if (isTakenOver(state, observation) && job.abort !== undefined) return outcome('rolled-back', 'aborted', job.abort);
  if (isTakenOver(state, observation))
    return outcome('failed', 'lock-lost', 'another run has taken this rollout over, and finishes or undoes it');
  if (job.over !== undefined) return outcome('rolled-back', 'lock-lost', `the rollout's Job is over: ${job.over}`);
  return undefined;
}

/** The Job is the same, its journal names another run: everything of this rollout is that run's now. */
export function isTakenOver(state: RolloutState, { job }: Observation): boolean {
  return job?.uid === state.jobUid && job.holder !== undefined && job.holder !== state.holder.id;
}

/** With the Deployment goes its Job, and with that the canary: so this comes before the loss of the Job. */
function deletedDeployment(plan: Plan, { stable }: Observation): Outcome | undefined {
  if (stable !== undefined && !stable.terminating && stable.uid === plan.target.uid) return undefined;
  return outcome('failed', 'deployment-deleted', `somebody deleted the Deployment ${plan.target.deployment} during the rollout`);
}

function changedDeployment(plan: Plan, state: RolloutState, { stable }: Observation): Outcome | undefined {
  if (stable === undefined) return undefined;
  if (state.phase.kind !== 'arming' && state.phase.kind !== 'fencing' && stable.rollout !== state.jobUid) {
    return outcome('rolled-back', 'fence-lost', `the label of this rollout was taken from the Deployment ${plan.target.deployment}`);
  }
  const change = foreignChange(plan, stable);
  if (change !== undefined) return outcome('rolled-back', 'changed-by-others', change);
  if (stable.desiredReplicas === 0) {
    return outcome('rolled-back', 'scaled-to-zero', `somebody scaled the Deployment ${plan.target.deployment} to 0: nothing can be judged`);
  }
  return undefined;
}

function stopped(observation: Observation): Outcome | undefined {
  if (observation.cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled');
  const { rejection } = observation;
  if (rejection !== undefined && rejection.times >= rejectionsMax) {
    return outcome('rolled-back', 'write-refused', `the API server refused a write ${rejection.times} times: ${rejection.message}`);
  }
  return undefined;
}

/** How it ends for a run whose record is another one's: from there on nothing is undone by this one. */
export function takenOverOutcome({ job }: Observation): Outcome {
  if (job?.abort !== undefined) return outcome('failed', 'aborted', job.abort);
  return outcome('failed', 'lock-lost', 'another run has taken this rollout over, and finishes or undoes it');
}

/** What somebody else changed on the Deployment, in a sentence; undefined when it still is as it was found. */
export function foreignChange(plan: Plan, stable: StableFacts): string | undefined {
  if (stable.paused) return `somebody paused the Deployment ${plan.target.deployment} during the rollout`;
  const image = plan.images.find((change) => stable.images[change.container] !== change.from);
  if (image !== undefined) {
    const now = stable.images[image.container] ?? 'nothing';
    return `somebody changed the image of container ${image.container} from ${image.from} to ${now} during the rollout`;
  }
  const field = configurationOf(plan).find((_, index) => stable.configuration?.[index] !== 'from');
  if (field !== undefined) return `somebody changed ${field.what} during the rollout`;
  if (stable.templateHash !== plan.templateHash) {
    return `somebody changed the pod template of the Deployment ${plan.target.deployment} during the rollout: it is no longer what the canary was copied from`;
  }
  return undefined;
}

export function outcome(result: Outcome['result'], reason: ReasonCode, because: string, evidence: readonly string[] = []): Outcome {
  return { result, reason, because, evidence };
}

/** Ends the rollout: everything of ours goes. The journal is written only where a Job is left to hold it. */
export function end(state: RolloutState, observation: Observation, with_: Outcome): Decision {
  return {
    kind: 'advance',
    to: { ...state, phase: { kind: 'ending', sinceMs: observation.nowMs, outcome: with_ }, heartbeatAtMs: observation.nowMs },
    journal: lostJob(state, observation) === undefined,
    because: with_.because,
  };
}
