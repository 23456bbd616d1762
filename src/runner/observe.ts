import type { Observation } from '../rollout/observation.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { RolloutState } from '../rollout/state.ts';
import { armsOf } from '../rollout/strategies/arms.ts';
import type { Metrics, World } from './ports.ts';

export type Rejection = Observation['rejection'];

/** One consistent look at the world: the cluster first, then the metrics of just the pods that it showed. */
export async function observe(
  ports: { readonly world: World; readonly metrics: Metrics | undefined },
  plan: Plan,
  state: RolloutState,
  rejection: Rejection,
  cancel: AbortSignal,
): Promise<Observation> {
  const { podNames, ...cluster } = await ports.world.observe(cancel);
  const arms = armsOf(plan, state.phase, podNames);
  const { endpoints } = podNames;
  const judged = arms === undefined || endpoints === undefined ? arms : { ...arms, endpoints };
  const metrics = judged === undefined ? undefined : await ports.metrics?.read(judged, cancel);
  return { ...cluster, metrics, rejection, cancelled: cancel.aborted };
}
