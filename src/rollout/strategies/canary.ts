import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { reasonToHold } from '../gates/hold.ts';
import { imageIdsOf, mixedImage } from '../gates/image-identity.ts';
import { judgeMetrics } from '../gates/metrics-gate.ts';
import type { Diagnosis } from '../gates/readiness.ts';
import { diagnose } from '../gates/readiness.ts';
import { unlessSilent } from '../gates/silent-pods.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, StableFacts, WorkloadFacts } from '../observation.ts';
import { end, interruptionOf, outcome } from '../phases/interruption.ts';
import type { Plan } from '../plan/plan.ts';
import { canaryReplicasFor } from '../plan/replica-share.ts';
import type { Phase, RolloutState } from '../state.ts';
import type { Outcome, Verdict } from '../verdict.ts';

type Step = Extract<Phase, { kind: 'step' }>;

const pollMs = 1000;
/** A pod that was ready and is not for this long has a verdict coming, not a start-up. */
const lostReadinessMs = 30_000;
const breaksMax = 3;

/** The runbook of one canary step: stop if anything forbids it, scale, wait until available, watch the gates, go on. */
export function decideStep(plan: Plan, state: RolloutState, phase: Step, observation: Observation): Decision {
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return end(state, observation, interruption);
  const { stable, canary, nowMs } = observation;
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));

  const conviction = convictionOf(plan, state, observation);
  if (conviction !== undefined) return end(state, observation, conviction);

  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;

  const step = plan.steps[phase.index];
  const replicas = canaryReplicasFor(stable.desiredReplicas, step?.weightPercent ?? 0, plan.halfAtMost);
  if (canary === undefined || canary.terminating || canary.desiredReplicas !== replicas) {
    if (!isOverdue(plan, state, nowMs)) return scale(plan, canary, stable, replicas);
    const because = `the canary could not be scaled within ${Math.round(plan.spec.timeoutMs / 1000)} s`;
    return end(state, observation, outcome('rolled-back', 'write-refused', because));
  }

  if (!isAvailable(canary, replicas)) return waitUntilAvailable(plan, state, observation, canary);

  const last = phase.index === plan.steps.length - 1;
  if (!last) return holdStep(plan, state, phase, observation);
  return finalStep(plan, state, phase, observation, stable);
}

/** What convicts the canary at any moment of any step. */
export function convictionOf(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  const { canary, nowMs } = observation;
  if (canary === undefined) return undefined;
  const diagnosis = diagnose(canary, nowMs);
  if (diagnosis.kind === 'fatal') return outcome('rolled-back', diagnosis.reason, diagnosis.because, diagnosis.evidence);
  const mixed = mixedImage(plan.images, canary);
  if (mixed !== undefined) return outcome('rolled-back', 'image-changed', mixed);
  if (plan.rules !== undefined && state.evidence !== undefined) {
    const verdict = judgeMetrics(plan.rules, state.evidence, nowMs);
    if (verdict.kind === 'fail') return outcome('rolled-back', verdict.reason, verdict.because, verdict.evidence);
  }
  return lostReadiness(state, diagnosis, nowMs);
}

/** Pods that were available and are not: convicted by time, or by how often. */
export function lostReadiness(state: RolloutState, diagnosis: Diagnosis, nowMs: number, who = 'the canary'): Outcome | undefined {
  if (diagnosis.kind !== 'waiting') return undefined;
  const { steadiness } = state;
  const missingMs = steadiness?.missingSinceMs === undefined ? 0 : nowMs - steadiness.missingSinceMs;
  if (steadiness?.wasAvailable === true && missingMs > lostReadinessMs) {
    return outcome(
      'rolled-back',
      diagnosis.reason,
      `${who} was available and is not for ${lostReadinessMs / 1000} s: ${diagnosis.because}`,
      diagnosis.evidence,
    );
  }
  if (state.breaks >= breaksMax) {
    return outcome(
      'rolled-back',
      diagnosis.reason,
      `${who} lost its readiness ${state.breaks} times: ${diagnosis.because}`,
      diagnosis.evidence,
    );
  }
  return undefined;
}

function scale(plan: Plan, canary: WorkloadFacts | undefined, stable: StableFacts, replicas: number): Decision {
  if (canary?.terminating === true) return { kind: 'wait', ms: pollMs, because: `waiting until the old ${plan.names.canary} is gone` };
  const share = Math.round((100 * replicas) / (replicas + stable.desiredReplicas));
  return {
    kind: 'apply',
    command: { kind: 'ensure-canary', replicas },
    because: `${replicas} of ${replicas + stable.desiredReplicas} pods are ${share} % of the traffic`,
  };
}

export function waitUntilAvailable(plan: Plan, state: RolloutState, observation: Observation, canary: WorkloadFacts): Decision {
  const { nowMs } = observation;
  const diagnosis = diagnose(canary, nowMs);
  const missingSinceMs = state.steadiness?.missingSinceMs ?? nowMs;
  const why = diagnosis.kind === 'none' ? 'its pods are not available yet' : diagnosis.because;
  if (nowMs - missingSinceMs >= plan.spec.readyTimeoutMs || isOverdue(plan, state, nowMs)) {
    const because = `the canary was not available within ${Math.round((nowMs - missingSinceMs) / 1000)} s: ${why}`;
    if (diagnosis.kind === 'environment') return end(state, observation, outcome('inconclusive', diagnosis.reason, because));
    if (diagnosis.kind === 'waiting') return end(state, observation, outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence));
    return end(state, observation, outcome('rolled-back', 'not-ready', because));
  }
  return { kind: 'wait', ms: pollMs, because: `${canary.availableReplicas} of ${canary.desiredReplicas} canary pods available: ${why}` };
}

