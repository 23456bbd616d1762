import { recordStaleMs } from '../heartbeat.ts';
import { isUndoneByDeletion } from '../state.ts';
import { isFlippedWithoutJob, leftOfStrategies } from './left-colours.ts';
import type { Situation } from './situation.ts';

/** How a rollout stands that somebody else may have begun. */
export type Standing =
  /** No rollout, and nothing of one. */
  | 'none'
  /** No Job of ours; a label, a canary or an entry in managedFields is left. */
  | 'left'
  /** Heartbeats come. */
  | 'running'
  /** No heartbeat for a while, and the dead-man takes the canary back at its deadline. */
  | 'silent'
  /** A record that nobody works on any more. */
  | 'stale'
  /** The Job protects nothing any more, and nobody has ended the rollout. */
  | 'over'
  /** A Job of ours that tells nothing; it ends at its deadline. */
  | 'unreadable';

/** Two heartbeats that did not come are no accident. */
const missedBeats = 3;

/** Pure: what `status` says and `reconcile` acts on. */
export function standingOf({ nowMs, job, ...situation }: Situation): Standing {
  if (job === undefined || !job.ours) return leftOf({ nowMs, job, ...situation }).length > 0 ? 'left' : 'none';
  const { journal, facts } = job;
  if (journal === undefined) return facts.over === undefined ? 'unreadable' : 'over';
  const { state, plan } = journal;
  const silentMs = nowMs - state.heartbeatAtMs;
  if (facts.over !== undefined) return silentMs > plan.spec.deadManMs ? 'over' : 'running';
  if (!isUndoneByDeletion(state.phase)) return silentMs >= recordStaleMs ? 'stale' : 'running';
  return silentMs > (missedBeats * plan.spec.deadManMs) / 8 ? 'silent' : 'running';
}

/** What a rollout that is no more has left, in words; nothing while its Job is there. */
export function leftOf(situation: Situation): readonly string[] {
  const { job, stable, canary, names, target } = situation;
  if (job?.ours === true) return [];
  const left: string[] = [];
  if (canary?.ours === true) {
    const going = canary.terminating ? ', which is going' : '';
    left.push(`Deployment ${names.canary} (replicas: ${canary.desiredReplicas}), without a Job that would take it away${going}`);
  }
  if (stable.rollout !== undefined) left.push(`the label of an ended rollout on Deployment ${target.deployment}`);
  if (stable.owned) left.push(`our entry in the managedFields of Deployment ${target.deployment}`);
  return [...left, ...leftOfStrategies(situation)];
}

/** What `command: reconcile` would do now. */
export function remedyOf(standing: Standing, situation?: Situation): string {
  switch (standing) {
    case 'none':
      return 'nothing: nothing of ours is there';
    case 'left':
      return situation !== undefined && isFlippedWithoutJob(situation)
        ? 'lead the Services back to the Deployment, and remove what is left'
        : 'remove what is left';
    case 'running':
      return 'nothing: the rollout is alive';
    case 'silent':
    case 'unreadable':
      return "nothing: the cluster removes the Job, and the canary with it, at the Job's deadline";
    case 'stale':
      return 'take the record over, and finish the promotion or put the old images back';
    case 'over':
      return 'delete the Job, and the canary with it';
  }
}
