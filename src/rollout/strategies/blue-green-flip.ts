import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { advance, heartbeatIfDue, heartbeatOnTheWay, recordMs } from '../heartbeat.ts';
import type { BlueGreenFacts, Observation, ServiceFacts, StableFacts } from '../observation.ts';
import { end, interruptionOf, isTakenOver, lostJob, outcome, takenOverOutcome } from '../phases/interruption.ts';
import { imagesOn } from '../phases/promoting.ts';
import type { Plan } from '../plan/plan.ts';
import type { BlueGreenPhase, Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { convictionUnderTraffic } from './green-conviction.ts';
import { withoutStable } from './rules-in-force.ts';

type Flipping = Extract<BlueGreenPhase, { kind: 'flipping' }>;
type FlippingBack = Extract<BlueGreenPhase, { kind: 'flipping-back' }>;
type Draining = Extract<BlueGreenPhase, { kind: 'draining' }>;

const pollMs = 300;
const rejectionsMax = 3;
/** Every kube-proxy has heard of a flip by then; green's own preStop sleep covers the connections. */
export const drainMs = 5_000;
const deletionMs = 60_000;
/** A way back waits this long for all of blue, then for what the user's own strategy allows to be missing, then for any of it. */
const patienceMs = 10_000;
const carryMs = 60_000;

/** The runbook of the flip: green outlives the Job, each Service is fenced, then flipped; all of them, or none. */
export function decideFlipping(plan: Plan, state: RolloutState, phase: Flipping, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return takenOver(state, observation);
  const { nowMs, blueGreen } = observation;
  const interruption = interruptionOf(plan, state, observation);
  if (interruption !== undefined) return goBack(state, observation, interruption, false);
  const conviction = convictionUnderTraffic(plan, state, blueGreen?.green, nowMs);
  if (conviction !== undefined) return goBack(state, observation, conviction, false);
  const { green, services } = blueGreen ?? nothing;
  const foreign = services.find((service) => service.colour === 'other' || service.terminating);
  if (foreign !== undefined) {
    const because = `somebody changed the Service ${foreign.name} before it was flipped: all flip, or none`;
    return goBack(state, observation, outcome('rolled-back', 'changed-by-others', because), false);
  }
  if (nowMs - phase.sinceMs > plan.spec.timeoutMs) {
    const because = `the Services could not be flipped within ${Math.round(plan.spec.timeoutMs / 1000)} s`;
    return goBack(state, observation, outcome('rolled-back', 'write-refused', because), false);
  }
  const heartbeat = heartbeatIfDue(plan, state, nowMs);
  if (heartbeat !== undefined) return heartbeat;
  if (green?.owned === true) {
    return { kind: 'apply', command: { kind: 'ensure-green-kept' }, because: 'with the traffic on it, it must not go with the Job' };
  }
  const unfenced = services.find((service) => service.rollout !== state.jobUid);
  if (unfenced !== undefined) {
    const command = { kind: 'ensure-service-fenced', service: unfenced.name } as const;
    return { kind: 'apply', command, because: 'every write to the Service tests this annotation' };
  }
  if (green !== undefined && green.availableReplicas < green.desiredReplicas) {
    const because = `green is no longer complete: ${green.availableReplicas} of ${green.desiredReplicas} pods available`;
    return { kind: 'wait', ms: pollMs, because };
  }
  const blue = services.find((service) => service.colour === 'blue');
  if (blue !== undefined) {
    const command = { kind: 'ensure-flipped', service: blue.name } as const;
    return { kind: 'apply', command, because: 'green is complete and its gates pass' };
  }
  return advance(withoutStable(plan, state), { kind: 'live', sinceMs: nowMs, judged: phase.judged }, nowMs, 'every Service leads to green');
}

const nothing: BlueGreenFacts = { green: undefined, preview: undefined, services: [] };

function takenOver(state: RolloutState, observation: Observation): Decision {
  return end(state, observation, takenOverOutcome(observation));
}

/** Back to blue. The journal is written only where a Job is left to hold it; the fences on the objects guard the way without one. */
export function goBack(state: RolloutState, observation: Observation, with_: Outcome, sent: boolean): Decision {
  const phase: Phase = { kind: 'flipping-back', sinceMs: observation.nowMs, outcome: with_, images: 'old', sent };
  return move(state, phase, observation, with_.because);
}

/** To another phase, in the journal if there still is one. */
export function move(state: RolloutState, phase: Phase, observation: Observation, because: string): Decision {
  const journal = lostJob(state, observation) === undefined;
  return { kind: 'advance', to: { ...state, phase, heartbeatAtMs: observation.nowMs }, journal, because };
}

/** The runbook of the way back, after success as after failure: stable's images, stable's pods, then each Service. */
export function decideFlippingBack(plan: Plan, state: RolloutState, phase: FlippingBack, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return takenOver(state, observation);
  const { stable, nowMs, rejection } = observation;
  const alive = stable !== undefined && !stable.terminating && stable.uid === plan.target.uid ? stable : undefined;
  const { services } = observation.blueGreen ?? nothing;
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  const images = alive === undefined ? undefined : ensureImages(plan, state, phase, observation, alive);
  if (images !== undefined) return images;
  const next = services.find((service) => !service.terminating && needsWrite(plan, service, state));
  if (next === undefined) {
    return move(
      state,
      { kind: 'draining', sinceMs: nowMs, outcome: phase.outcome },
      observation,
      `no Service leads to ${plan.names.green}`,
    );
  }
  // Green goes on serving then, without an owner; its own record leads the next run back.
  if (nowMs - phase.sinceMs > recordMs) {
    const because = `${phase.outcome.because}; and the Service ${next.name} could not be led back within ${recordMs / 60_000} min${rejection === undefined ? '' : `: ${rejection.message}`}`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  if (next.colour === 'green' && alive !== undefined) {
    const wait = waitForStable(plan, state, phase, observation, alive);
    if (wait !== undefined) return wait;
  }
  const command = { kind: 'ensure-flipped-back', service: next.name } as const;
  return { kind: 'apply', command, because: phase.outcome.because };
}

/** Whether anything of ours is on it: a Service that another rollout has fenced meanwhile is not ours any more. */
function needsWrite(plan: Plan, service: ServiceFacts, state: RolloutState): boolean {
  if (service.rollout === state.jobUid || (service.rollout !== undefined && service.rollout === plan.blueGreen?.recovers)) return true;
  return service.colour === 'green' && service.rollout === undefined;
}

/** Stable gets the images that it is to have: the old ones where ours still stand. Undefined when nothing is to be sent. */
function ensureImages(
  plan: Plan,
  state: RolloutState,
  phase: FlippingBack,
  observation: Observation,
  stable: StableFacts,
): Decision | undefined {
  // Where green is the user's own, ours were never sent to blue.
  if (phase.images === 'new' || plan.pair !== undefined) return undefined;
  const { nowMs, rejection } = observation;
  const stand = imagesOn(plan, stable);
  const isOurs = stable.rollout === state.jobUid;
  const isFree = stable.rollout === undefined || stable.rollout === plan.blueGreen?.recovers;
  if (stand === 'old' && phase.sent && isOurs) {
    return { kind: 'apply', command: { kind: 'ensure-fence-released' }, because: 'an update whose answer was lost must not arrive late' };
  }
  if (stand !== 'new' || (!isOurs && !isFree)) return undefined;
  if ((rejection?.times ?? 0) >= rejectionsMax || nowMs - phase.sinceMs > recordMs) {
    const because = `${phase.outcome.because}; and the old image could not be put back: ${rejection?.message ?? 'no answer'}`;
    const failed = outcome('failed', 'write-refused', because, phase.outcome.evidence);
    return move(state, { ...phase, outcome: failed, images: 'new' }, observation, because);
  }
  if (!isOurs) return { kind: 'apply', command: { kind: 'ensure-fence' }, because: 'the new image stands without our fence' };
  return { kind: 'apply', command: { kind: 'ensure-reverted' }, because: phase.outcome.because };
}

/** Undefined once stable can carry the traffic; it is at full size and idle unless somebody has scaled it, or it has just been updated. */
function waitForStable(
  plan: Plan,
  state: RolloutState,
  phase: FlippingBack,
  observation: Observation,
  stable: StableFacts,
): Decision | undefined {
  const elapsedMs = observation.nowMs - phase.sinceMs;
  const green = observation.blueGreen?.green;
  const greenServes = green !== undefined && green.availableReplicas > 0;
  // A Deployment that somebody has scaled to 0 is complete, and nobody would answer.
  if (isAvailable(stable, stable.desiredReplicas) && (stable.availableReplicas > 0 || !greenServes)) return undefined;
  const rolls = phase.images === 'new' || phase.sent;
  const patience = rolls ? plan.spec.timeoutMs : patienceMs;
  if (elapsedMs > patience && stable.availableReplicas > 0) {
    if (phase.images === 'new' && phase.outcome.result === 'promoted') {
      const because = `the Deployment ${plan.target.deployment} did not stay complete after its update`;
      return goBack(state, observation, outcome('rolled-back', 'promotion-stuck', because), true);
    }
    if (stable.availableReplicas >= stable.minAvailable || elapsedMs > patience + carryMs) return undefined;
  }
  if (!rolls && stable.availableReplicas > 0 && !greenServes) return undefined;
  const because = `green serves until ${plan.target.deployment} can: ${stable.availableReplicas} of ${stable.desiredReplicas} pods available`;
  return { kind: 'wait', ms: pollMs, because };
}

/** Nobody is led to green any more: when the last node has heard of it, green goes, and then everything else of ours. */
export function decideDraining(plan: Plan, state: RolloutState, phase: Draining, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return takenOver(state, observation);
  const { nowMs, rejection } = observation;
  const { green, services } = observation.blueGreen ?? nothing;
  const late = services.find((service) => !service.terminating && service.colour === 'green' && needsWrite(plan, service, state));
  if (late !== undefined) {
    const images = phase.outcome.result === 'promoted' ? 'new' : 'old';
    const back: Phase = { kind: 'flipping-back', sinceMs: nowMs, outcome: phase.outcome, images, sent: true };
    return move(state, back, observation, `the Service ${late.name} leads to green again`);
  }
  const elapsedMs = nowMs - phase.sinceMs;
  const used = services.some((service) => service.colour === 'green');
  if (green === undefined || green.terminating || green.rollout !== ownerOf(plan, state) || used)
    return end(state, observation, phase.outcome);
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  if (elapsedMs < drainMs)
    return { kind: 'wait', ms: Math.min(1000, drainMs - elapsedMs), because: 'waiting until every node has heard of the flip' };
  if ((rejection?.times ?? 0) >= rejectionsMax || elapsedMs > deletionMs) {
    const because = `${phase.outcome.because}; but the Deployment ${plan.names.green} could not be deleted`;
    return end(state, observation, { ...phase.outcome, because });
  }
  return { kind: 'apply', command: { kind: 'ensure-green-deleted' }, because: 'no Service leads to it' };
}

/** Whose green it is: ours, or that of the rollout which this one takes back. */
export function ownerOf(plan: Plan, state: RolloutState): string {
  return plan.blueGreen?.recovers ?? state.jobUid;
}