/** Before the last step the gates need not say pass: they must not say fail, for the step's time. */
export function holdStep(plan: Plan, state: RolloutState, phase: Step, observation: Observation): Decision {
  const { nowMs } = observation;
  const holdMs = plan.steps[phase.index]?.holdMs ?? 0;
  const heldMs = heldFor(state, phase, nowMs);
  const doubt = plan.rules === undefined ? undefined : reasonToHold(state.evidence, plan.rules);
  if (heldMs >= holdMs && doubt === undefined) {
    const next: Phase = { kind: 'step', index: phase.index + 1, sinceMs: nowMs };
    return advance(state, next, nowMs, `step ${phase.index + 1} held for ${Math.round(heldMs / 1000)} s and no gate objects`);
  }
  if (isOverdue(plan, state, nowMs)) return inconclusive(plan, state, observation, verdictOf(plan, state, nowMs));
  if (heldMs >= holdMs) return { kind: 'wait', ms: pollMs, because: `step ${phase.index + 1} holds: ${doubt ?? ''}` };
  return { kind: 'wait', ms: Math.min(pollMs, holdMs - heldMs), because: `step ${phase.index + 1} holds` };
}

export function finalStep(plan: Plan, state: RolloutState, phase: Step, observation: Observation, stable: StableFacts): Decision {
  const { nowMs } = observation;
  const heldMs = heldFor(state, phase, nowMs);
  const servedMs = nowMs - (state.servingSinceMs ?? nowMs);
  const verdict = unlessSilent(verdictOf(plan, state, nowMs), plan.rules, state.evidence, observation.canary);
  const longEnough = servedMs >= plan.spec.minDurationMs && heldMs >= (plan.steps[phase.index]?.holdMs ?? 0);
  const carries = stableCarries(plan, stable);
  if (verdict.kind === 'pass' && longEnough && carries) {
    return promote(plan, state, observation, true, verdict.because);
  }
  if (isOverdue(plan, state, nowMs)) return inconclusive(plan, state, observation, verdict);
  if (verdict.kind !== 'pass') return { kind: 'wait', ms: pollMs, because: verdict.because };
  if (!carries) return { kind: 'wait', ms: pollMs, because: 'the gates pass; waiting until the stable pods are available again' };
  return { kind: 'wait', ms: pollMs, because: 'the gates pass; waiting for the minimum duration' };
}

/** Whether stable could do without the canary's pods while it is rolled. */
export function stableCarries(plan: Plan, stable: StableFacts): boolean {
  return stable.settled && (stable.availableReplicas >= stable.minAvailable || plan.spec.force);
}

/** Since the step began and all its pods are available: a step that comes to the same pods as the one before has its own time. */
export function heldFor(state: RolloutState, phase: Pick<Step, 'sinceMs'>, nowMs: number): number {
  return nowMs - Math.max(state.steadiness?.availableSinceMs ?? nowMs, phase.sinceMs);
}

/** Only a canary that is available comes here: `on-inconclusive: promote` never promotes what does not run. */
function inconclusive(plan: Plan, state: RolloutState, observation: Observation, verdict: Verdict): Decision {
  const reason = verdict.kind === 'unknown' ? verdict.reason : 'stable-unhealthy';
  const because = `no verdict within ${Math.round(plan.spec.timeoutMs / 1000)} s: ${verdict.because}`;
  if (plan.spec.onInconclusive === 'promote') {
    return promote(plan, state, observation, false, `${because}; on-inconclusive: promote`);
  }
  return end(state, observation, outcome('inconclusive', reason, because));
}

function promote(plan: Plan, state: RolloutState, { nowMs, canary }: Observation, proved: boolean, because: string): Decision {
  const judged = canary === undefined ? [] : imageIdsOf(plan.images, canary);
  return advance(state, { kind: 'promoting', sinceMs: nowMs, proved, because, judged }, nowMs, because);
}

/** What the gates say of the canary as a whole, across all its steps. */
export function verdictOf(plan: Plan, state: RolloutState, nowMs: number): Verdict {
  if (plan.rules !== undefined) {
    if (state.evidence === undefined) return { kind: 'unknown', reason: 'metrics-unavailable', because: 'no metrics have been read yet' };
    return judgeMetrics(plan.rules, state.evidence, nowMs);
  }
  const unbrokenMs = state.unbrokenSinceMs === undefined ? 0 : nowMs - state.unbrokenSinceMs;
  const seconds = Math.floor(unbrokenMs / 1000);
  if (unbrokenMs >= plan.spec.minDurationMs) {
    return { kind: 'pass', because: `every canary pod has been ready for ${seconds} s without a break or a restart (readiness alone)` };
  }
  return {
    kind: 'unknown',
    reason: 'not-ready',
    because: `every canary pod ready for ${seconds} of ${Math.round(plan.spec.minDurationMs / 1000)} s`,
  };
}

function isOverdue(plan: Plan, state: RolloutState, nowMs: number): boolean {
  return nowMs - state.startedAtMs >= plan.spec.timeoutMs;
}
