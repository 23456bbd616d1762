import { isAvailable } from '../availability.ts';
import type { Decision } from '../decision.ts';
import { heartbeatOnTheWay, recordMs } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { end, isTakenOver, outcome, takenOverOutcome } from '../phases/interruption.ts';
import { isScaled } from '../plan/kept-green-plan.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { BlueGreenPhase, Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { drainMs, move } from './blue-green-flip.ts';
import { hasOurSize } from './kept-green-view.ts';
import { pairHandsOff, rejectionsMax } from './pair-interruption.ts';
import { hasNewImages, hasOldImages } from './pair-view.ts';

type Exchanging = Extract<BlueGreenPhase, { kind: 'exchanging' }>;
type GreenRestoring = Extract<BlueGreenPhase, { kind: 'green-restoring' }>;

const pollMs = 300;
/** How long the end waits for pods that come back without traffic. */
const restoredMs = 60_000;

/** The runbook of the end: green serves for good. The Services are the user's again first, then blue gets the replicas that green had. */
export function decideExchanging(plan: Plan, state: RolloutState, phase: Exchanging, observation: Observation): Decision {
  if (isTakenOver(state, observation)) return end(state, observation, takenOverOutcome(observation));
  const { stable, pair, nowMs, rejection } = observation;
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  const services = observation.blueGreen?.services ?? [];
  const done = (why?: string): Decision =>
    end(state, observation, why === undefined ? phase.outcome : { ...phase.outcome, because: `${phase.outcome.because}; ${why}` });
  const elsewhere = services.find((service) => service.colour !== 'green' || service.terminating);
  const keeps = `${plan.target.deployment} keeps its replicas`;
  const refused = (rejection?.times ?? 0) >= rejectionsMax;
  if (elsewhere !== undefined) {
    const because = `somebody changed the Service ${elsewhere.name} after the verdict: ${keeps}`;
    if (!refused && plan.pair !== undefined && isOurBlue(plan, state, stable) && hasShrunk(plan.pair, stable)) {
      const command = { kind: 'ensure-pair-replicas', side: 'old', replicas: plan.pair.found.old, jobUid: state.jobUid } as const;
      return { kind: 'apply', command, because };
    }
    return end(state, observation, outcome('failed', 'changed-by-others', because));
  }
  if (refused) return done(`${keeps}: ${rejection?.message ?? ''}`);
  // Before blue gives up a pod: who is asleep with an order to flip back is refused from here on.
  const fenced = services.find((service) => service.rollout === state.jobUid);
  if (fenced !== undefined) {
    const command = { kind: 'ensure-service-fence-released', service: fenced.name } as const;
    return { kind: 'apply', command, because: 'the verdict stands: nobody flips it back any more' };
  }
  if (plan.pair === undefined || pair === undefined || !isOurBlue(plan, state, stable) || !hasGivenUp(plan.pair, stable)) return done();
  const elapsedMs = nowMs - phase.sinceMs;
  if (elapsedMs < drainMs) {
    return { kind: 'wait', ms: Math.min(1000, drainMs - elapsedMs), because: 'waiting until every node has heard of the flip' };
  }
  if (!pair.settled || pair.availableReplicas < pair.desiredReplicas) {
    const because = `${pair.availableReplicas} of ${pair.desiredReplicas} pods of ${plan.pair.name} available`;
    if (elapsedMs > plan.spec.timeoutMs) return done(`${keeps}: ${because}`);
    return { kind: 'wait', ms: pollMs, because: `${because}: ${keeps} until all are` };
  }
  return {
    kind: 'apply',
    command: { kind: 'ensure-pair-replicas', side: 'old', replicas: plan.pair.found.new, jobUid: state.jobUid },
    because: `${plan.pair.name} carries all of the traffic`,
  };
}

function isOurBlue(plan: Plan, state: RolloutState, stable: StableFacts | undefined): stable is StableFacts {
  return stable !== undefined && !stable.terminating && stable.uid === plan.target.uid && stable.rollout === state.jobUid;
}

/** Whether blue has the replicas that we give it at the end: in the same moment somebody may have led a Service back to it. */
function hasShrunk(pair: PairPlan, { desiredReplicas }: StableFacts): boolean {
  return isScaled(pair) && desiredReplicas === pair.found.new;
}

/** Whether blue still has the replicas that it was found with, and green was found with fewer. */
function hasGivenUp(pair: PairPlan, { desiredReplicas }: StableFacts): boolean {
  return isScaled(pair) && desiredReplicas === pair.found.old;
}

