import type { Decision } from '../decision.ts';
import type { Observation } from '../observation.ts';
import { end, outcome } from '../phases/interruption.ts';
import { keepsGreen } from '../plan/kept-green-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { keptGreenLeft } from './kept-green-ends.ts';
import { countsOf } from './pair-view.ts';

/** The second fence; undefined where there is no pair, or both stand. No label of a rollout that came meanwhile is replaced. */
export function fencePair(plan: Plan, state: RolloutState, observation: Observation): Decision | undefined {
  const { pair } = plan;
  if (pair === undefined) return undefined;
  const { stable, pair: seen } = observation;
  if (seen === undefined || seen.terminating || seen.uid !== pair.uid) {
    return end(state, observation, outcome('failed', 'deployment-deleted', `the Deployment ${pair.name} is gone`));
  }
  const isFree = (label: string | undefined, found: string | undefined): boolean =>
    label === undefined || label === state.jobUid || label === found;
  if (!isFree(stable?.rollout, pair.fences.old) || !isFree(seen.rollout, pair.fences.new)) {
    return end(state, observation, outcome('rolled-back', 'fence-lost', 'another rollout has just begun with a Deployment of the pair'));
  }
  if (stable?.rollout !== state.jobUid || seen.rollout === state.jobUid) return undefined;
  const because = `every write to ${pair.name} tests this label`;
  return { kind: 'apply', command: { kind: 'ensure-pair-fence', side: 'new', jobUid: state.jobUid }, because };
}

/** What the end of a rollout still has to take from the second Deployment; undefined: nothing. */
export function releasePair(plan: Plan, state: RolloutState, { pair }: Observation): Decision | undefined {
  if (plan.pair === undefined || pair === undefined || pair.terminating) return undefined;
  if (pair.rollout === state.jobUid)
    return { kind: 'apply', command: { kind: 'ensure-pair-fence-released' }, because: 'the rollout is over' };
  if (!pair.owned || pair.rollout !== undefined) return undefined;
  const because = "the user's next apply must not conflict with us";
  return { kind: 'apply', command: { kind: 'ensure-pair-ownership-released' }, because };
}

/** Says in the journal whose steps these are. */
export function runBy(phase: Phase, holderId: string): Phase {
  return phase.kind === 'pair-step' ? { ...phase, by: holderId } : phase;
}

/** How the post step, which is the same run as the one that died, goes on: replicas between two shares go back, the rest goes on. */
export function phaseLeft(phase: Phase, nowMs: number): Phase {
  return phase.kind === 'pair-step' ? { ...phase, sinceMs: nowMs, by: '' } : { ...phase, sinceMs: nowMs };
}

/** Without a journal nobody knows which replicas were ours: where both still carry our label, all that stands is. */
export function pairLeft(
  plan: Plan,
  state: RolloutState,
  observation: Pick<Observation, 'nowMs' | 'stable' | 'pair' | 'blueGreen'>,
  found: Outcome,
): RolloutState | undefined {
  const { stable, pair, nowMs } = observation;
  if (plan.pair === undefined || state.phase.kind === 'ending' || stable === undefined || pair === undefined) return undefined;
  if (keepsGreen(plan)) return keptGreenLeft(state, observation, found);
  if (stable.rollout !== state.jobUid || pair.rollout !== state.jobUid) return undefined;
  return { ...state, phase: { kind: 'pair-restoring', sinceMs: nowMs, outcome: found, wished: [plan.pair.found, countsOf(stable, pair)] } };
}
