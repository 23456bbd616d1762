import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { imageIdsOf } from '../gates/image-identity.ts';
import { type Diagnosis, diagnose } from '../gates/readiness.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, WorkloadFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import { trialHoldMs } from '../plan/trial.ts';
import type { Phase, RolloutState } from '../state.ts';
import { end, interruptionOf, outcome } from './interruption.ts';

type Trial = Extract<Phase, { kind: 'trial' }>;

const pollMs = 500;
/** Pods of a Deployment that is deleted go in the background; its own removal takes an instant. */
const removalMs = 30_000;

/** The runbook of the trial before a recreation: one pod outside of every Service, which goes again before anything else changes. */
export function decideTrial(plan: Plan, state: RolloutState, phase: Trial, observation: Observation): Decision {
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return end(state, observation, interruption);
  const { canary, nowMs } = observation;
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  if (phase.passed !== undefined) return clearTrial(plan, state, phase.passed, phase, observation);
  if (canary === undefined) {
    return { kind: 'apply', command: { kind: 'ensure-canary', replicas: 1 }, because: 'one pod shows first whether the image runs here' };
  }
  if (canary.terminating) return { kind: 'wait', ms: pollMs, because: `waiting until the old ${plan.names.canary} is gone` };
  const passed = passedBy(plan, state, canary, nowMs);
  if (passed !== undefined) {
    const judged = imageIdsOf(plan.images, canary);
    return advance(state, { ...phase, sinceMs: nowMs, passed: { because: passed, judged } }, nowMs, passed);
  }
  return judgeTrial(plan, state, phase, observation, canary);
}

/** Why the trial pod has shown enough; undefined while it has not. */
function passedBy(plan: Plan, state: RolloutState, canary: WorkloadFacts, nowMs: number): string | undefined {
  if (plan.trial?.mode === 'pull') {
    const pulled = plan.images.every(({ container }) =>
      canary.pods.some((pod) => pod.containers.some(({ name, imageId }) => name === container && imageId !== '')),
    );
    return pulled ? 'the image can be pulled' : undefined;
  }
  if (diagnose(canary, nowMs).kind === 'fatal' || !isAvailable(canary, 1) || state.unbrokenSinceMs === undefined) return undefined;
  const unbrokenMs = nowMs - state.unbrokenSinceMs;
  return unbrokenMs >= trialHoldMs(plan.spec) ? `the trial pod has been ready for ${Math.round(unbrokenMs / 1000)} s` : undefined;
}

function judgeTrial(plan: Plan, state: RolloutState, phase: Trial, observation: Observation, canary: WorkloadFacts): Decision {
  const { nowMs } = observation;
  const diagnosis = diagnose(canary, nowMs);
  if (diagnosis.kind === 'fatal' && (plan.trial?.mode !== 'pull' || saysNothingOfTheCommand(diagnosis))) {
    return end(state, observation, outcome('rolled-back', diagnosis.reason, `the trial pod: ${diagnosis.because}`, diagnosis.evidence));
  }
  const waitedMs = nowMs - phase.sinceMs;
  const why = diagnosis.kind === 'none' ? 'it is not ready for long enough' : diagnosis.because;
  if (waitedMs >= plan.spec.readyTimeoutMs + trialHoldMs(plan.spec) || nowMs - state.startedAtMs >= plan.spec.timeoutMs) {
    const because = `the trial pod did not pass within ${Math.round(waitedMs / 1000)} s: ${why}`;
    if (diagnosis.kind === 'environment') return end(state, observation, outcome('inconclusive', diagnosis.reason, because));
    const reason = diagnosis.kind === 'none' ? 'not-ready' : diagnosis.reason;
    const evidence = diagnosis.kind === 'none' ? [] : diagnosis.evidence;
    return end(state, observation, outcome('rolled-back', reason, because, evidence));
  }
  return { kind: 'wait', ms: pollMs, because: `the trial pod: ${why}` };
}

/** A pod that only pulls cannot run: that it does not is no finding. */
function saysNothingOfTheCommand(diagnosis: Extract<Diagnosis, { kind: 'fatal' }>): boolean {
  return diagnosis.reason === 'image-pull' || diagnosis.reason === 'admission-denied';
}

function clearTrial(
  plan: Plan,
  state: RolloutState,
  passed: NonNullable<Trial['passed']>,
  phase: Trial,
  observation: Observation,
): Decision {
  const { canary, nowMs } = observation;
  if (canary === undefined) {
    const fresh = { ...state, steadiness: undefined, unbrokenSinceMs: undefined, servingSinceMs: undefined, breaks: 0, restarts: 0 };
    return advance(fresh, { kind: 'rolling', sinceMs: nowMs, judged: passed.judged }, nowMs, `${passed.because}, and it is gone again`);
  }
  if (nowMs - phase.sinceMs > removalMs) {
    const because = `the trial pod's Deployment ${plan.names.canary} does not go away: does it have a finalizer?`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  if (canary.terminating) return { kind: 'wait', ms: pollMs, because: `waiting until ${plan.names.canary} is gone` };
  return { kind: 'apply', command: { kind: 'ensure-canary-deleted' }, because: passed.because };
}
