import type { Observation, WorkloadFacts } from '../observation.ts';
import type { Plan } from '../plan.ts';
import { canaryReplicasFor } from '../replica-share.ts';
import type { RolloutState } from '../state.ts';

/** The pods whose steadiness this phase watches, and how many of them there should be; undefined where nobody's is watched. */
export function judgedWorkload(
  plan: Plan,
  { phase }: RolloutState,
  { canary, stable }: Observation,
): { readonly workload: WorkloadFacts; readonly replicas: number } | undefined {
  if (stable === undefined) return undefined;
  switch (phase.kind) {
    case 'step': {
      const weightPercent = plan.steps[phase.index]?.weightPercent ?? 0;
      return canary === undefined
        ? undefined
        : { workload: canary, replicas: canaryReplicasFor(stable.desiredReplicas, weightPercent, plan.halfAtMost) };
    }
    case 'arming':
    case 'fencing':
    case 'promoting':
    case 'reverting':
    case 'aborting':
    case 'ending':
      return undefined;
  }
}
