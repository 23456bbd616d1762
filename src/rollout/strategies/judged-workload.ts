import type { Observation, WorkloadFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import { canaryReplicasFor } from '../plan/replica-share.ts';
import type { RolloutState } from '../state.ts';
import { judgedGreen } from './kept-green-view.ts';
import { hasNewImages, lastWish } from './pair-view.ts';

/** The pods whose steadiness this phase watches, and how many of them there should be; undefined where nobody's is watched. */
export function judgedWorkload(
  plan: Plan,
  { phase }: RolloutState,
  observation: Observation,
): { readonly workload: WorkloadFacts; readonly replicas: number } | undefined {
  const { canary, stable, blueGreen, pair } = observation;
  if (stable === undefined) return undefined;
  switch (phase.kind) {
    case 'step': {
      const weightPercent = plan.steps[phase.index]?.weightPercent ?? 0;
      return canary === undefined
        ? undefined
        : { workload: canary, replicas: canaryReplicasFor(stable.desiredReplicas, weightPercent, plan.halfAtMost) };
    }
    case 'trial':
      return canary === undefined ? undefined : { workload: canary, replicas: 1 };
    case 'baking':
      return { workload: stable, replicas: stable.desiredReplicas };
    case 'rolling':
    case 'green':
      return blueGreen?.green === undefined ? undefined : { workload: blueGreen.green, replicas: stable.desiredReplicas };
    case 'kept-green':
    case 'flipping':
    case 'live':
    case 'updating': {
      const green = judgedGreen(plan, observation);
      return green === undefined ? undefined : { workload: green, replicas: green.desiredReplicas };
    }
    case 'pair-step':
    case 'pair-finishing': {
      const replicas = lastWish(phase).new;
      if (plan.pair === undefined || pair === undefined || replicas === 0 || !hasNewImages(plan.pair, pair)) return undefined;
      return { workload: pair, replicas };
    }
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
