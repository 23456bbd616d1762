import { configurationOf } from '../../rollout/configuration/field-change.ts';
import { fieldManager, rolloutLabel } from '../../rollout/names.ts';
import type { ContainerFacts, PodFacts, StableFacts, WorkloadFacts } from '../../rollout/observation.ts';
import type { RawDeployment, RawPod, RawReplicaSet } from '../raw.ts';
import { fieldStates, type TemplateChanges } from '../template-fields.ts';
import { templateHash } from '../template-hash.ts';

/** What the events and logs of one pod have told. */
export type PodEvidence = {
  readonly pullFailures: number;
  readonly probeFailure: string | undefined;
  readonly lines: readonly string[];
};

export const noEvidence: PodEvidence = { pullFailures: 0, probeFailure: undefined, lines: [] };

export function workloadFacts(deployment: RawDeployment, pods: readonly PodFacts[]): WorkloadFacts {
  const { metadata, spec, status } = deployment;
  const condition = (type: string) => status?.conditions?.find((found) => found.type === type);
  const progressing = condition('Progressing');
  const failure = condition('ReplicaFailure');
  return {
    uid: metadata?.uid ?? '',
    rollout: metadata?.labels?.[rolloutLabel],
    terminating: metadata?.deletionTimestamp !== undefined,
    settled: isSettled(deployment),
    desiredReplicas: spec?.replicas ?? 1,
    replicas: status?.replicas ?? 0,
    updatedReplicas: status?.updatedReplicas ?? 0,
    availableReplicas: status?.availableReplicas ?? 0,
    progressDeadlineExceeded: progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded',
    replicaFailure: failure?.status === 'True' ? (failure.message ?? failure.reason ?? 'unknown') : undefined,
    pods,
  };
}

export function stableFacts(deployment: RawDeployment, pods: readonly PodFacts[], changes: TemplateChanges): StableFacts {
  const template = deployment.spec?.template ?? {};
  const containers = [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])];
  const configuration = configurationOf(changes);
  const released = changes.images.map((change) => change.container);
  return {
    ...workloadFacts(deployment, pods),
    paused: deployment.spec?.paused ?? false,
    images: Object.fromEntries(containers.map((container) => [container.name, container.image ?? ''])),
    ...(configuration.length === 0 ? {} : { configuration: fieldStates(configuration, template) }),
    templateHash: templateHash(template, released, configuration),
    minAvailable: rollingBounds(deployment).minAvailable,
    owned: (deployment.metadata?.managedFields ?? []).some((entry) => entry.manager === fieldManager),
  };
}

function isSettled({ metadata, status }: RawDeployment): boolean {
  return (status?.observedGeneration ?? -1) >= (metadata?.generation ?? 0);
}

/** maxSurge rounds up and maxUnavailable down, and if both come to 0 one pod may be unavailable: deploymentutil.ResolveFenceposts. */
export function rollingBounds(deployment: RawDeployment): { readonly minAvailable: number; readonly maxSurge: number } {
  const replicas = deployment.spec?.replicas ?? 1;
  // All old pods end before a new one starts: that is what the user has asked for.
  if (deployment.spec?.strategy?.type === 'Recreate') return { minAvailable: 0, maxSurge: 0 };
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const maxSurge = resolve(rolling?.maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = resolve(rolling?.maxUnavailable ?? '25%', replicas, Math.floor);
  const maxUnavailable = maxSurge === 0 && unavailable === 0 ? 1 : unavailable;
  return { minAvailable: Math.max(0, replicas - Math.min(maxUnavailable, replicas)), maxSurge };
}

function resolve(value: number | string, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  return round((Number.parseFloat(value) * replicas) / 100);
}

export function podFacts(pod: RawPod, evidence: PodEvidence): PodFacts {
  const conditions = pod.status?.conditions ?? [];
  const scheduled = conditions.find((condition) => condition.type === 'PodScheduled');
  return {
    name: pod.metadata?.name ?? '',
    createdAtMs: Date.parse(pod.metadata?.creationTimestamp ?? ''),
    ready: conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    terminating: pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded',
    containers: (pod.status?.containerStatuses ?? []).map(containerFacts),
    ...(pod.status?.initContainerStatuses === undefined ? {} : { initContainers: pod.status.initContainerStatuses.map(containerFacts) }),
    unschedulable:
      scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? (scheduled.message ?? 'unschedulable') : undefined,
    pullFailures: evidence.pullFailures,
    probeFailure: evidence.probeFailure,
    evidence: evidence.lines,
  };
}

type RawContainerStatus = NonNullable<NonNullable<RawPod['status']>['containerStatuses']>[number];

function containerFacts(status: RawContainerStatus): ContainerFacts {
  const waiting = status.state?.waiting;
  const terminated = status.state?.terminated;
  const last = status.lastState?.terminated;
  return {
    name: status.name,
    ready: status.ready,
    restartCount: status.restartCount,
    waiting: waiting === undefined ? undefined : { reason: waiting.reason ?? '', message: waiting.message ?? '' },
    terminated: terminated === undefined ? undefined : { exitCode: terminated.exitCode, reason: terminated.reason ?? '' },
    lastTerminated: last === undefined ? undefined : { exitCode: last.exitCode, reason: last.reason ?? '' },
    imageId: status.imageID,
  };
}

/**
 * The ReplicaSet of the newest template: the controller gives both the same revision. Undefined while the controller has not seen the
 * newest template: the revision still names the ReplicaSet before. With Recreate it does so until the last old pod has ended: there the
 * templates themselves are compared.
 */
export function currentReplicaSet(deployment: RawDeployment, replicaSets: readonly RawReplicaSet[]): RawReplicaSet | undefined {
  if (!isSettled(deployment)) return undefined;
  const revision = deployment.metadata?.annotations?.['deployment.kubernetes.io/revision'];
  const found = ownedBy(replicaSets, deployment.metadata?.uid).find(
    (replicaSet) => replicaSet.metadata?.annotations?.['deployment.kubernetes.io/revision'] === revision,
  );
  const isSure = deployment.spec?.strategy?.type !== 'Recreate' || found === undefined || hasTemplateOf(found, deployment);
  return isSure ? found : undefined;
}

/** As the Deployment controller compares them: without the hash that it adds itself. */
function hasTemplateOf(replicaSet: RawReplicaSet, deployment: RawDeployment): boolean {
  const { 'pod-template-hash': _, ...labels } = replicaSet.spec?.template?.metadata?.labels ?? {};
  const template = { ...replicaSet.spec?.template, metadata: { ...replicaSet.spec?.template?.metadata, labels } };
  return templateHash(template, []) === templateHash(deployment.spec?.template ?? {}, []);
}

/** Objects whose controller has this uid: labels alone do not tell whose a pod is. */
export function ownedBy<T extends { readonly metadata?: RawPod['metadata'] }>(
  objects: readonly T[],
  uid: string | undefined,
): readonly T[] {
  if (uid === undefined) return [];
  return objects.filter((object) => object.metadata?.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid));
}
