import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { knowsBefore } from '../gates/before-after.ts';
import { imageIdsOf } from '../gates/image-identity.ts';
import { diagnose } from '../gates/readiness.ts';
import { explainSilent } from '../gates/silent-pods.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { BlueGreenFacts, GreenFacts, Observation, StableFacts } from '../observation.ts';
import { end, interruptionOf, isTakenOver, outcome, takenOverOutcome } from '../phases/interruption.ts';
import type { Plan } from '../plan/plan.ts';
import type { BlueGreenPhase, Phase, RolloutState } from '../state.ts';
import type { Outcome, Verdict } from '../verdict.ts';
import { goBack } from './blue-green-flip.ts';
import { convictionOfGreen, convictionUnderTraffic } from './green-conviction.ts';
import { acquitInForce, stableSample } from './rules-in-force.ts';
import { decideSmokeTest } from './smoke-test.ts';

type Live = Extract<BlueGreenPhase, { kind: 'live' }>;

const pollMs = 1000;

/** The runbook of green without traffic: full size beside blue, the preview Service, the smoke test, the gates; then the Services flip. */
export function decideGreen(plan: Plan, state: RolloutState, observation: Observation): Decision {
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return end(state, observation, interruption);
  const { stable, nowMs } = observation;
  const { green, preview, services }: BlueGreenFacts = observation.blueGreen ?? { green: undefined, preview: undefined, services: [] };
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));
  const conviction = green === undefined ? undefined : convictionOfGreen(plan, state, green, nowMs);
  if (conviction !== undefined) return end(state, observation, conviction);
  const changed = services.find((service) => service.colour !== 'blue' || service.terminating);
  if (changed !== undefined) {
    const because = `somebody changed the Service ${changed.name} before it was flipped`;
    return end(state, observation, outcome('rolled-back', 'changed-by-others', because));
  }
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  const overdue = nowMs - state.startedAtMs >= plan.spec.timeoutMs;

  if (green === undefined || green.terminating || green.desiredReplicas !== stable.desiredReplicas || preview === undefined) {
    if (!overdue) return build(plan, stable, green);
    const because = `${plan.names.green} could not be created or scaled within ${seconds(plan.spec.timeoutMs)} s`;
    return end(state, observation, outcome('rolled-back', 'write-refused', because));
  }
  return judgeIdleGreen(plan, state, observation, stable, green);
}

/** Green is as large as it is to be, and no user is led to it yet: the smoke test, then the gates. */
export function judgeIdleGreen(
  plan: Plan,
  state: RolloutState,
  observation: Observation,
  stable: StableFacts,
  green: GreenFacts,
): Decision {
  const { nowMs } = observation;
  const overdue = nowMs - state.startedAtMs >= plan.spec.timeoutMs;
  if (!isAvailable(green, green.desiredReplicas)) return waitUntilAvailable(plan, state, observation, green, overdue);

  const smoke = decideSmokeTest(plan, state, observation);
  if (smoke !== undefined) return smoke;
  const doubt = doubtOf(plan, state, stable, green, nowMs);
  if (doubt === undefined) return flip(plan, state, observation, green, 'green passes its gates without traffic');
  if (!overdue) return { kind: 'wait', ms: pollMs, because: doubt.because };
  const because = `no verdict on ${plan.names.green} within ${seconds(plan.spec.timeoutMs)} s: ${doubt.because}`;
  if (plan.spec.onInconclusive === 'promote') return flip(plan, state, observation, green, `${because}; on-inconclusive: promote`);
  return end(state, observation, outcome('inconclusive', doubt.reason, because));
}

function build(plan: Plan, stable: StableFacts, green: GreenFacts | undefined): Decision {
  if (green?.terminating === true) return { kind: 'wait', ms: pollMs, because: `waiting until the old ${plan.names.green} is gone` };
  const replicas = stable.desiredReplicas;
  if (green === undefined || green.desiredReplicas !== replicas) {
    const because = `as large as ${plan.target.deployment}: it is to carry all of the traffic`;
    return { kind: 'apply', command: { kind: 'ensure-green', replicas }, because };
  }
  return { kind: 'apply', command: { kind: 'ensure-preview' }, because: 'leads to green alone, before any user does' };
}

function waitUntilAvailable(plan: Plan, state: RolloutState, observation: Observation, green: GreenFacts, overdue: boolean): Decision {
  const { nowMs } = observation;
  const diagnosis = diagnose(green, nowMs);
  const missingMs = nowMs - (state.steadiness?.missingSinceMs ?? nowMs);
  const why = diagnosis.kind === 'none' ? 'its pods are not available yet' : diagnosis.because;
  if (missingMs < plan.spec.readyTimeoutMs && !overdue) {
    return { kind: 'wait', ms: pollMs, because: `${green.availableReplicas} of ${green.desiredReplicas} pods of green available: ${why}` };
  }
  const because = `${plan.names.green} was not available within ${seconds(missingMs)} s: ${why}`;
  if (diagnosis.kind === 'environment') return end(state, observation, outcome('inconclusive', diagnosis.reason, because));
  if (diagnosis.kind === 'waiting') return end(state, observation, outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence));
  return end(state, observation, outcome('rolled-back', 'not-ready', because));
}

