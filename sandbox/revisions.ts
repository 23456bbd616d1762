import type { Cluster } from './cluster.ts';
import { equal } from './equal.ts';
import type { Deployment, JsonObject, PodTemplate, ReplicaSet, StringMap } from './objects.ts';
import { controllerOf, namespaceOf } from './objects.ts';
import { hashText } from './random.ts';
import { DESIRED_REPLICAS, fencepostsOf, MAX_REPLICAS, newReplicas } from './rollout-maths.ts';
import { matchesSelector } from './selector.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const HASH_LABEL = 'pod-template-hash';
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  ...[REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS],
]);
const HASH_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Every ReplicaSet that this Deployment controls, oldest first; adopts orphans that match and lets go of what does not. */
export function claimReplicaSets(cluster: Cluster, deployment: Deployment): readonly ReplicaSet[] {
  const { store, writer } = cluster;
  const claimed: ReplicaSet[] = [];
  for (const set of store.list('replicasets', namespaceOf(deployment))) {
    const owner = controllerOf(set);
    const matches = matchesSelector(deployment.spec.selector, set.metadata.labels);
    if (owner?.uid === deployment.metadata.uid) {
      if (matches) claimed.push(set);
      else if (deployment.metadata.deletionTimestamp === undefined) {
        const { ownerReferences, ...metadata } = set.metadata;
        const left = (ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid);
        writer.amend('replicasets', set, { metadata: left.length > 0 ? { ...metadata, ownerReferences: left } : metadata });
      }
    } else if (owner === undefined && matches && isAlive(set) && isAlive(deployment)) {
      const ownerReferences = [...(set.metadata.ownerReferences ?? []), ownerReferenceTo(deployment)];
      claimed.push(writer.amend('replicasets', set, { metadata: { ...set.metadata, ownerReferences } }));
    }
  }
  return claimed.sort(byCreation);
}

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const order = Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp);
  return order || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function isAlive(object: Deployment | ReplicaSet): boolean {
  return object.metadata.deletionTimestamp === undefined;
}

export function ownerReferenceTo(object: Deployment | ReplicaSet) {
  const { name, uid } = object.metadata;
  return { apiVersion: 'apps/v1', kind: object.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function findNewReplicaSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.find((set) => equal(withoutHash(set.spec.template), deployment.spec.template));
}

function withoutHash(template: PodTemplate): PodTemplate {
  const { [HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

export function revisionOf(object: { readonly metadata: { readonly annotations?: StringMap } }): number {
  return Number(object.metadata.annotations?.[REVISION] ?? 0);
}

export function replicaAnnotations(deployment: Deployment): StringMap {
  const { replicas } = deployment.spec;
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + fencepostsOf(deployment).maxSurge) };
}

/** The annotations of the ReplicaSet of the current template: the Deployment's own, and its place in the history. */
export function annotationsOfNew(deployment: Deployment, current: StringMap, revision: number): StringMap {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const before = current[REVISION];
  const isNewer = before === undefined || Number(before) < revision;
  const history = before !== undefined && isNewer ? [current[REVISION_HISTORY], before].filter(Boolean).join(',') : undefined;
  return {
    ...current,
    ...Object.fromEntries(copied),
    [REVISION]: isNewer ? String(revision) : (before ?? ''),
    ...(history === undefined ? {} : { [REVISION_HISTORY]: history }),
  };
}

export function createReplicaSet(cluster: Cluster, deployment: Deployment, old: readonly ReplicaSet[], revision: number): ReplicaSet {
  const { selector, template, minReadySeconds } = deployment.spec;
  const hash = templateHash(template);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const draft = {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      labels,
      annotations: { ...annotationsOfNew(deployment, {}, revision), ...replicaAnnotations(deployment) },
      ownerReferences: [ownerReferenceTo(deployment)],
    },
    spec: {
      replicas: newReplicas(deployment, old, 0),
      ...(minReadySeconds === undefined || minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  return cluster.writer.create('replicasets', namespaceOf(deployment), draft as unknown as JsonObject) as ReplicaSet;
}

function templateHash(template: PodTemplate): string {
  const text = JSON.stringify(template);
  let bits = hashText(text) + hashText(`${text}#`) * 0x1_0000_0000;
  let hash = '';
  for (let index = 0; index < 10; index += 1) {
    hash += HASH_ALPHABET[bits % HASH_ALPHABET.length];
    bits = Math.floor(bits / HASH_ALPHABET.length);
  }
  return hash;
}
