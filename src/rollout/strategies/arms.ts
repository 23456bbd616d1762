import type { Plan } from '../plan/plan.ts';
import type { Phase } from '../state.ts';

/** Pods by name: the canary's, and stable's own, which while it rolls are of its newest template or not. */
export type WorkloadPods = {
  readonly canary: readonly string[];
  readonly stable: readonly string[];
  readonly updated: readonly string[];
  readonly outdated: readonly string[];
  readonly green?: readonly string[];
};

/** Whose metrics are compared in this phase: `canary` are the pods that are judged, `stable` those beside them. Undefined: nobody's. */
export function armsOf(
  plan: Plan,
  phase: Phase,
  pods: WorkloadPods,
): { readonly canary: readonly string[]; readonly stable: readonly string[] } | undefined {
  if (plan.rules === undefined) return undefined;
  switch (phase.kind) {
    case 'step':
      return pods.canary.length > 0 ? { canary: pods.canary, stable: pods.stable } : undefined;
    case 'rolling':
      // Before the images are sent there is no new pod yet: stable's own counters are the baseline.
      return pods.stable.length > 0 ? { canary: pods.updated, stable: pods.outdated } : undefined;
    case 'baking':
      return pods.updated.length > 0 ? { canary: pods.updated, stable: [] } : undefined;
    case 'green':
    case 'kept-green':
    case 'flipping':
    case 'live':
    case 'updating':
      return pods.green !== undefined && pods.green.length > 0 ? { canary: pods.green, stable: pods.stable } : undefined;
    case 'pair-step':
    case 'pair-finishing':
      // With nobody beside them there is nothing to compare.
      return pods.canary.length > 0 && pods.stable.length > 0 ? { canary: pods.canary, stable: pods.stable } : undefined;
    case 'trial':
    case 'pair-restoring':
    case 'flipping-back':
    case 'exchanging':
    case 'green-restoring':
    case 'draining':
    case 'arming':
    case 'fencing':
    case 'promoting':
    case 'reverting':
    case 'aborting':
    case 'ending':
      return undefined;
  }
}
