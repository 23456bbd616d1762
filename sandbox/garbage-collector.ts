import { type Cluster, createQueue } from './cluster.ts';
import { manageFields } from './managed-fields.ts';
import type { OwnerReference, Stored } from './objects.ts';
import { namespaceOf, timestamp } from './objects.ts';
import { json } from './prepare.ts';
import { resourceOfKind } from './resources.ts';
import type { Located } from './store.ts';
import { FOREGROUND, ORPHAN } from './write.ts';

const DELAY_MS = 30;

/** Deletes what has no owner left, and takes foreground and orphaning deletions to their end. */
export function startGarbageCollector(cluster: Cluster): void {
  const { store, clock } = cluster;
  const enqueue = createQueue(clock, DELAY_MS, (uid) => {
    const located = store.byUid(uid);
    if (located !== undefined) collect(cluster, located, enqueue);
  });
  store.watch(({ type, resource, object, previous }) => {
    const { uid, ownerReferences, deletionTimestamp } = object.metadata;
    if (resource === 'events') return;
    if (type === 'DELETED') {
      for (const dependent of store.dependents(uid)) enqueue(dependent.object.metadata.uid);
      for (const owner of ownerReferences ?? []) enqueue(owner.uid);
      return;
    }
    const owned = ownerReferences !== undefined && ownerReferences !== previous?.metadata.ownerReferences;
    if (owned || deletionTimestamp !== undefined) enqueue(uid);
    if (previous?.metadata.ownerReferences === ownerReferences) return;
    for (const owner of previous?.metadata.ownerReferences ?? []) enqueue(owner.uid);
  });
}

function collect(cluster: Cluster, { resource, object }: Located, enqueue: (uid: string) => void): void {
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) {
    if (metadata.finalizers?.includes(ORPHAN)) orphanDependents(cluster, { resource, object });
    else if (metadata.finalizers?.includes(FOREGROUND)) deleteDependents(cluster, { resource, object }, enqueue);
    return;
  }
  const owners = (metadata.ownerReferences ?? []).map((owner) => ({ owner, state: stateOf(cluster, object, owner) }));
  if (owners.length === 0) return;
  const gone = owners.filter(({ state }) => state !== 'solid');
  if (gone.length < owners.length) {
    if (gone.length > 0)
      removeOwners(
        cluster,
        { resource, object },
        gone.map(({ owner }) => owner.uid),
      );
    return;
  }
  const waits = owners.some(({ state }) => state === 'waiting');
  const foreground = waits && cluster.store.dependents(metadata.uid).length > 0;
  const own = metadata.finalizers ?? [];
  const kept = own.includes(ORPHAN) ? 'Orphan' : own.includes(FOREGROUND) ? 'Foreground' : 'Background';
  cluster.writer.remove(resource, object, { propagationPolicy: foreground ? 'Foreground' : kept, uid: metadata.uid });
}

type OwnerState = 'solid' | 'gone' | 'waiting';

/** An owner of another namespace counts as gone; one of a kind that is not known here cannot be judged. */
function stateOf(cluster: Cluster, object: Stored, owner: OwnerReference): OwnerState {
  if (resourceOfKind(owner.kind) === undefined) return 'solid';
  const found = cluster.store.byUid(owner.uid)?.object;
  if (found === undefined || found.kind !== owner.kind || found.metadata.name !== owner.name) return 'gone';
  if (found.kind !== 'Namespace' && namespaceOf(found) !== namespaceOf(object)) return 'gone';
  const { deletionTimestamp, finalizers } = found.metadata;
  return deletionTimestamp !== undefined && finalizers?.includes(FOREGROUND) ? 'waiting' : 'solid';
}

function orphanDependents(cluster: Cluster, located: Located): void {
  const { uid } = located.object.metadata;
  for (const dependent of cluster.store.dependents(uid)) removeOwners(cluster, dependent, [uid]);
  dropFinalizer(cluster, located, ORPHAN);
}

function deleteDependents(cluster: Cluster, located: Located, enqueue: (uid: string) => void): void {
  const { uid } = located.object.metadata;
  const dependents = cluster.store.dependents(uid);
  for (const { object } of dependents) enqueue(object.metadata.uid);
  const isBlocking = ({ object }: Located) =>
    object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true) === true;
  if (!dependents.some(isBlocking)) dropFinalizer(cluster, located, FOREGROUND);
}

function removeOwners(cluster: Cluster, { resource, object }: Located, uids: readonly string[]): void {
  const { ownerReferences, ...metadata } = object.metadata;
  const left = (ownerReferences ?? []).filter((owner) => !uids.includes(owner.uid));
  const next = { ...object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } };
  const entries = metadata.managedFields;
  const managing = { manager: 'kube-controller-manager', apiVersion: object.apiVersion, time: timestamp(cluster.clock.now()) };
  const managedFields = manageFields(entries ?? [], json(object), json(next), managing);
  const managed = entries === undefined || managedFields.length === 0 ? {} : { managedFields };
  cluster.writer.amend(resource, object, { metadata: { ...next.metadata, ...managed } });
}

function dropFinalizer(cluster: Cluster, { resource, object }: Located, finalizer: string): void {
  const { finalizers, ...metadata } = object.metadata;
  const left = (finalizers ?? []).filter((name) => name !== finalizer);
  cluster.writer.amend(resource, object, { metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } });
}
