import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { mixedImage, movedImage } from '../gates/image-identity.ts';
import { diagnose } from '../gates/readiness.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import { lostReadiness } from '../strategies/canary.ts';
import { explainOutage } from '../strategies/roll-watch.ts';
import { acquitInForce, judgeInForce } from '../strategies/rules-in-force.ts';
import type { Outcome, Verdict } from '../verdict.ts';
import { bakeMsOf } from './bake.ts';
import { end, outcome } from './interruption.ts';
import { imagesOn, lostFooting } from './promoting.ts';

type Baking = Extract<Phase, { kind: 'baking' }>;

const pollMs = 1000;
/** Fewer pods than the user's own strategy allows are an outage, not a hiccup, after this time. */
const shortMs = 5_000;

/** The runbook of a bake: the new version has taken over; one that fails, or that nobody can judge in time, goes back. */
export function decideBaking(plan: Plan, state: RolloutState, phase: Baking, observation: Observation): Decision {
  const { stable, nowMs } = observation;
  const lost = lostFooting(plan, state, observation);
  if (lost !== undefined) return end(state, observation, lost);
  if (stable === undefined) return end(state, observation, outcome('failed', 'deployment-deleted', 'the Deployment is gone'));
  const images = imagesOn(plan, stable);
  const { deployment } = plan.target;
  if (images === 'other' || stable.templateHash !== plan.templateHash) {
    const because = `somebody changed the Deployment ${deployment} while the new version was watched; their change stands`;
    return end(state, observation, outcome('failed', 'changed-by-others', because));
  }
  // Somebody was faster than us: what is left is to keep our own patch from arriving late.
  if (images === 'old')
    return goBack(state, nowMs, outcome('rolled-back', 'changed-by-others', `somebody put the old image of ${deployment} back`));

  const conviction = convictionOf(plan, state, phase, observation, stable);
  if (conviction !== undefined) return goBack(state, nowMs, conviction);
  const verdict = verdictOf(plan, state, phase, observation);
  const restMs = bakeMsOf(plan, state) - (nowMs - phase.sinceMs);
  const complete = isAvailable(stable, stable.desiredReplicas);
  const isOver = restMs <= 0 && complete && verdict.kind === 'pass';
  if (restMs <= 0 && !isOver && isOverdue(plan, state, phase, nowMs)) return runOut(plan, state, phase, observation, complete, verdict);
  const first = heartbeatIfDue(plan, state, nowMs) ?? removeCanary(plan, observation, stable);
  if (first !== undefined) return first;
  if (isOver) {
    const reason = phase.proved ? 'gates-passed' : 'unproved';
    return end(state, observation, outcome('promoted', reason, sentence(state, phase, verdict.because)));
  }
  if (!complete) {
    return { kind: 'wait', ms: pollMs, because: `${stable.availableReplicas} of ${stable.desiredReplicas} new pods available` };
  }
  if (verdict.kind !== 'pass') return { kind: 'wait', ms: pollMs, because: verdict.because };
  return {
    kind: 'wait',
    ms: Math.min(pollMs, Math.max(restMs, 1)),
    because: 'the new version is within its limits; its time is not over yet',
  };
}

function goBack(state: RolloutState, nowMs: number, reason: Outcome): Decision {
  return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);
}

