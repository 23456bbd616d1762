import type { Decision } from '../decision.ts';
import { heartbeatIfDue } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { end, interruptionOf, isTakenOver, outcome, takenOverOutcome } from '../phases/interruption.ts';
import { greenSize, isScaled } from '../plan/kept-green-plan.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { BlueGreenPhase, Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { decideLive, judgeIdleGreen } from './blue-green.ts';
import { decideFlipping, decideFlippingBack, goBack, move } from './blue-green-flip.ts';
import { convictionOfGreen } from './green-conviction.ts';
import { asGreen, changedGreen } from './kept-green-view.ts';
import { pairHandsOff } from './pair-interruption.ts';
import { hasNewImages } from './pair-view.ts';

type KeptGreen = Extract<BlueGreenPhase, { kind: 'kept-green' }>;
type Flipping = Extract<BlueGreenPhase, { kind: 'flipping' }>;
type Live = Extract<BlueGreenPhase, { kind: 'live' }>;
type FlippingBack = Extract<BlueGreenPhase, { kind: 'flipping-back' }>;

/** The runbook of the user's green without traffic: its image, its size, the preview Service, the smoke test, the gates; then the Services flip. */
export function decideKeptGreen(plan: Plan, state: RolloutState, phase: KeptGreen, observation: Observation): Decision {
  const handsOff = pairHandsOff(plan, state, observation);
  if (handsOff !== undefined) return end(state, observation, handsOff);
  const { stable, pair, nowMs } = observation;
  const stop = interruptionOf(plan, state, observation) ?? changedGreen(plan, state, pair, false) ?? outgrown(plan, observation);
  if (stop !== undefined) return restore(state, observation, stop);
  if (plan.pair === undefined || stable === undefined || pair === undefined) {
    return end(state, observation, outcome('failed', 'internal', 'this rollout has no pair'));
  }
  if (state.resumed === true) {
    return restore(state, observation, outcome('rolled-back', 'cancelled', `the run died before ${pairName(plan)} had shown anything`));
  }
  const seen = asGreen(observation);
  const fresh = hasNewImages(plan.pair, pair);
  const conviction = fresh ? convictionOfGreen(plan, state, pair, nowMs) : undefined;
  if (conviction !== undefined) return restore(state, observation, conviction);
  const foreign = (observation.blueGreen?.services ?? []).find((service) => service.colour !== 'blue' || service.terminating);
  if (foreign !== undefined) {
    const because = `somebody changed the Service ${foreign.name} before it was flipped`;
    return restore(state, observation, outcome('rolled-back', 'changed-by-others', because));
  }
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  const next = build(plan, plan.pair, state, observation, pair, fresh);
  if (next === undefined) return restoreInstead(judgeIdleGreen(plan, state, seen, stable, { ...pair, owned: false }));
  if (nowMs - phase.sinceMs <= plan.spec.timeoutMs) return next;
  const because = `${pairName(plan)} could not be given its image and replicas within ${Math.round(plan.spec.timeoutMs / 1000)} s`;
  return restore(state, observation, outcome('rolled-back', 'write-refused', because));
}

/** The image before any pod, so that those that come have it; undefined when everything stands. */
function build(
  plan: Plan,
  pairPlan: PairPlan,
  { jobUid }: RolloutState,
  { blueGreen }: Observation,
  pair: StableFacts,
  fresh: boolean,
): Decision | undefined {
  if (!fresh) {
    const because = `${pairPlan.name} gets the new version, and no Service leads to it`;
    return { kind: 'apply', command: { kind: 'ensure-pair-image', jobUid }, because };
  }
  const replicas = greenSize(pairPlan);
  if (isScaled(pairPlan) && pair.desiredReplicas < replicas) {
    const because = `as large as ${plan.target.deployment}: it is to carry all of the traffic`;
    return { kind: 'apply', command: { kind: 'ensure-pair-replicas', side: 'new', replicas, jobUid }, because };
  }
  if (blueGreen?.preview !== undefined) return undefined;
  return { kind: 'apply', command: { kind: 'ensure-preview' }, because: 'leads to green alone, before any user does' };
}

