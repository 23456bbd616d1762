import type { Plan } from './plan.ts';
import type { Situation } from './situation.ts';
import type { ImageChange } from './spec.ts';
import { leftOf } from './standing.ts';
import { isUndoneByDeletion, type Phase, type RolloutState } from './state.ts';
import type { Outcome } from './verdict.ts';

/** What a rollout becomes in the hands of somebody who aborts it; one that is ending already only gets another pair of hands. */
export function abortedPhase({ phase }: RolloutState, nowMs: number, because: string): Phase {
  if (phase.kind === 'ending') return { ...phase, sinceMs: nowMs };
  const outcome: Outcome = { result: 'rolled-back', reason: 'aborted', because, evidence: [] };
  if (phase.kind === 'reverting') return { ...phase, sinceMs: nowMs, outcome };
  return { kind: isUndoneByDeletion(phase) ? 'aborting' : 'reverting', sinceMs: nowMs, outcome };
}

/** Who has aborted a rollout, in a sentence; undefined where nobody has. */
export function abortOf({ phase }: RolloutState): string | undefined {
  if (phase.kind !== 'aborting' && phase.kind !== 'reverting' && phase.kind !== 'ending') return undefined;
  return phase.outcome.reason === 'aborted' ? phase.outcome.because : undefined;
}

/** What `command: abort` has reached, by how the rollout ended in its hands. */
export function abortOutcome(outcome: Outcome, { target }: Plan): Outcome {
  if (outcome.result === 'promoted') return tooLate(target.deployment);
  if (outcome.result === 'rolled-back' || outcome.result === 'inconclusive')
    return { ...outcome, result: 'rolled-back', reason: 'aborted' };
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
