import type { Cluster } from './cluster.ts';
import type { Pod, PodDisruptionBudget } from './objects.ts';
import { conditionOf, controllerOf, namespaceOf } from './objects.ts';
import { resolve } from './rollout-maths.ts';
import { matchesSelector } from './selector.ts';
import { Refusal } from './status.ts';

/** policy/v1 Eviction: deletes the pod, unless a budget has nothing left to give. */
export function evict(cluster: Cluster, pod: Pod): void {
  const budgets = cluster.store
    .list('poddisruptionbudgets', namespaceOf(pod))
    .filter((budget) => matchesSelector(budget.spec.selector, pod.metadata.labels));
  const isHealthy = conditionOf(pod.status, 'Ready')?.status === 'True';
  for (const budget of budgets) {
    if (!isHealthy || disruptionsAllowed(cluster, budget) > 0) continue;
    const message = "Cannot evict pod as it would violate the pod's disruption budget.";
    const cause = `The disruption budget ${budget.metadata.name} needs ${desiredHealthy(cluster, budget)} healthy pods and has ${healthyPods(cluster, budget).length} currently`;
    throw new Refusal(429, 'TooManyRequests', message, { causes: [{ reason: 'DisruptionBudget', message: cause }] });
  }
  cluster.writer.remove('pods', pod);
}

export function disruptionsAllowed(cluster: Cluster, budget: PodDisruptionBudget): number {
  return Math.max(0, healthyPods(cluster, budget).length - desiredHealthy(cluster, budget));
}

function selected(cluster: Cluster, budget: PodDisruptionBudget): readonly Pod[] {
  const pods = cluster.store.list('pods', namespaceOf(budget));
  return pods.filter((pod) => matchesSelector(budget.spec.selector, pod.metadata.labels));
}

function healthyPods(cluster: Cluster, budget: PodDisruptionBudget): readonly Pod[] {
  return selected(cluster, budget).filter(
    (pod) => conditionOf(pod.status, 'Ready')?.status === 'True' && pod.metadata.deletionTimestamp === undefined,
  );
}

/** Percentages and maxUnavailable count against what the pods' controllers want, not against the pods there are. */
function desiredHealthy(cluster: Cluster, budget: PodDisruptionBudget): number {
  const { minAvailable, maxUnavailable } = budget.spec;
  if (typeof minAvailable === 'number') return minAvailable;
  const scales = new Map<string, number>();
  for (const pod of selected(cluster, budget)) {
    const set = cluster.store.byUid(controllerOf(pod)?.uid ?? '')?.object;
    const deployment = set === undefined ? undefined : cluster.store.byUid(controllerOf(set)?.uid ?? '')?.object;
    const owner = deployment ?? set;
    const replicas = (owner as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 1;
    scales.set(owner?.metadata.uid ?? pod.metadata.uid, replicas);
  }
  const expected = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  if (minAvailable !== undefined) return resolve(minAvailable, expected, Math.ceil);
  return Math.max(0, expected - resolve(maxUnavailable ?? 0, expected, Math.ceil));
}
