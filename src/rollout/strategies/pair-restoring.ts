import type { Decision } from '../decision.ts';
import { heartbeatOnTheWay, recordMs } from '../heartbeat.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { end, lostJob, outcome } from '../phases/interruption.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import { nextPairCounts, type PairBounds, type PairCounts } from '../plan/pair-share.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase, RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { send } from './pair.ts';
import { pairHandsOff, rejectionsMax } from './pair-interruption.ts';
import { availableOf, countsOf, hasNewImages, hasOldImages, isOurs, isSame, lastWish } from './pair-view.ts';

type PairRestoring = Extract<Phase, { kind: 'pair-restoring' }>;

const pollMs = 1000;

/**
 * Puts back what was found: the old Deployment up, as fast as it goes; the new one down, as far as the old one carries; then its images.
 * A number or an image that somebody else has written stands.
 */
export function decidePairRestoring(plan: Plan, state: RolloutState, phase: PairRestoring, observation: Observation): Decision {
  const handsOff = pairHandsOff(plan, state, observation);
  if (handsOff !== undefined) return end(state, observation, { ...handsOff, because: `${phase.outcome.because}; and ${handsOff.because}` });
  const { stable, nowMs, rejection } = observation;
  // A Deployment that is gone has nothing to be put back: the other one still has.
  const pair = observation.pair?.terminating === true || observation.pair?.uid !== plan.pair?.uid ? undefined : observation.pair;
  if (plan.pair === undefined || stable === undefined) return end(state, observation, phase.outcome);
  if (rejection !== undefined && rejection.times >= rejectionsMax) {
    const because = `${phase.outcome.because}; and the API server refuses to put the replicas back: ${rejection.message}`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  const heartbeat = heartbeatOnTheWay(plan, state, observation);
  if (heartbeat !== undefined) return heartbeat;

  const { wanted, foreign } = wantedCounts(plan.pair, phase, stable, pair);
  const now = pair === undefined ? { old: stable.desiredReplicas, new: wanted.new } : countsOf(stable, pair);
  const imagesBack = pair === undefined || !hasNewImages(plan.pair, pair) || hasOldImages(plan.pair, pair);
  if (isSame(now, wanted) && imagesBack) return finishRestoring(plan, state, phase, observation, stable, pair, foreign);
  if (nowMs - phase.sinceMs > recordMs) {
    const because = `${phase.outcome.because}; and the replicas could not be put back within ${recordMs / 60_000} min`;
    return end(state, observation, outcome('failed', 'write-refused', because));
  }
  const refence = fenceAgain(state, stable, pair);
  if (refence !== undefined) return refence;
  return goBack(plan, state, phase, observation, { now, wanted, imagesBack, stable, pair });
}

type WayBack = {
  readonly now: PairCounts;
  readonly wanted: PairCounts;
  readonly imagesBack: boolean;
  readonly stable: StableFacts;
  readonly pair: StableFacts | undefined;
};

function goBack(plan: Plan, state: RolloutState, phase: PairRestoring, observation: Observation, way: WayBack): Decision {
  const { now, wanted, imagesBack, stable, pair } = way;
  const { nowMs } = observation;
  const { because } = phase.outcome;
  const wish = lastWish(phase);
  // Pods that are to come again come with their old image.
  const target = imagesBack ? wanted : { ...wanted, new: Math.min(now.new, wanted.new) };
  if (isSame(now, target) && !imagesBack) {
    return { kind: 'apply', command: { kind: 'ensure-pair-image-back', jobUid: state.jobUid }, because };
  }
  const available = pair === undefined ? { old: stable.availableReplicas, new: 0 } : availableOf(stable, pair);
  const next = nextPairCounts(now, available, target, boundsBack(plan.pair, now));
  if (next === undefined) {
    const waiting = `the replicas that were found come back: ${available.old} of ${wanted.old} pods of ${plan.target.deployment} available`;
    if (nowMs - phase.sinceMs <= plan.spec.timeoutMs) return { kind: 'wait', ms: pollMs, because: waiting };
    const stuck = `${because}; ${plan.pair?.name ?? ''} keeps ${now.new} replicas, because ${waiting}`;
    return end(state, observation, outcome('failed', 'stable-unhealthy', stuck));
  }
  const side = next.old === now.old ? 'new' : 'old';
  if (next[side] === wish[side]) return send(plan, state, now, next, because);
  // A number that is somebody else's is never journalled as a wish of ours.
  const wished = [...phase.wished, { ...wish, [side]: next[side] }];
  return {
    kind: 'advance',
    to: { ...state, phase: { ...phase, wished }, heartbeatAtMs: nowMs },
    journal: lostJob(state, observation) === undefined,
    because: `back to ${wanted.old}:${wanted.new} by ${next.old}:${next.new}`,
  };
}

/** What each side should have: what was found, or what somebody else has written meanwhile. */
function wantedCounts(
  { found, name }: PairPlan,
  phase: PairRestoring,
  stable: StableFacts,
  pair: StableFacts | undefined,
): { readonly wanted: PairCounts; readonly foreign: readonly string[] } {
  const ours = {
    old: isOurs(phase, 'old', stable.desiredReplicas) || stable.desiredReplicas === found.old,
    new: pair === undefined || isOurs(phase, 'new', pair.desiredReplicas) || pair.desiredReplicas === found.new,
  };
  return {
    wanted: { old: ours.old ? found.old : stable.desiredReplicas, new: ours.new || pair === undefined ? found.new : pair.desiredReplicas },
    foreign: [...(ours.old ? [] : ['the first Deployment']), ...(ours.new ? [] : [name])],
  };
}

/** The way back is quick: no cap but twice the pods, and the new ones go as soon as the old ones carry. */
function boundsBack(pair: PairPlan | undefined, now: PairCounts): PairBounds {
  const total = pair?.total ?? 0;
  return { minAvailable: pair?.minAvailable ?? 0, maxTotal: 2 * total + now.old + now.new };
}

/** `kubectl replace` drops labels: without the fence nothing of ours could be written. */
function fenceAgain(state: RolloutState, stable: StableFacts, pair: StableFacts | undefined): Decision | undefined {
  const because = 'every write of the way back tests this label';
  if (stable.rollout === undefined)
    return { kind: 'apply', command: { kind: 'ensure-pair-fence', side: 'old', jobUid: state.jobUid }, because };
  if (pair === undefined || pair.rollout !== undefined) return undefined;
  return { kind: 'apply', command: { kind: 'ensure-pair-fence', side: 'new', jobUid: state.jobUid }, because };
}

/** From here on a write of ours that is still under way is refused; one that was faster shows in the next observation. */
function finishRestoring(
  plan: Plan,
  state: RolloutState,
  phase: PairRestoring,
  observation: Observation,
  stable: StableFacts,
  pair: StableFacts | undefined,
  foreign: readonly string[],
): Decision {
  const because = 'a write whose answer was lost must not arrive late';
  if (stable.rollout === state.jobUid) return { kind: 'apply', command: { kind: 'ensure-fence-released' }, because };
  if (pair?.rollout === state.jobUid) return { kind: 'apply', command: { kind: 'ensure-pair-fence-released' }, because };
  if (!stable.settled || stable.availableReplicas < stable.desiredReplicas) {
    if (observation.nowMs - phase.sinceMs <= plan.spec.timeoutMs) {
      const waiting = `the replicas that were found are back: ${stable.availableReplicas} of ${stable.desiredReplicas} available`;
      return { kind: 'wait', ms: pollMs, because: waiting };
    }
    return end(
      state,
      observation,
      outcome('failed', 'stable-unhealthy', `${phase.outcome.because}; the replicas are back, but not all available`),
    );
  }
  return end(state, observation, withForeign(plan, phase.outcome, pair, foreign));
}

function withForeign(plan: Plan, found: Outcome, pair: StableFacts | undefined, foreign: readonly string[]): Outcome {
  const images = pair !== undefined && plan.pair !== undefined && !hasOldImages(plan.pair, pair) ? [`the images of ${plan.pair.name}`] : [];
  const scaled = foreign.map((name) => `the replicas of ${name}`);
  if (images.length + scaled.length === 0) return found;
  const stands = [...images, ...scaled].join(' and ');
  return { ...found, result: 'failed', because: `${found.because}; ${stands} are somebody else's, and stand` };
}
