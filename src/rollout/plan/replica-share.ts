import type { StepSpec } from '../spec.ts';

export type PlannedStep = {
  /** The share that was asked for. */
  readonly weightPercent: number;
  readonly canaryReplicas: number;
  /** The share that pods can give: k of N + k. */
  readonly sharePercent: number;
  readonly holdMs: number;
  /** Shares that come to the same number of pods and were merged into this step. */
  readonly mergedPercents: readonly number[];
};

/** A step before the last advances after this time unless it has its own. */
export const defaultHoldMs = 30_000;

/**
 * Canary pods for a share: k = clamp(round(N·w / (1 − w)), 1, N), w at most 50 %.
 * `halfAtMost` keeps k at half of N: with a disruption budget, an eviction of all stable pods would otherwise be allowed.
 */
export function canaryReplicasFor(stableReplicas: number, weightPercent: number, halfAtMost: boolean): number {
  const share = weightPercent / 100;
  const wanted = Math.round((stableReplicas * share) / (1 - share));
  const most = halfAtMost ? Math.max(1, Math.floor(stableReplicas / 2)) : stableReplicas;
  return Math.min(Math.max(wanted, 1), most);
}

/** The real share of k canary pods beside N stable ones, in percent. */
export function sharePercentOf(canaryReplicas: number, stableReplicas: number): number {
  return (100 * canaryReplicas) / (stableReplicas + canaryReplicas);
}

/** Steps as they will be run at N stable replicas; steps with the same number of pods become one, their times added. */
export function planSteps(steps: readonly StepSpec[], stableReplicas: number, halfAtMost: boolean): readonly PlannedStep[] {
  const planned: PlannedStep[] = [];
  steps.forEach((step, index) => {
    const canaryReplicas = canaryReplicasFor(stableReplicas, step.weightPercent, halfAtMost);
    const holdMs = step.holdMs ?? (index === steps.length - 1 ? 0 : defaultHoldMs);
    const before = planned.at(-1);
    if (before !== undefined && before.canaryReplicas === canaryReplicas) {
      planned[planned.length - 1] = {
        ...before,
        weightPercent: step.weightPercent,
        holdMs: before.holdMs + holdMs,
        mergedPercents: [...before.mergedPercents, before.weightPercent],
      };
      return;
    }
    planned.push({
      weightPercent: step.weightPercent,
      canaryReplicas,
      sharePercent: sharePercentOf(canaryReplicas, stableReplicas),
      holdMs,
      mergedPercents: [],
    });
  });
  return planned;
}
