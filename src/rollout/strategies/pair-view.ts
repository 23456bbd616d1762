import type { StableFacts } from '../observation.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { PairCounts } from '../plan/pair-share.ts';
import type { Phase } from '../state.ts';

export type PairPhase = Extract<Phase, { kind: 'pair-step' | 'pair-finishing' | 'pair-restoring' }>;

/** Replicas that both are asked to have. */
export function countsOf(stable: StableFacts, pair: StableFacts): PairCounts {
  return { old: stable.desiredReplicas, new: pair.desiredReplicas };
}

export function isSame(a: PairCounts, b: PairCounts): boolean {
  return a.old === b.old && a.new === b.new;
}

/** The newest journalled wish. */
export function lastWish({ wished }: PairPhase): PairCounts {
  return wished.at(-1) ?? { old: 0, new: 0 };
}

/** Whether this number of replicas is one that we may have written: anything else is somebody's. */
export function isOurs({ wished }: PairPhase, side: 'old' | 'new', replicas: number): boolean {
  return wished.some((counts) => counts[side] === replicas);
}

export function hasNewImages({ images }: PairPlan, pair: StableFacts): boolean {
  return images.every((image) => pair.images[image.container] === image.to);
}

export function hasOldImages({ images }: PairPlan, pair: StableFacts): boolean {
  return images.every((image) => pair.images[image.container] === image.from);
}

/** Pods that serve; on the new side only those of its newest template. A status that is older than a scaling counts pods that go. */
export function availableOf(stable: StableFacts, pair: StableFacts): PairCounts {
  return {
    old: stable.settled ? Math.min(stable.availableReplicas, stable.desiredReplicas) : 0,
    new: pair.settled ? Math.min(pair.availableReplicas, pair.updatedReplicas, pair.desiredReplicas) : 0,
  };
}