/** A blue that has grown meanwhile has more traffic than green was made for. */
function outgrown({ pair: found, target }: Plan, { stable, pair }: Observation): Outcome | undefined {
  if (found === undefined || stable === undefined || pair === undefined) return undefined;
  const size = greenSize(found);
  const [blue, green] = [stable.desiredReplicas, pair.desiredReplicas];
  const foreign = isScaled(found) && green < size && green !== found.found.new;
  const comes = isScaled(found) ? Math.max(size, green) : green;
  if (!foreign && blue <= comes) return undefined;
  const because = `somebody scaled the pair before the flip: ${target.deployment} to ${blue}, ${found.name} to ${green} replicas`;
  return outcome('rolled-back', 'changed-by-others', because);
}

/** The runbook of the flip, with the user's green where one of ours would be. */
export function decideKeptFlipping(plan: Plan, state: RolloutState, phase: Flipping, observation: Observation): Decision {
  return stopUnderTraffic(plan, state, observation) ?? decideFlipping(plan, state, phase, asGreen(observation));
}

/** The same under real traffic; a verdict leads to the exchange, as no Deployment is left to be updated. */
export function decideKeptLive(plan: Plan, state: RolloutState, phase: Live, observation: Observation): Decision {
  const decision = stopUnderTraffic(plan, state, observation) ?? decideLive(plan, state, phase, asGreen(observation));
  if (decision.kind !== 'advance' || decision.to.phase.kind !== 'updating') return decision;
  const { sinceMs, proved, because } = decision.to.phase;
  const promoted = outcome('promoted', proved ? 'gates-passed' : 'unproved', `${because}; ${pairName(plan)} serves from now on`);
  return { ...decision, to: { ...decision.to, phase: { kind: 'exchanging', sinceMs, outcome: promoted } } };
}

/** What ends the traffic on green, whatever the gates say. Without blue there is nowhere to go back to: then green goes on serving. */
function stopUnderTraffic(plan: Plan, state: RolloutState, observation: Observation): Decision | undefined {
  if (isTakenOver(state, observation)) return end(state, observation, takenOverOutcome(observation));
  const gone = withoutBlue(plan, observation);
  if (gone !== undefined) return end(state, observation, gone);
  const changed = changedGreen(plan, state, observation.pair, true);
  return changed === undefined ? undefined : goBack(state, observation, changed, false);
}

/** The runbook of the way back: each Service, then what was found of green. */
export function decideKeptFlippingBack(plan: Plan, state: RolloutState, phase: FlippingBack, observation: Observation): Decision {
  const gone = isTakenOver(state, observation) ? undefined : withoutBlue(plan, observation);
  const leadsToGreen = (observation.blueGreen?.services ?? []).some((service) => service.colour === 'green');
  if (gone !== undefined && leadsToGreen) {
    return end(state, observation, { ...gone, because: `${phase.outcome.because}; and ${gone.because}` });
  }
  const decision = decideFlippingBack(plan, state, phase, asGreen(observation));
  if (decision.kind !== 'advance' || decision.to.phase.kind !== 'draining') return decision;
  const back: Phase = { kind: 'green-restoring', sinceMs: observation.nowMs, outcome: phase.outcome, drains: true };
  return { ...decision, to: { ...decision.to, phase: back } };
}

/** A blue without pods cannot take the traffic back. */
function withoutBlue({ target, pair }: Plan, { stable }: Observation): Outcome | undefined {
  const stays = `the Services stay at ${pair?.name ?? ''}`;
  if (stable === undefined || stable.terminating || stable.uid !== target.uid) {
    return outcome('failed', 'deployment-deleted', `somebody deleted the Deployment ${target.deployment} during the rollout; ${stays}`);
  }
  if (stable.desiredReplicas > 0) return undefined;
  return outcome('failed', 'scaled-to-zero', `somebody scaled the Deployment ${target.deployment} to 0: ${stays}`);
}

/** Nobody was led to green: what was found of it is put back at once. */
function restore(state: RolloutState, observation: Observation, with_: Outcome): Decision {
  const phase: Phase = { kind: 'green-restoring', sinceMs: observation.nowMs, outcome: with_, drains: false };
  return move(state, phase, observation, with_.because);
}

/** The gates speak of a green that goes with its Job: its end is the way back here. */
function restoreInstead(decision: Decision): Decision {
  if (decision.kind !== 'advance' || decision.to.phase.kind !== 'ending') return decision;
  const { sinceMs, outcome: with_ } = decision.to.phase;
  return { ...decision, to: { ...decision.to, phase: { kind: 'green-restoring', sinceMs, outcome: with_, drains: false } } };
}

function pairName({ pair }: Plan): string {
  return pair?.name ?? '';
}
