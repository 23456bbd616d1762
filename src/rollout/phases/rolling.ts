import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import { rollConviction } from '../strategies/roll-conviction.ts';
import type { Outcome } from '../verdict.ts';
import { bake } from './bake.ts';
import { end, outcome } from './interruption.ts';
import { imagesOn, lostFooting, promote } from './promoting.ts';

type Rolling = Extract<Phase, { kind: 'rolling' }>;

const pollMs = 1000;
/** The downtime of a recreation is measured by looking: its error is the time between two looks. */
const outagePollMs = 200;

/** The runbook of rolling and recreate: one patch under the record, then watch Kubernetes replace the pods; whatever is wrong puts the old images back. */
export function decideRolling(plan: Plan, state: RolloutState, phase: Rolling, observation: Observation): Decision {
  const { stable, nowMs } = observation;
  const lost = lostFooting(plan, state, observation);
  if (lost !== undefined) return end(state, observation, lost);
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));
  const images = imagesOn(plan, stable);
  if (images === 'old') {
    // Nobody has judged this image: a process that takes the record over does not send it, it keeps it from arriving late.
    if (state.resumed === true)
      return goBack(state, nowMs, outcome('rolled-back', 'cancelled', 'the run ended before the new image was sent'));
    return promote(plan, state, phase, observation, stable);
  }
  if (images === 'other' || stable.templateHash !== plan.templateHash) {
    const because = `somebody changed the Deployment ${plan.target.deployment} while it rolled out; their change stands`;
    return end(state, observation, outcome('failed', 'changed-by-others', because));
  }

  const reason = rollConviction(plan, state, phase.judged, observation, stable);
  if (reason !== undefined) return goBack(state, nowMs, reason);
  const beganMs = state.resumed === true ? phase.sinceMs : state.startedAtMs;
  if (nowMs - beganMs >= plan.spec.timeoutMs && !isAvailable(stable, stable.desiredReplicas)) {
    const seconds = Math.round(plan.spec.timeoutMs / 1000);
    return goBack(state, nowMs, outcome('inconclusive', 'not-ready', `the Deployment was not complete within ${seconds} s`));
  }
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  if (isAvailable(stable, stable.desiredReplicas)) {
    return bake(plan, state, { proved: true, because: '', judged: phase.judged }, observation, 'every pod is replaced and available');
  }
  return {
    kind: 'wait',
    ms: plan.spec.strategy === 'recreate' ? outagePollMs : pollMs,
    because: `${stable.updatedReplicas} of ${stable.desiredReplicas} pods updated, ${stable.availableReplicas} available`,
  };
}

function goBack(state: RolloutState, nowMs: number, reason: Outcome): Decision {
  return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);
}
