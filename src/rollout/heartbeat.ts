import type { Decision } from './decision.ts';
import type { Plan } from './plan/plan.ts';
import type { Phase, RolloutState } from './state.ts';
import { isUndoneByDeletion } from './state.ts';

/** How long the Job is the record of a promotion that nobody finished. */
export const recordMs = 3_600_000;

/** A record whose last heartbeat is older than this has lost its runner: the next one may take it over. */
export const recordStaleMs = 240_000;

/** How far a journal write moves the dead-man's deadline: from a dead-man to a record once deletion no longer undoes everything. */
export function deadlineFor(plan: Plan, phase: Phase): number {
  return isUndoneByDeletion(phase) ? plan.spec.deadManMs : recordMs;
}

/** A heartbeat, when the last one is older than an eighth of the dead-man's time. */
export function heartbeatIfDue(plan: Plan, state: RolloutState, nowMs: number): Decision | undefined {
  if (nowMs - state.heartbeatAtMs < plan.spec.deadManMs / 8) return undefined;
  return { kind: 'advance', to: { ...state, heartbeatAtMs: nowMs }, journal: true, because: 'the dead-man wants a heartbeat' };
}

/** The state in another phase; writing it is a heartbeat too. */
export function advance(state: RolloutState, phase: Phase, nowMs: number, because: string): Decision {
  return { kind: 'advance', to: { ...state, phase, heartbeatAtMs: nowMs }, journal: true, because };
}
