import type { Decision } from './decision.ts';
import type { Observation } from './observation.ts';
import { lostJob } from './phases/interruption.ts';
import type { Plan } from './plan/plan.ts';
import type { Phase, RolloutState } from './state.ts';
import { isUndoneByDeletion } from './state.ts';

/** How long the Job is the record of a promotion that nobody finished. */
export const recordMs = 3_600_000;

/** A record whose last heartbeat is older than this has lost its runner: the next one may take it over. */
export const recordStaleMs = 240_000;

const wayBackTimeoutMs = 5_000;

/** How far a journal write moves the dead-man's deadline: from a dead-man to a record once deletion no longer undoes everything. */
export function deadlineFor(plan: Plan, phase: Phase): number {
  return isUndoneByDeletion(phase) ? plan.spec.deadManMs : recordMs;
}

/** Between two heartbeats, and between two tries of one that is refused on a way back. */
function paceMs({ spec }: Plan): number {
  return spec.deadManMs / 8;
}

/** A heartbeat, when the last one is older than an eighth of the dead-man's time. */
export function heartbeatIfDue(plan: Plan, state: RolloutState, nowMs: number): Decision | undefined {
  if (nowMs - state.heartbeatAtMs < paceMs(plan)) return undefined;
  return { kind: 'advance', to: { ...state, heartbeatAtMs: nowMs }, journal: true, because: 'the dead-man wants a heartbeat' };
}

const wayBack: ReadonlySet<Phase['kind']> = new Set<Phase['kind']>([
  'reverting',
  'flipping-back',
  'draining',
  'green-restoring',
  'pair-restoring',
  'aborting',
  'ending',
]);

/**
 * Whether nothing waits for the journal on the way from one phase to the next: what gives users their old version, or only cleans up, is
 * journalled where the Job takes it. An exchange has journalled its verdict, and may have to give blue its pods again.
 */
export function needsNoJournal(from: Phase, to: Phase): boolean {
  return wayBack.has(to.kind) || (from.kind === 'exchanging' && to.kind === 'exchanging');
}

/** Whether the Job has refused a write a moment ago. */
function wasRefused(plan: Plan, { unjournalled, nowMs }: Observation): boolean {
  return unjournalled !== undefined && nowMs - unjournalled.atMs < paceMs(plan);
}

/** Whether the journal of such a phase is tried now: once in each phase, then at the pace of heartbeats. */
export function triesJournal(plan: Plan, to: Phase, observation: Observation): boolean {
  return observation.unjournalled?.phase !== to.kind || !wasRefused(plan, observation);
}

/** The heartbeat of a phase that needs no journal: none where the Job is lost, and none right after one that was refused. */
export function heartbeatOnTheWay(plan: Plan, state: RolloutState, observation: Observation): Decision | undefined {
  if (lostJob(state, observation) !== undefined || wasRefused(plan, observation)) return undefined;
  return heartbeatIfDue(plan, state, observation.nowMs);
}

/** How long a write of the journal may take, in milliseconds: users whose old version is on its way do not wait for an answer that hangs. */
export function journalTimeoutMs(plan: Plan, phase: Phase): number {
  const timeoutMs = plan.spec.deadManMs / 4;
  return wayBack.has(phase.kind) ? Math.min(timeoutMs, wayBackTimeoutMs) : timeoutMs;
}

/** The state in another phase; writing it is a heartbeat too. */
export function advance(state: RolloutState, phase: Phase, nowMs: number, because: string): Decision {
  return { kind: 'advance', to: { ...state, phase, heartbeatAtMs: nowMs }, journal: true, because };
}