function convictionOf(
  plan: Plan,
  state: RolloutState,
  phase: Baking,
  { nowMs, cancelled }: Observation,
  stable: StableFacts,
): Outcome | undefined {
  if (cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled while the new version was watched');
  const metrics = judgeInForce(plan, state, nowMs);
  const failed =
    metrics?.kind === 'fail' ? outcome('rolled-back', metrics.reason, `before/after: ${metrics.because}`, metrics.evidence) : undefined;
  // What the counters say does not wait for the controller.
  if (!stable.settled) return failed;
  if (stable.desiredReplicas === 0) {
    return outcome('rolled-back', 'scaled-to-zero', `somebody scaled the Deployment ${plan.target.deployment} to 0: nothing can be judged`);
  }
  const moved = phase.judged.length > 0 ? movedImage(plan.images, stable, phase.judged) : mixedImage(plan.images, stable, 'the new');
  if (moved !== undefined) return outcome('rolled-back', 'image-changed', moved);
  const diagnosis = diagnose(stable, nowMs);
  if (diagnosis.kind === 'fatal') return outcome('rolled-back', diagnosis.reason, diagnosis.because, diagnosis.evidence);
  if (failed !== undefined) return failed;
  const missingMs = state.steadiness?.missingSinceMs === undefined ? 0 : nowMs - state.steadiness.missingSinceMs;
  const isShort = stable.availableReplicas < Math.max(stable.minAvailable, 1);
  if (diagnosis.kind === 'waiting' && isShort && state.steadiness?.wasAvailable === true && missingMs > shortMs) {
    const because = `only ${stable.availableReplicas} of ${stable.desiredReplicas} pods are available: ${diagnosis.because}`;
    return outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence);
  }
  return lostReadiness(state, diagnosis, nowMs, 'the new version');
}

/** The surplus of a canary whose promotion is complete: the Deployment's own pods are judged now. */
function removeCanary(plan: Plan, { canary }: Observation, stable: StableFacts): Decision | undefined {
  if (canary === undefined || canary.terminating) return undefined;
  if (stable.availableReplicas < stable.minAvailable) return undefined;
  return {
    kind: 'apply',
    command: { kind: 'ensure-canary-deleted' },
    because: `the Deployment ${plan.target.deployment} carries the traffic alone`,
  };
}

function verdictOf(plan: Plan, state: RolloutState, phase: Baking, { nowMs, stable }: Observation): Verdict {
  const metrics = acquitInForce(plan, state, stable, nowMs);
  if (metrics !== undefined) return metrics.kind === 'pass' ? { ...metrics, because: `before/after: ${metrics.because}` } : metrics;
  const neededMs = Math.min(plan.spec.minDurationMs, bakeMsOf(plan, state));
  const unbrokenMs = state.unbrokenSinceMs === undefined ? 0 : nowMs - Math.max(state.unbrokenSinceMs, phase.sinceMs);
  const seconds = Math.floor(unbrokenMs / 1000);
  if (unbrokenMs >= neededMs) {
    return { kind: 'pass', because: `every new pod has been ready for ${seconds} s without a break or a restart (readiness alone)` };
  }
  return { kind: 'unknown', reason: 'not-ready', because: `every new pod ready for ${seconds} of ${Math.round(neededMs / 1000)} s` };
}

/** Without a verdict by then the policy decides: after a canary a bake has a time of its own, the other strategies have one for all. */
function isOverdue(plan: Plan, state: RolloutState, phase: Baking, nowMs: number): boolean {
  const { strategy, timeoutMs } = plan.spec;
  const bakeEndMs = phase.sinceMs + bakeMsOf(plan, state);
  const direct = (strategy === 'rolling' || strategy === 'recreate') && state.resumed !== true;
  return nowMs >= (direct ? Math.max(state.startedAtMs, bakeEndMs - timeoutMs) : bakeEndMs) + timeoutMs;
}

/** Only pods that are all available can stand without proof: `on-inconclusive: promote` never promotes what does not run. */
function runOut(plan: Plan, state: RolloutState, phase: Baking, observation: Observation, complete: boolean, verdict: Verdict): Decision {
  const because = `no verdict on the new version within ${Math.round(plan.spec.timeoutMs / 1000)} s: ${verdict.because}`;
  if (plan.spec.onInconclusive === 'promote' && complete) {
    return end(state, observation, outcome('promoted', 'unproved', sentence(state, phase, `${because}; on-inconclusive: promote`)));
  }
  const reason = verdict.kind === 'unknown' ? verdict.reason : 'not-ready';
  return goBack(state, observation.nowMs, outcome('inconclusive', reason, because));
}

function sentence(state: RolloutState, phase: Baking, because: string): string {
  const outage = state.roll?.outage === undefined ? '' : `; ${explainOutage(state.roll.outage)}`;
  const before = phase.because === '' ? '' : `${phase.because}; after it, `;
  return `${before}${because}; the Deployment is complete${outage}`;
}
