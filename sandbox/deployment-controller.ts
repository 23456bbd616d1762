import { type Cluster, createQueue, keyOf, parseKey } from './cluster.ts';
import { countedStatus, isComplete, progressing, rolloutStatus, withCondition } from './deployment-status.ts';
import { equal } from './equal.ts';
import { manageStatus } from './managed-fields.ts';
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from './objects.ts';
import { conditionOf, controllerOf, namespaceOf, timestamp } from './objects.ts';
import {
  annotationsOfNew,
  claimReplicaSets,
  createReplicaSet,
  findNewReplicaSet,
  REVISION,
  replicaAnnotations,
  revisionOf,
} from './revisions.ts';
import { DESIRED_REPLICAS, newReplicas, proportionalSizes, shrunkOld } from './rollout-maths.ts';
import { matchesSelector } from './selector.ts';
import { Refusal } from './status.ts';

const DELAY_MS = 20;
const COMPONENT = 'deployment-controller';

/** One turn of a Deployment: what it sees is fixed at the start, and the first effect ends it, as in Kubernetes. */
interface Turn {
  readonly cluster: Cluster;
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  readonly requeueAt: (dueMs: number) => void;
}

export function startDeploymentController(cluster: Cluster): void {
  const { store, clock } = cluster;
  const enqueue = createQueue(clock, DELAY_MS, (key) => {
    const deployment = store.get('deployments', ...parseKey(key));
    if (deployment === undefined) return;
    const sets = claimReplicaSets(cluster, deployment);
    syncDeployment({ cluster, deployment, sets, requeueAt: (dueMs) => clock.at(dueMs, () => enqueue(key)) });
  });
  store.watch(({ resource, type, object }) => {
    if (resource === 'deployments' && type !== 'DELETED') enqueue(keyOf(object));
    if (resource === 'pods' && type === 'DELETED') {
      const set = store.byUid(controllerOf(object)?.uid ?? '')?.object;
      const owner = set === undefined ? undefined : controllerOf(set);
      if (owner?.kind === 'Deployment') enqueue(`${namespaceOf(object)}/${owner.name}`);
    }
    if (resource !== 'replicasets') return;
    const owner = controllerOf(object);
    if (owner?.kind === 'Deployment') enqueue(`${namespaceOf(object)}/${owner.name}`);
    if (owner !== undefined) return;
    for (const deployment of store.list('deployments', namespaceOf(object))) {
      if (matchesSelector(deployment.spec.selector, object.metadata.labels)) enqueue(keyOf(deployment));
    }
  });
}

function syncDeployment(turn: Turn): void {
  const { deployment, sets } = turn;
  const existing = findNewReplicaSet(deployment, sets);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    writeCounted(turn, sets, existing);
    return;
  }
  if (pausedChanged(turn)) return;
  const active = sets.filter((set) => set.spec.replicas > 0);
  const desired = String(deployment.spec.replicas);
  const isScaling = active.some((set) => {
    const known = set.metadata.annotations?.[DESIRED_REPLICAS];
    return known !== undefined && known !== desired;
  });
  if (deployment.spec.paused === true || isScaling) {
    scale(turn, existing);
    return;
  }
  if (deployment.spec.strategy.type === 'Recreate') recreate(turn);
  else rollingUpdate(turn);
}

function pausedChanged(turn: Turn): boolean {
  const { cluster, deployment } = turn;
  const paused = deployment.spec.paused === true;
  const current = conditionOf(deployment.status, 'Progressing');
  const nowMs = cluster.clock.now();
  let next: Condition | undefined;
  if (paused && current?.reason !== 'DeploymentPaused') {
    next = { ...progressing('True', 'DeploymentPaused', 'Deployment is paused', nowMs), status: 'Unknown' };
  } else if (!paused && current?.reason === 'DeploymentPaused') {
    next = { ...progressing('True', 'DeploymentResumed', 'Deployment is resumed', nowMs), status: 'Unknown' };
  }
  if (next === undefined) return false;
  const conditions = withCondition(deployment.status?.conditions ?? [], next);
  return writeStatus(cluster, deployment, { ...deployment.status, conditions });
}

