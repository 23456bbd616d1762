import type { StepSpec } from '../spec.ts';
import { defaultHoldMs, type PlannedStep } from './replica-share.ts';

/** Replicas of the two Deployments of a pair. */
export type PairCounts = { readonly old: number; readonly new: number };

/**
 * Pods of the new Deployment for a share of `total` pods: the nearest one, ties up, but for 0 < w < 100 never none and never all (of two
 * and more). Argo Rollouts' `approximateWeightedCanaryStableReplicaCounts` has no candidate left at some ties (2 at 75 %, 5 at 90 %) and
 * answers 0 there.
 */
export function pairReplicasFor(total: number, weightPercent: number): number {
  if (weightPercent <= 0) return 0;
  if (weightPercent >= 100) return total;
  // Whole percents of whole pods are exact before the division; rounding half up after it.
  const wanted = Math.floor((total * weightPercent) / 100 + 0.5);
  return Math.max(1, Math.min(wanted, Math.max(1, total - 1)));
}

/** What should run at a share. One pod cannot be shared: there both run for the time of the step. */
export function pairCountsFor(total: number, weightPercent: number): PairCounts {
  const fresh = pairReplicasFor(total, weightPercent);
  if (total === 1 && weightPercent > 0 && weightPercent < 100) return { old: 1, new: 1 };
  return { old: total - fresh, new: fresh };
}

/** Steps as they will be run on `total` pods; a last one of 100 % is the end itself, and steps with the same pods become one. */
export function planPairSteps(steps: readonly StepSpec[], total: number): readonly PlannedStep[] {
  const shared = steps.filter((step) => step.weightPercent < 100);
  const planned: PlannedStep[] = [];
  shared.forEach((step, index) => {
    const counts = pairCountsFor(total, step.weightPercent);
    const holdMs = step.holdMs ?? (index === shared.length - 1 ? 0 : defaultHoldMs);
    const before = planned.at(-1);
    if (before !== undefined && before.canaryReplicas === counts.new) {
      planned[planned.length - 1] = {
        ...before,
        weightPercent: step.weightPercent,
        holdMs: before.holdMs + holdMs,
        mergedPercents: [...before.mergedPercents, before.weightPercent],
      };
      return;
    }
    const sharePercent = (100 * counts.new) / (counts.old + counts.new);
    planned.push({ weightPercent: step.weightPercent, canaryReplicas: counts.new, sharePercent, holdMs, mergedPercents: [] });
  });
  return planned;
}

export type PairBounds = {
  /** Pods of both that must stay available. */
  readonly minAvailable: number;
  /** Pods of both that may be asked for while they change. */
  readonly maxTotal: number;
};

/**
 * The next replicas on the way from `now` to `target`: one of the two changes, up before down, and down only as far as the pods that are
 * available on the other side carry. Undefined: nothing can be done before more pods are available.
 */
export function nextPairCounts(now: PairCounts, available: PairCounts, target: PairCounts, bounds: PairBounds): PairCounts | undefined {
  const room = bounds.maxTotal - now.old - now.new;
  for (const side of ['old', 'new'] as const) {
    if (now[side] < target[side] && room > 0) return { ...now, [side]: Math.min(target[side], now[side] + room) };
  }
  for (const side of ['old', 'new'] as const) {
    const other = side === 'old' ? 'new' : 'old';
    if (now[side] <= target[side]) continue;
    // The controller takes pods that are not available first, so of `kept` pods as many are available as are now, at most.
    const kept = Math.max(target[side], bounds.minAvailable - Math.min(available[other], now[other]));
    if (kept < now[side]) return { ...now, [side]: kept };
  }
  return undefined;
}
