import type { Decision } from '../decision.ts';
import { advance } from '../heartbeat.ts';
import type { Observation } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import { carriesAlone } from './ending.ts';
import { end, lostJob } from './interruption.ts';

type Aborting = Extract<Phase, { kind: 'aborting' }>;

const pollMs = 200;

/** The runbook of an abort from outside: the canary goes at once; the end lets the Job stay for a moment, because only the Job can say why. */
export function decideAborting(_plan: Plan, state: RolloutState, phase: Aborting, observation: Observation): Decision {
  const { canary, stable, nowMs } = observation;
  if (lostJob(state, observation) !== undefined) return end(state, observation, phase.outcome);
  const elapsedMs = nowMs - phase.sinceMs;
  if (canary !== undefined && !canary.terminating && canary.rollout === state.jobUid) {
    if (stable === undefined || carriesAlone(phase, stable, elapsedMs)) {
      return { kind: 'apply', command: { kind: 'ensure-canary-deleted' }, because: phase.outcome.because };
    }
    const because = `the canary stays until the stable pods can carry the traffic: ${stable.availableReplicas} of ${stable.desiredReplicas} available`;
    return { kind: 'wait', ms: pollMs, because };
  }
  return advance(state, { kind: 'ending', sinceMs: nowMs, outcome: phase.outcome }, nowMs, phase.outcome.because);
}
