import type { Decision } from '../decision.ts';
import type { Observation } from '../observation.ts';
import { end, outcome } from '../phases/interruption.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';

const pollMs = 500;

/** Runs the smoke test once and keeps its answer in the journal; undefined where there is none, or it has passed. */
export function decideSmokeTest(plan: Plan, state: RolloutState, observation: Observation): Decision | undefined {
  if (plan.spec.smokeTest === undefined || state.smoke?.kind === 'passed') return undefined;
  const { smoke, nowMs } = observation;
  if (state.smoke !== undefined) {
    const { kind, because, evidence } = state.smoke;
    if (kind === 'failed') return end(state, observation, outcome('rolled-back', 'smoke-test-failed', because, evidence));
    return end(state, observation, outcome('inconclusive', 'smoke-test-unknown', because, evidence));
  }
  if (smoke === undefined)
    return { kind: 'apply', command: { kind: 'run-smoke-test' }, because: 'green answers through its preview Service' };
  if (smoke.kind === 'running') return { kind: 'wait', ms: pollMs, because: 'the smoke test runs' };
  return { kind: 'advance', to: { ...state, smoke, heartbeatAtMs: nowMs }, journal: true, because: smoke.because };
}