function rollingUpdate(turn: Turn): void {
  const { cluster } = turn;
  const { deployment, fresh, old } = ensureNew(turn, true);
  const seen = { ...turn, deployment };
  if (fresh === undefined) {
    writeRollout(seen, old, undefined);
    return;
  }
  const all = [...old, fresh];
  const size =
    fresh.spec.replicas > deployment.spec.replicas ? deployment.spec.replicas : newReplicas(deployment, all, fresh.spec.replicas);
  if (size !== fresh.spec.replicas) {
    writeRollout(seen, [...old, resize(cluster, deployment, fresh, size)], fresh);
    return;
  }
  const sizes = shrunkOld(deployment, old, fresh);
  if (sizes.size > 0) {
    const shrunk = old.map((set) => resize(cluster, deployment, set, sizes.get(set.metadata.name) ?? set.spec.replicas));
    writeRollout(seen, [...shrunk, fresh], fresh);
    return;
  }
  if (isComplete(deployment, deployment.status ?? {})) cleanUp(cluster, deployment, old);
  writeRollout(seen, all, fresh);
}

function recreate(turn: Turn): void {
  const { cluster } = turn;
  const before = ensureNew(turn, false);
  const running = before.old.filter((set) => set.spec.replicas > 0);
  const known = before.fresh === undefined ? before.old : [...before.old, before.fresh];
  const seen = { ...turn, deployment: before.deployment };
  if (running.length > 0) {
    for (const set of running) resize(cluster, before.deployment, set, 0);
    writeRollout(seen, known, before.fresh);
    return;
  }
  const pods = cluster.store.list('pods', namespaceOf(turn.deployment));
  const oldUids = new Set(before.old.map((set) => set.metadata.uid));
  if (pods.some((pod) => oldUids.has(controllerOf(pod)?.uid ?? ''))) {
    writeRollout(seen, known, before.fresh);
    return;
  }
  const { deployment, fresh, old } = ensureNew(seen, true);
  if (fresh !== undefined) resize(cluster, deployment, fresh, deployment.spec.replicas);
  if (isComplete(deployment, deployment.status ?? {})) cleanUp(cluster, deployment, old);
  writeRollout({ ...turn, deployment }, fresh === undefined ? old : [...old, fresh], fresh);
}

