import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from './objects.ts';
import { conditionOf, timestamp } from './objects.ts';
import { fencepostsOf } from './rollout-maths.ts';

const TIMED_OUT = 'ProgressDeadlineExceeded';
export const NEW_AVAILABLE = 'NewReplicaSetAvailable';

export function progressing(status: 'True' | 'False', reason: string, message: string, nowMs: number): Condition {
  const time = timestamp(nowMs);
  return { type: 'Progressing', status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** As SetDeploymentCondition: the same status and reason keep the old condition, the same status its transition time. */
export function withCondition(conditions: readonly Condition[], condition: Condition): readonly Condition[] {
  const current = conditions.find((other) => other.type === condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return conditions;
  const keeps = current?.status === condition.status && current.lastTransitionTime !== undefined;
  const next = keeps ? { ...condition, lastTransitionTime: current.lastTransitionTime } : condition;
  return [...conditions.filter((other) => other.type !== condition.type), next];
}

export function countedStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const sum = (read: (set: ReplicaSet) => number | undefined) => all.reduce((total, set) => total + (read(set) ?? 0), 0);
  const available = sum((set) => set.status?.availableReplicas);
  const total = sum((set) => set.status?.replicas);
  const wanted = sum((set) => set.spec.replicas);
  const enough = available >= deployment.spec.replicas - fencepostsOf(deployment).maxUnavailable;
  const time = timestamp(nowMs);
  const availability: Condition = {
    type: 'Available',
    status: enough ? 'True' : 'False',
    lastUpdateTime: time,
    lastTransitionTime: time,
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  };
  return {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    ...counts({
      replicas: total,
      updatedReplicas: fresh?.status?.replicas ?? 0,
      readyReplicas: sum((set) => set.status?.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, wanted - available),
    }),
    conditions: withCondition(deployment.status?.conditions ?? [], availability),
  };
}

/** Counts of 0 are left out, as in the API's JSON. */
export function counts<T extends Record<string, number>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)) as Partial<T>;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const { replicas } = deployment.spec;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** The counted status with its verdict on progress; `dueMs` is when the deadline will have passed. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
  nowMs: number,
): { readonly status: DeploymentStatus; readonly dueMs: number | undefined } {
  const counted = countedStatus(deployment, all, fresh, nowMs);
  const current = conditionOf(deployment.status, 'Progressing');
  const wasComplete = (counted.replicas ?? 0) === (counted.updatedReplicas ?? 0) && current?.reason === NEW_AVAILABLE;
  let conditions = counted.conditions ?? [];
  if (!wasComplete) {
    const subject = fresh === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${fresh.metadata.name}"`;
    if (isComplete(deployment, counted)) {
      const message = `${subject} has successfully progressed.`;
      conditions = withCondition(conditions, progressing('True', NEW_AVAILABLE, message, nowMs));
    } else if (hasProgressed(deployment.status ?? {}, counted)) {
      const condition = progressing('True', 'ReplicaSetUpdated', `${subject} is progressing.`, nowMs);
      const since = current?.status === 'True' ? current.lastTransitionTime : undefined;
      const others = conditions.filter((other) => other.type !== 'Progressing');
      conditions = [...others, since === undefined ? condition : { ...condition, lastTransitionTime: since }];
    } else if (deadlineMs(deployment) <= nowMs) {
      const message = `${subject} has timed out progressing.`;
      conditions = withCondition(conditions, progressing('False', TIMED_OUT, message, nowMs));
    }
  }
  conditions = withReplicaFailure(conditions, all);
  const status = { ...counted, conditions };
  const dueMs = deadlineMs({ ...deployment, status });
  return { status, dueMs: Number.isFinite(dueMs) && !isComplete(deployment, status) ? dueMs : undefined };
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function deadlineMs(deployment: Deployment): number {
  const condition = conditionOf(deployment.status, 'Progressing');
  if (condition?.lastUpdateTime === undefined || condition.reason === NEW_AVAILABLE) return Number.POSITIVE_INFINITY;
  if (condition.reason === TIMED_OUT) return Number.POSITIVE_INFINITY;
  return Date.parse(condition.lastUpdateTime) + deployment.spec.progressDeadlineSeconds * 1000;
}

function withReplicaFailure(conditions: readonly Condition[], all: readonly ReplicaSet[]): readonly Condition[] {
  const failure = all.map((set) => conditionOf(set.status, 'ReplicaFailure')).find((condition) => condition !== undefined);
  if (failure === undefined) return conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  const time = failure.lastTransitionTime;
  return withCondition(conditions, time === undefined ? failure : { ...failure, lastUpdateTime: time });
}
