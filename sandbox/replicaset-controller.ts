import { type Cluster, createQueue, keyOf, parseKey } from './cluster.ts';
import { counts } from './deployment-status.ts';
import { equal } from './equal.ts';
import type { Condition, JsonObject, Pod, ReplicaSet, ReplicaSetStatus } from './objects.ts';
import { conditionOf, controllerOf, namespaceOf, timestamp } from './objects.ts';
import { ownerReferenceTo } from './revisions.ts';
import { matchesLabels, matchesSelector } from './selector.ts';
import { Refusal } from './status.ts';

// Shorter than the Deployment controller's, which would otherwise count pods that are already on their way out.
const DELAY_MS = 10;
const RETRY_MS = 1_000;
const COMPONENT = 'replicaset-controller';

/** Keeps as many pods as the ReplicaSet says, adopts and releases them, counts them. */
export function startReplicaSetController(cluster: Cluster): void {
  const { store, clock } = cluster;
  const enqueue = createQueue(clock, DELAY_MS, (key) => {
    const set = store.get('replicasets', ...parseKey(key));
    if (set === undefined) return;
    const wakeMs = syncReplicaSet(cluster, set);
    if (wakeMs !== undefined) clock.at(wakeMs, () => enqueue(key));
  });
  store.watch(({ resource, type, object, previous }) => {
    if (resource === 'replicasets' && type !== 'DELETED') enqueue(keyOf(object));
    if (resource !== 'pods') return;
    const owners = [controllerOf(object), previous === undefined ? undefined : controllerOf(previous)];
    for (const owner of owners) {
      if (owner?.kind === 'ReplicaSet') enqueue(`${namespaceOf(object)}/${owner.name}`);
    }
    if (owners[0] !== undefined || type === 'DELETED') return;
    for (const set of store.list('replicasets', namespaceOf(object))) {
      if (matchesSelector(set.spec.selector, object.metadata.labels)) enqueue(keyOf(set));
    }
  });
}

/** The answer is when to look again. */
function syncReplicaSet(cluster: Cluster, set: ReplicaSet): number | undefined {
  const pods = claimPods(cluster, set);
  const failure = set.metadata.deletionTimestamp === undefined ? managePods(cluster, set, pods) : undefined;
  const nowMs = cluster.clock.now();
  const kept = claimPods(cluster, set).filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const status = statusOf(set, kept, failure, nowMs);
  // Read again: creating pods does not change the set, but a quota's failure may have been written meanwhile.
  const current = cluster.store.get('replicasets', namespaceOf(set), set.metadata.name);
  if (current !== undefined && !equal(status, current.status)) cluster.writer.amend('replicasets', current, { status });
  const waits = kept.map((pod) => availableAtMs(pod, set)).filter((dueMs) => dueMs !== undefined && dueMs > nowMs);
  const retry = failure === undefined ? [] : [nowMs + RETRY_MS];
  const due = [...(waits as number[]), ...retry];
  return due.length === 0 ? undefined : Math.min(...due);
}

function claimPods(cluster: Cluster, set: ReplicaSet): readonly Pod[] {
  const claimed: Pod[] = [];
  for (const pod of cluster.store.list('pods', namespaceOf(set))) {
    const owner = controllerOf(pod);
    if (owner !== undefined && owner.uid !== set.metadata.uid) continue;
    const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (isOver) continue;
    const matches = matchesSelector(set.spec.selector, pod.metadata.labels);
    const setLives = set.metadata.deletionTimestamp === undefined;
    if (owner !== undefined && matches) claimed.push(pod);
    else if (owner !== undefined && setLives) {
      const { ownerReferences, ...metadata } = pod.metadata;
      const left = (ownerReferences ?? []).filter(({ uid }) => uid !== set.metadata.uid);
      cluster.writer.amend('pods', pod, { metadata: left.length > 0 ? { ...metadata, ownerReferences: left } : metadata });
    } else if (owner === undefined && matches && setLives && pod.metadata.deletionTimestamp === undefined) {
      const ownerReferences = [...(pod.metadata.ownerReferences ?? []), ownerReferenceTo(set)];
      claimed.push(cluster.writer.amend('pods', pod, { metadata: { ...pod.metadata, ownerReferences } }));
    }
  }
  return claimed;
}

/** Creates or deletes pods until there are enough; the message of a refusal, if one came. */
function managePods(cluster: Cluster, set: ReplicaSet, pods: readonly Pod[]): string | undefined {
  const active = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const missing = set.spec.replicas - active.length;
  for (const pod of [...active].sort(byExpendability).slice(0, Math.max(0, -missing))) {
    cluster.writer.remove('pods', pod);
    cluster.events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`, COMPONENT);
  }
  for (let created = 0; created < missing; created += 1) {
    try {
      const pod = cluster.writer.create('pods', namespaceOf(set), podOf(set));
      cluster.events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`, COMPONENT);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      cluster.events.record(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`, COMPONENT);
      return error.message;
    }
  }
  return undefined;
}

function podOf(set: ReplicaSet): JsonObject {
  const { template } = set.spec;
  const metadata = { ...template.metadata, generateName: `${set.metadata.name}-`, ownerReferences: [ownerReferenceTo(set)] };
  return structuredClone({ metadata, spec: template.spec }) as unknown as JsonObject;
}

/** Which pods go first: unscheduled, pending, not ready, then the youngest. */
function byExpendability(a: Pod, b: Pod): number {
  return rank(a) - rank(b) || readySince(b) - readySince(a) || created(b) - created(a);
}

function rank(pod: Pod): number {
  if (pod.spec.nodeName === undefined) return 0;
  if (pod.status?.phase !== 'Running') return 1;
  return conditionOf(pod.status, 'Ready')?.status === 'True' ? 3 : 2;
}

function readySince(pod: Pod): number {
  return Date.parse(conditionOf(pod.status, 'Ready')?.lastTransitionTime ?? '1970-01-01T00:00:00Z');
}

function created(pod: Pod): number {
  return Date.parse(pod.metadata.creationTimestamp);
}

function availableAtMs(pod: Pod, set: ReplicaSet): number | undefined {
  const ready = conditionOf(pod.status, 'Ready');
  if (ready?.status !== 'True') return undefined;
  return Date.parse(ready.lastTransitionTime ?? '') + (set.spec.minReadySeconds ?? 0) * 1000;
}

function statusOf(set: ReplicaSet, pods: readonly Pod[], failure: string | undefined, nowMs: number): ReplicaSetStatus {
  const labels = set.spec.template.metadata?.labels ?? {};
  const isAvailable = (pod: Pod) => (availableAtMs(pod, set) ?? Number.POSITIVE_INFINITY) <= nowMs;
  const observed = set.metadata.generation;
  const conditions = failureConditions(set, failure, nowMs);
  return {
    replicas: pods.length,
    ...counts({
      fullyLabeledReplicas: pods.filter((pod) => matchesLabels(labels, pod.metadata.labels)).length,
      readyReplicas: pods.filter((pod) => availableAtMs(pod, set) !== undefined).length,
      availableReplicas: pods.filter(isAvailable).length,
    }),
    ...(observed === undefined ? {} : { observedGeneration: observed }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function failureConditions(set: ReplicaSet, failure: string | undefined, nowMs: number): readonly Condition[] {
  if (failure === undefined) return [];
  const current = conditionOf(set.status, 'ReplicaFailure');
  if (current !== undefined) return [current];
  const lastTransitionTime = timestamp(nowMs);
  return [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failure, lastTransitionTime }];
}