interface Revisions {
  readonly deployment: Deployment;
  readonly fresh: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** The ReplicaSet of the current template, made if asked, with its revision carried over to the Deployment. */
function ensureNew({ cluster, deployment, sets }: Turn, make: boolean): Revisions {
  const existing = findNewReplicaSet(deployment, sets);
  const old = sets.filter((set) => set !== existing);
  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  const nowMs = cluster.clock.now();
  if (existing !== undefined) {
    const annotations = annotationsOfNew(deployment, existing.metadata.annotations ?? {}, revision);
    const { minReadySeconds } = deployment.spec;
    const { minReadySeconds: _, ...spec } = existing.spec;
    const fresh = cluster.writer.amend('replicasets', existing, {
      metadata: { ...existing.metadata, annotations },
      spec: minReadySeconds === undefined ? spec : { ...spec, minReadySeconds },
    });
    const message = `Found new replica set "${fresh.metadata.name}"`;
    const found = conditionOf(deployment.status, 'Progressing') ?? progressing('True', 'FoundNewReplicaSet', message, nowMs);
    return { deployment: withRevision(cluster, deployment, annotations[REVISION] ?? '', found), fresh, old };
  }
  if (!make) return { deployment, fresh: undefined, old };
  try {
    const fresh = createReplicaSet(cluster, deployment, old, revision);
    const { name } = fresh.metadata;
    if (fresh.spec.replicas > 0) {
      const message = `Scaled up replica set ${name} from 0 to ${fresh.spec.replicas}`;
      cluster.events.record(deployment, 'Normal', 'ScalingReplicaSet', message, COMPONENT);
    }
    const created = progressing('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, nowMs);
    return { deployment: withRevision(cluster, deployment, String(revision), created), fresh, old };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const failure = progressing('False', 'ReplicaSetCreateError', error.message, nowMs);
    return { deployment: withRevision(cluster, deployment, '', failure), fresh: undefined, old };
  }
}

function withRevision(cluster: Cluster, deployment: Deployment, revision: string, condition: Condition): Deployment {
  const annotations = revision === '' ? deployment.metadata.annotations : { ...deployment.metadata.annotations, [REVISION]: revision };
  const conditions = withCondition(deployment.status?.conditions ?? [], condition);
  return cluster.writer.amend('deployments', deployment, {
    ...(annotations === undefined ? {} : { metadata: { ...deployment.metadata, annotations } }),
    status: { ...deployment.status, conditions },
  });
}

function resize(cluster: Cluster, deployment: Deployment, set: ReplicaSet, replicas: number): ReplicaSet {
  const annotations = { ...set.metadata.annotations, ...replicaAnnotations(deployment) };
  const next = cluster.writer.amend('replicasets', set, {
    metadata: { ...set.metadata, annotations },
    spec: { ...set.spec, replicas },
  });
  if (replicas !== set.spec.replicas) {
    const direction = replicas > set.spec.replicas ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${set.spec.replicas} to ${replicas}`;
    cluster.events.record(deployment, 'Normal', 'ScalingReplicaSet', message, COMPONENT);
  }
  return next;
}

function scale(turn: Turn, fresh: ReplicaSet | undefined): void {
  const { cluster, deployment, sets } = turn;
  const active = sets.filter((set) => set.spec.replicas > 0);
  const { replicas } = deployment.spec;
  const single = active.length > 1 ? undefined : (active[0] ?? fresh ?? sets.at(-1));
  const saturated =
    fresh?.spec.replicas === replicas &&
    fresh.metadata.annotations?.[DESIRED_REPLICAS] === String(replicas) &&
    fresh.status?.availableReplicas === replicas;
  if (single !== undefined) {
    if (single.spec.replicas !== replicas) resize(cluster, deployment, single, replicas);
  } else if (saturated) {
    for (const set of active) if (set !== fresh) resize(cluster, deployment, set, 0);
  } else if (deployment.spec.strategy.type === 'RollingUpdate') {
    const sizes = proportionalSizes(deployment, active);
    for (const set of active) resize(cluster, deployment, set, sizes.get(set.metadata.name) ?? set.spec.replicas);
  }
  const old = sets.filter((set) => set !== fresh);
  if (deployment.spec.paused === true) cleanUp(cluster, deployment, old);
  writeCounted(turn, sets, fresh);
}

function cleanUp(cluster: Cluster, deployment: Deployment, old: readonly ReplicaSet[]): void {
  const surplus = old.length - deployment.spec.revisionHistoryLimit;
  const byRevision = [...old].sort((a, b) => revisionOf(a) - revisionOf(b));
  for (const set of byRevision.slice(0, Math.max(0, surplus))) {
    const isEmpty = set.spec.replicas === 0 && (set.status?.replicas ?? 0) === 0;
    if (isEmpty && set.metadata.deletionTimestamp === undefined) cluster.writer.remove('replicasets', set);
  }
}

function writeRollout(turn: Turn, all: readonly ReplicaSet[], fresh: ReplicaSet | undefined): void {
  const { cluster, deployment } = turn;
  const { status, dueMs } = rolloutStatus(deployment, all, fresh, cluster.clock.now());
  writeStatus(cluster, deployment, status);
  if (dueMs !== undefined) turn.requeueAt(Math.max(dueMs, cluster.clock.now() + DELAY_MS));
}

function writeCounted({ cluster, deployment }: Turn, all: readonly ReplicaSet[], fresh: ReplicaSet | undefined): void {
  writeStatus(cluster, deployment, countedStatus(deployment, all, fresh, cluster.clock.now()));
}

function writeStatus(cluster: Cluster, deployment: Deployment, status: DeploymentStatus): boolean {
  if (equal(status, deployment.status)) return false;
  const { metadata } = deployment;
  const managing = {
    ...{ manager: 'kube-controller-manager', apiVersion: 'apps/v1', time: timestamp(cluster.clock.now()) },
    ...(metadata.annotations?.[REVISION] === undefined ? {} : { annotation: REVISION }),
  };
  const managedFields = manageStatus(metadata.managedFields ?? [], status, managing);
  cluster.writer.amend('deployments', deployment, { metadata: { ...metadata, managedFields }, status });
  return true;
}
