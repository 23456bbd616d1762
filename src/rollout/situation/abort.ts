import type { Plan } from '../plan/plan.ts';
import type { ImageChange } from '../spec.ts';
import { isUndoneByDeletion, type RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import type { Situation } from './situation.ts';
import { leftOf } from './standing.ts';

/**
 * What a rollout becomes in the hands of somebody who aborts it. What deletion undoes gets a phase of its own; what it does not is undone by
 * the runbook of its own phase, as a run that is cancelled does it: only the strategy knows the way back.
 */
export function abortedState(state: RolloutState, nowMs: number, because: string): RolloutState {
  const { phase } = state;
  const outcome: Outcome = { result: 'rolled-back', reason: 'aborted', because, evidence: [] };
  const aborted = { ...state, abort: because, abortedAtMs: nowMs };
  if (phase.kind === 'ending' || !isUndoneByDeletion(phase)) return { ...aborted, phase: { ...phase, sinceMs: nowMs } };
  return { ...aborted, phase: { kind: 'aborting', sinceMs: nowMs, outcome } };
}

/** What an abort has reached, by how the rollout ended in its hands. */
export function abortOutcome(outcome: Outcome, { target }: Plan, because: string): Outcome {
  if (outcome.result === 'promoted') return tooLate(target.deployment);
  if (outcome.result === 'rolled-back' || outcome.result === 'inconclusive') {
    return { ...outcome, result: 'rolled-back', reason: 'aborted', because };
  }
  return outcome;
}

/** The same against what the cluster shows in the end: nothing is aborted while its image, or something of ours, is still there. */
export function abortTruth(outcome: Outcome, images: readonly ImageChange[], { stable, target, ...rest }: Situation): Outcome {
  const left = leftOf({ stable, target, ...rest });
  if (outcome.result === 'failed') return outcome;
  if (left.length > 0) {
    return { ...outcome, result: 'failed', reason: 'write-refused', because: `${outcome.because}; still there: ${left.join('; ')}` };
  }
  const stands = (change: ImageChange): boolean =>
    stable.images.some(({ name, image }) => name === change.container && image === change.to);
  return outcome.result === 'rolled-back' && images.length > 0 && images.every(stands) ? tooLate(target.deployment) : outcome;
}

function tooLate(deployment: string): Outcome {
  const because = `the release of ${deployment} was complete before the abort came; command: rollback takes it back`;
  return { result: 'unchanged', reason: 'nothing-running', because, evidence: [] };
}