/** Why the Services should not flip yet; undefined when they may. */
function doubtOf(
  plan: Plan,
  state: RolloutState,
  stable: StableFacts,
  green: GreenFacts,
  nowMs: number,
): Extract<Verdict, { kind: 'unknown' }> | undefined {
  const unbrokenMs = state.unbrokenSinceMs === undefined ? 0 : nowMs - state.unbrokenSinceMs;
  if (state.smoke?.kind !== 'passed' && unbrokenMs < plan.spec.minDurationMs) {
    const because = `every pod of green ready for ${seconds(unbrokenMs)} of ${seconds(plan.spec.minDurationMs)} s`;
    return { kind: 'unknown', reason: 'not-ready', because };
  }
  // Nothing could pass with all of the traffic on it.
  const silent = plan.rules === undefined ? undefined : explainSilent(plan.rules, state.evidence, green);
  if (silent !== undefined) return { kind: 'unknown', reason: 'metrics-unavailable', because: silent };
  if (plan.rules !== undefined && !knowsBefore(plan.rules, stableSample(plan, state))) {
    const because = `only ${stableSample(plan, state).requests} requests of ${plan.target.deployment} were counted: too few to compare with after the flip`;
    return { kind: 'unknown', reason: 'too-little-traffic', because };
  }
  if (stable.settled && (stable.availableReplicas >= stable.minAvailable || plan.spec.force)) return undefined;
  const because = `green is good; waiting until the pods of ${plan.target.deployment} are available again, which is the way back`;
  return { kind: 'unknown', reason: 'stable-unhealthy', because };
}

function flip(plan: Plan, state: RolloutState, { nowMs }: Observation, green: GreenFacts, because: string): Decision {
  return advance(state, { kind: 'flipping', sinceMs: nowMs, judged: imageIdsOf(plan.images, green) }, nowMs, because);
}

/** The runbook of green under real traffic: blue stays at full size beside it until the gates have said pass. */
export function decideLive(plan: Plan, state: RolloutState, phase: Live, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return end(state, observation, takenOverOutcome(observation));
  const { stable, nowMs, blueGreen } = observation;
  const interruption = interruptionOf(plan, state, observation) ?? changedService(observation);
  if (interruption !== undefined) return goBack(state, observation, interruption, false);
  const conviction = convictionUnderTraffic(plan, state, blueGreen?.green, nowMs);
  if (conviction !== undefined) return goBack(state, observation, conviction, false);
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  const holdMs = Math.max(plan.spec.minDurationMs, plan.spec.bakeMs);
  const heldMs = nowMs - phase.sinceMs;
  const verdict = verdictUnderTraffic(plan, state, phase, observation, holdMs);
  const carries = stable?.settled === true && (stable.availableReplicas >= stable.minAvailable || plan.spec.force);
  if (verdict.kind === 'pass' && heldMs >= holdMs && carries)
    return advance(state, update(phase, nowMs, true, verdict.because), nowMs, verdict.because);
  if (heldMs >= holdMs + plan.spec.timeoutMs) return inconclusive(plan, state, phase, observation, verdict);
  if (verdict.kind !== 'pass') return { kind: 'wait', ms: pollMs, because: verdict.because };
  if (!carries) return { kind: 'wait', ms: pollMs, because: `the gates pass; waiting until ${plan.target.deployment} is available again` };
  return { kind: 'wait', ms: Math.min(pollMs, holdMs - heldMs), because: `the gates pass; green serves for at least ${seconds(holdMs)} s` };
}

/** Somebody who changes a Service while it leads to green has other plans with it: all of them go back. */
export function changedService({ blueGreen }: Observation): Outcome | undefined {
  const changed = (blueGreen?.services ?? []).find((service) => service.colour !== 'green' || service.terminating);
  if (changed === undefined) return undefined;
  return outcome('rolled-back', 'changed-by-others', `somebody changed the Service ${changed.name} while it led to green`);
}

function verdictUnderTraffic(plan: Plan, state: RolloutState, phase: Live, { nowMs, blueGreen }: Observation, holdMs: number): Verdict {
  const metrics = acquitInForce(plan, state, blueGreen?.green, nowMs);
  if (metrics !== undefined) return metrics;
  const unbrokenMs = state.unbrokenSinceMs === undefined ? 0 : nowMs - Math.max(state.unbrokenSinceMs, phase.sinceMs);
  if (unbrokenMs >= holdMs) {
    return {
      kind: 'pass',
      because: `every pod of green has been ready under real traffic for ${seconds(unbrokenMs)} s without a break or a restart`,
    };
  }
  return {
    kind: 'unknown',
    reason: 'not-ready',
    because: `every pod of green ready under real traffic for ${seconds(unbrokenMs)} of ${seconds(holdMs)} s`,
  };
}

function inconclusive(plan: Plan, state: RolloutState, phase: Live, observation: Observation, verdict: Verdict): Decision {
  const { nowMs } = observation;
  const reason = verdict.kind === 'unknown' ? verdict.reason : 'stable-unhealthy';
  const because = `no verdict under real traffic within ${seconds(nowMs - phase.sinceMs)} s: ${verdict.because}`;
  if (plan.spec.onInconclusive === 'promote') {
    const why = `${because}; on-inconclusive: promote`;
    return advance(state, update(phase, nowMs, false, why), nowMs, why);
  }
  return goBack(state, observation, outcome('inconclusive', reason, because), false);
}

function update(phase: Live, nowMs: number, proved: boolean, because: string): Phase {
  return { kind: 'updating', sinceMs: nowMs, judged: phase.judged, proved, because };
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