/** The runbook after the way back: when nobody is led to green any more it gets back the replicas and the images that were found. */
export function decideGreenRestoring(plan: Plan, state: RolloutState, phase: GreenRestoring, observation: Observation): Decision {
  const { pair, nowMs, rejection } = observation;
  const handsOff = greenHandsOff(plan, state, observation);
  if (handsOff !== undefined) return end(state, observation, { ...handsOff, because: `${phase.outcome.because}; and ${handsOff.because}` });
  const leading = (observation.blueGreen?.services ?? []).filter((service) => service.colour === 'green' && !service.terminating);
  const late = leading.find((service) => service.rollout === state.jobUid);
  if (late !== undefined) {
    const back: Phase = { kind: 'flipping-back', sinceMs: nowMs, outcome: phase.outcome, images: 'old', sent: false };
    return move(state, back, observation, `the Service ${late.name} leads to ${plan.pair?.name ?? ''} again`);
  }
  if (plan.pair === undefined || pair === undefined || pair.terminating || pair.uid !== plan.pair.uid) {
    return end(state, observation, phase.outcome);
  }
  const [led] = leading;
  if (led !== undefined) {
    const because = `${phase.outcome.because}; somebody led the Service ${led.name} to ${plan.pair.name}, which stays as it is`;
    return end(state, observation, outcome('failed', 'changed-by-others', because));
  }
  if ((rejection?.times ?? 0) >= rejectionsMax || nowMs - phase.sinceMs > recordMs) {
    const because = `${phase.outcome.because}; and ${plan.pair.name} could not be put back: ${rejection?.message ?? 'no answer'}`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;
  const elapsedMs = nowMs - phase.sinceMs;
  if (phase.drains && elapsedMs < drainMs) {
    return { kind: 'wait', ms: Math.min(1000, drainMs - elapsedMs), because: 'waiting until every node has heard of the flip' };
  }
  const { because } = phase.outcome;
  const { jobUid } = state;
  const imagesStand = hasNewImages(plan.pair, pair) && !hasOldImages(plan.pair, pair);
  const sizeStands = hasOurSize(plan.pair, pair);
  if ((imagesStand || sizeStands) && pair.rollout === undefined) {
    const why = 'every write of the way back tests this label';
    return { kind: 'apply', command: { kind: 'ensure-pair-fence', side: 'new', jobUid }, because: why };
  }
  // Pods that go need no other image first.
  if (sizeStands) {
    return { kind: 'apply', command: { kind: 'ensure-pair-replicas', side: 'new', replicas: plan.pair.found.new, jobUid }, because };
  }
  if (imagesStand) return { kind: 'apply', command: { kind: 'ensure-pair-image-back', jobUid }, because };
  // From here on a write of ours that is still under way is refused; one that was faster shows in the next observation.
  if (pair.rollout === jobUid) {
    return {
      kind: 'apply',
      command: { kind: 'ensure-pair-fence-released' },
      because: 'a write whose answer was lost must not arrive late',
    };
  }
  // The next release would find a rollout under way.
  if (!isAvailable(pair, pair.desiredReplicas) && !observation.cancelled && elapsedMs < restoredMs) {
    const counts = `${pair.availableReplicas} of ${pair.desiredReplicas} pods available`;
    return { kind: 'wait', ms: pollMs, because: `${plan.pair.name} is as it was found: ${counts}` };
  }
  return end(state, observation, withForeign(plan.pair, phase.outcome, pair));
}

/** Why nothing of green is ours to put back; what anybody does with blue is no reason, as long as it is there. */
function greenHandsOff(plan: Plan, state: RolloutState, observation: Observation): Outcome | undefined {
  const { stable } = observation;
  return pairHandsOff(plan, state, { ...observation, stable: stable === undefined ? undefined : { ...stable, rollout: undefined } });
}

/** Without a journal nobody knows what was ours: where green still carries our label and nobody is led to it, what stands of the plan is. */
export function keptGreenLeft(
  state: RolloutState,
  { nowMs, pair, blueGreen }: Pick<Observation, 'nowMs' | 'pair' | 'blueGreen'>,
  found: Outcome,
): RolloutState | undefined {
  if (pair?.rollout !== state.jobUid || (blueGreen?.services ?? []).some(({ colour }) => colour === 'green')) return undefined;
  return { ...state, phase: { kind: 'green-restoring', sinceMs: nowMs, outcome: found, drains: false } };
}

function withForeign(plan: PairPlan, found: Outcome, pair: StableFacts): Outcome {
  const images = hasOldImages(plan, pair) ? [] : [`the images of ${plan.name}`];
  const scaled = isScaled(plan) && pair.desiredReplicas !== plan.found.new ? [`the replicas of ${plan.name}`] : [];
  const stands = [...images, ...scaled];
  if (stands.length === 0) return found;
  return { ...found, result: 'failed', because: `${found.because}; ${stands.join(' and ')} are somebody else's, and stand` };
}
