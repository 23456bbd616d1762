import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { advance, heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { end, lostJob, outcome } from '../phases/interruption.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import { nextPairCounts, type PairBounds, type PairCounts, pairCountsFor } from '../plan/pair-share.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { convictionOf, finalStep, holdStep, waitUntilAvailable } from './canary.ts';
import { pairHandsOff, pairInterruption } from './pair-interruption.ts';
import { availableOf, countsOf, hasNewImages, isSame, lastWish } from './pair-view.ts';

type PairStep = Extract<Phase, { kind: 'pair-step' }>;
type PairFinishing = Extract<Phase, { kind: 'pair-finishing' }>;

const pollMs = 1000;
const settlePollMs = 200;

/** The runbook of one share between two Deployments: stop if anything forbids it, move the replicas, watch the gates, go on. */
export function decidePairStep(plan: Plan, state: RolloutState, phase: PairStep, observation: Observation): Decision {
  if (phase.by !== state.holder.id) return leaveToOthers(plan, state, phase, observation);
  const { pair } = plan;
  const weightPercent = plan.steps[phase.index]?.weightPercent ?? 0;
  const target = pair === undefined ? undefined : pairCountsFor(pair.total, weightPercent);
  return forward(plan, state, phase, observation, target, (stable) => {
    const step: Extract<Phase, { kind: 'step' }> = { kind: 'step', index: phase.index, sinceMs: phase.sinceMs };
    const seen = asCanary(observation);
    const last = phase.index === plan.steps.length - 1;
    return last ? finalStep(plan, state, step, seen, stable) : holdStep(plan, state, step, seen);
  });
}

/** The run that moved these replicas is dead, and nobody else can judge on: what it found is put back. */
function leaveToOthers(plan: Plan, state: RolloutState, phase: PairStep, observation: Observation): Decision {
  const handsOff = pairHandsOff(plan, state, observation);
  if (handsOff !== undefined) return end(state, observation, handsOff);
  const because = 'the run died between two shares: the replicas that were found are put back';
  return restore(state, phase, observation, outcome('rolled-back', 'cancelled', observation.cancelled ? 'the run was cancelled' : because));
}

/** Every gate allows it: all replicas to the new Deployment, judged as long as both serve. */
export function decidePairFinishing(plan: Plan, state: RolloutState, phase: PairFinishing, observation: Observation): Decision {
  const target = plan.pair === undefined ? undefined : { old: 0, new: plan.pair.total };
  const decision = forward(plan, state, phase, observation, target, (stable) => {
    if (stable.replicas > 0) return { kind: 'wait', ms: pollMs, because: `the last pods of ${plan.target.deployment} are going` };
    const because = `${phase.because}; all replicas run the new image`;
    return end(state, observation, outcome('promoted', phase.proved ? 'gates-passed' : 'unproved', because));
  });
  if (decision.kind !== 'wait' || observation.nowMs - phase.sinceMs <= plan.spec.timeoutMs) return decision;
  const because = `not all replicas were available within ${Math.round(plan.spec.timeoutMs / 1000)} s: ${decision.because}`;
  return restore(state, phase, observation, outcome('rolled-back', 'promotion-stuck', because));
}

/** What both phases on the way forward have in common; `arrived` decides where the counts are the ones that are wanted and serve. */
function forward(
  plan: Plan,
  state: RolloutState,
  phase: PairStep | PairFinishing,
  observation: Observation,
  target: PairCounts | undefined,
  arrived: (stable: StableFacts) => Decision,
): Decision {
  const interruption = pairInterruption(plan, state, phase, observation);
  if (interruption?.kind === 'hands-off') return end(state, observation, interruption.outcome);
  if (interruption !== undefined) return restore(state, phase, observation, interruption.outcome);
  const { stable, pair, nowMs } = observation;
  if (plan.pair === undefined || target === undefined || stable === undefined || pair === undefined) {
    return end(state, observation, outcome('failed', 'internal', 'this rollout has no pair'));
  }
  const fresh = hasNewImages(plan.pair, pair);
  const conviction = fresh && lastWish(phase).new > 0 ? convictionOf(plan, state, asCanary(observation)) : undefined;
  if (conviction !== undefined) return restore(state, phase, observation, conviction);
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;

  const now = countsOf(stable, pair);
  const wish = lastWish(phase);
  if (!isSame(now, wish)) return send(plan, state, now, wish, `the way to ${target.old}:${target.new}`);
  // Pods that serve already get their new image only when they are no more than the first share.
  const first = { old: plan.pair.total - Math.min(wish.new, target.new), new: Math.min(wish.new, target.new) };
  const next = move(plan.pair, stable, pair, now, fresh ? target : first);
  if (next === 'settling') return { kind: 'wait', ms: settlePollMs, because: 'waiting until the controller has seen the new replicas' };
  if (next !== undefined) {
    const to = { ...phase, wished: [wish, next] };
    return advance(state, to, nowMs, `${next.old}:${next.new} on the way to ${target.old}:${target.new}`);
  }
  if (!fresh && isSame(now, first)) {
    return {
      kind: 'apply',
      command: { kind: 'ensure-pair-image', jobUid: state.jobUid },
      because: `${plan.pair.name} gets the new version`,
    };
  }
  const decision =
    isSame(now, target) && isAvailable(pair, target.new) ? arrived(stable) : waitUntilAvailable(plan, state, asCanary(observation), pair);
  return translate(state, phase, observation, decision);
}

/** On the way forward nothing is given up before what replaces it serves. */
function move(
  pairPlan: PairPlan,
  stable: StableFacts,
  pair: StableFacts,
  now: PairCounts,
  target: PairCounts,
): PairCounts | undefined | 'settling' {
  if (isSame(now, target)) return undefined;
  if (!stable.settled || !pair.settled) return 'settling';
  const bounds: PairBounds = { minAvailable: pairPlan.total, maxTotal: pairPlan.maxTotal };
  return nextPairCounts(now, availableOf(stable, pair), target, bounds);
}

/** One write for the one of the two that is not yet as it was journalled. */
export function send(plan: Plan, state: RolloutState, now: PairCounts, wish: PairCounts, because: string): Decision {
  const side = now.old === wish.old ? 'new' : 'old';
  const name = side === 'old' ? plan.target.deployment : (plan.pair?.name ?? '');
  return {
    kind: 'apply',
    command: { kind: 'ensure-pair-replicas', side, replicas: wish[side], jobUid: state.jobUid },
    because: `${name}: ${because}`,
  };
}

/** The gates speak of a canary: its end is the way back here, and its promotion is all replicas. */
function translate(state: RolloutState, phase: PairStep | PairFinishing, observation: Observation, decision: Decision): Decision {
  if (decision.kind !== 'advance') return decision;
  const next = decision.to.phase;
  if (next.kind === 'ending' && next.outcome.result !== 'promoted') return restore(state, phase, observation, next.outcome);
  if (next.kind === 'step')
    return advance(state, { ...next, kind: 'pair-step', wished: phase.wished, by: state.holder.id }, next.sinceMs, decision.because);
  if (next.kind === 'promoting') {
    const { sinceMs, proved, because } = next;
    return advance(state, { kind: 'pair-finishing', sinceMs, proved, because, wished: phase.wished }, sinceMs, decision.because);
  }
  return decision;
}

/** The way back: to what was found. The journal is written only where a Job is left to hold it. */
export function restore(state: RolloutState, phase: PairStep | PairFinishing, observation: Observation, with_: Outcome): Decision {
  const { nowMs } = observation;
  return {
    kind: 'advance',
    to: { ...state, phase: { kind: 'pair-restoring', sinceMs: nowMs, outcome: with_, wished: phase.wished }, heartbeatAtMs: nowMs },
    journal: lostJob(state, observation) === undefined,
    because: with_.because,
  };
}

function asCanary(observation: Observation): Observation {
  return { ...observation, canary: observation.pair };
}
