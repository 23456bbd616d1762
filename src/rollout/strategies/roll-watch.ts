import type { Observation, StableFacts } from '../observation.ts';
import { imagesOn } from '../phases/promoting.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';

/** What has been seen of the Deployment's own new pods since its images were sent. Plain JSON; times are the observations' `nowMs`. */
export type RollWatch = {
  /** Living new pods that were ready once. */
  readonly readyOnce: readonly string[];
  /** Since when one of those is not ready; undefined while all are. */
  readonly lostSinceMs: number | undefined;
  readonly losses: number;
  /** Since when fewer pods are available than the user's maxUnavailable allows. */
  readonly shortSinceMs: number | undefined;
  /** The most new pods that were ready at once, and when that number grew last. */
  readonly readyMost: number;
  readonly progressAtMs: number;
  readonly outage: Outage | undefined;
};

/** The time without any ready pod, as polling sees it: it began after `servedAtMs` and ended before the next ready pod was seen. */
export type Outage = {
  readonly servedAtMs: number;
  readonly seenAtMs: number;
  readonly isDown: boolean;
  /** At most this long, all spells together. */
  readonly downMs: number;
  /** How much of that may be the time between two looks. */
  readonly overstatedMs: number;
};

/** Folds one look at the Deployment into the watch: while it rolls, and for the outage of a recreation until everything is over. */
export function absorbRoll(plan: Plan, state: RolloutState, { stable, nowMs }: Observation): RolloutState {
  const { kind } = state.phase;
  if (stable === undefined || (kind !== 'rolling' && kind !== 'baking' && kind !== 'reverting')) return state;
  if (kind !== 'rolling' && state.roll === undefined) return state;
  const before = state.roll ?? startWatch(nowMs);
  const outage = plan.spec.strategy === 'recreate' ? outageNow(before.outage, servingPods(stable), nowMs) : undefined;
  if (kind !== 'rolling' || !stable.settled || imagesOn(plan, stable) !== 'new') {
    const isSent = kind !== 'rolling' || imagesOn(plan, stable) === 'new';
    return { ...state, roll: { ...before, outage, progressAtMs: isSent ? before.progressAtMs : nowMs } };
  }
  return { ...state, roll: { ...watchNow(before, stable, nowMs), outage } };
}

function startWatch(nowMs: number): RollWatch {
  return {
    readyOnce: [],
    lostSinceMs: undefined,
    losses: 0,
    shortSinceMs: undefined,
    readyMost: 0,
    progressAtMs: nowMs,
    outage: undefined,
  };
}

function watchNow(before: RollWatch, stable: StableFacts, nowMs: number): RollWatch {
  const alive = stable.pods.filter((pod) => !pod.terminating);
  const ready = new Set(alive.filter((pod) => pod.ready).map((pod) => pod.name));
  const once = new Set([...before.readyOnce, ...ready]);
  const readyOnce = alive.map((pod) => pod.name).filter((name) => once.has(name));
  const isLost = readyOnce.some((name) => !ready.has(name));
  // Old pods of a recreation may take their whole grace period to go; no quota or policy stands in the way then.
  const isPending = stable.updatedReplicas === 0 && stable.replicaFailure === undefined;
  const grew = ready.size > before.readyMost || isPending;
  return {
    readyOnce,
    lostSinceMs: isLost ? (before.lostSinceMs ?? nowMs) : undefined,
    losses: before.losses + (isLost && before.lostSinceMs === undefined ? 1 : 0),
    shortSinceMs: stable.availableReplicas < stable.minAvailable ? (before.shortSinceMs ?? nowMs) : undefined,
    readyMost: Math.max(ready.size, before.readyMost),
    progressAtMs: grew ? nowMs : before.progressAtMs,
    outage: before.outage,
  };
}

/** The measured downtime of a recreation, for the report; nothing of other strategies. */
export function downtimeOf(state: RolloutState | undefined): {
  readonly downtime?: { readonly atMostMs: number; readonly atLeastMs: number };
} {
  const outage = state?.roll?.outage;
  if (outage === undefined || (outage.downMs === 0 && !outage.isDown)) return {};
  const openMs = outage.isDown ? outage.seenAtMs - outage.servedAtMs : 0;
  const atMostMs = Math.ceil(outage.downMs + openMs);
  return { downtime: { atMostMs, atLeastMs: Math.max(0, Math.floor(outage.downMs + openMs - outage.overstatedMs)) } };
}

function servingPods(stable: StableFacts): number {
  return stable.servingPods ?? stable.availableReplicas;
}

function outageNow(before: Outage | undefined, serving: number, nowMs: number): Outage | undefined {
  // Nothing served before either: that is no outage of ours.
  if (before === undefined)
    return serving > 0 ? { servedAtMs: nowMs, seenAtMs: nowMs, isDown: false, downMs: 0, overstatedMs: 0 } : undefined;
  if (serving === 0) {
    const firstLook = before.isDown ? 0 : nowMs - before.servedAtMs;
    return { ...before, seenAtMs: nowMs, isDown: true, overstatedMs: before.overstatedMs + firstLook };
  }
  if (!before.isDown) return { ...before, servedAtMs: nowMs, seenAtMs: nowMs };
  return {
    servedAtMs: nowMs,
    seenAtMs: nowMs,
    isDown: false,
    downMs: before.downMs + nowMs - before.servedAtMs,
    overstatedMs: before.overstatedMs + nowMs - before.seenAtMs,
  };
}

/** The downtime in words: what was measured, and how exactly. */
export function explainOutage(outage: Outage): string {
  if (outage.isDown) return 'no pod has become ready since the last old one ended';
  if (outage.downMs === 0) return 'no downtime was seen between two looks';
  return `no pod was ready for at most ${Math.ceil(outage.downMs)} ms (at least ${Math.max(0, Math.floor(outage.downMs - outage.overstatedMs))} ms)`;
}
