import type { Plan } from '../rollout/plan.ts';
import { isUndoneByDeletion, type RolloutState } from '../rollout/state.ts';
import type { RolloutEnd, RolloutPorts } from './run-rollout.ts';
import { runRollout } from './run-rollout.ts';

/**
 * Finishes or undoes what a process that is dead has left: before the promotion everything goes; after it, the Deployment is followed until
 * it is complete, or gets its old images back where the run was cancelled or the new pods fail.
 */
export async function finishLeft(ports: RolloutPorts, plan: Plan, state: RolloutState, cancelled: boolean): Promise<RolloutEnd> {
  const cancel = new AbortController();
  if (!isUndoneByDeletion(state.phase)) {
    if (cancelled) cancel.abort();
    return runRollout(ports, plan, state, cancel.signal);
  }
  const because = cancelled ? 'the run was cancelled' : 'the run ended before its rollout did';
  const outcome =
    state.phase.kind === 'ending' ? state.phase.outcome : ({ result: 'rolled-back', reason: 'cancelled', because, evidence: [] } as const);
  const { nowMs } = await ports.world.observe(cancel.signal);
  return runRollout(ports, plan, { ...state, phase: { kind: 'ending', sinceMs: nowMs, outcome } }, cancel.signal);
}
