import type { Clock } from './clock.ts';
import { applyDefaults, objectAt } from './defaults.ts';
import { equal } from './equal.ts';
import type { JsonObject, Metadata, Resource, Stored } from './objects.ts';
import { timestamp } from './objects.ts';
import { allocateAddress, bumpGeneration, json, ownedBy, prepareNew, prepareUpdate, selectOwnPods, stored } from './prepare.ts';
import { checkQuota } from './quota.ts';
import type { Random } from './random.ts';
import { type ResourceInfo, resourceInfo } from './resources.ts';
import { alreadyExists, conflict, invalid, Refusal } from './status.ts';
import type { Store } from './store.ts';
import { validate } from './validation.ts';

export interface WriteOptions {
  /** undefined for controllers, whose field ownership nothing reads. */
  readonly manager?: string;
  readonly dryRun?: boolean;
}

export interface DeleteOptions {
  readonly propagationPolicy?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}

export interface Writer {
  create(resource: Resource, namespace: string, body: JsonObject, options?: WriteOptions): Stored;
  replace(resource: Resource, current: Stored, body: JsonObject, options?: WriteOptions): Stored;
  /** A controller's change: only the members given, no validation. */
  amend<T extends Stored>(resource: Resource, current: T, changes: Partial<T>): T;
  remove(resource: Resource, current: Stored, options?: DeleteOptions): { object: Stored; gone: boolean };
}

export const ORPHAN = 'orphan';
export const FOREGROUND = 'foregroundDeletion';

export function createWriter(store: Store, clock: Clock, random: Random): Writer {
  const stamp = () => timestamp(clock.now());

  /** An object that is being deleted goes when its last finalizer does. */
  function settle<T extends Stored>(resource: Resource, object: T): T {
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
    const waits = (finalizers ?? []).length > 0 || (deletionGracePeriodSeconds ?? 0) > 0;
    if (deletionTimestamp !== undefined && !waits) store.remove(resource, object);
    return object;
  }

  return {
    create(resource, namespace, body, options = {}) {
      const info = resourceInfo(resource);
      const object = prepareNew(info, namespace, body, random, stamp());
      const name = String(objectAt(object, 'metadata')['name'] ?? '');
      applyDefaults(resource, object);
      const managed = options.manager === undefined ? [] : ownedBy(object, undefined, options.manager, stamp());
      if (resource === 'jobs') selectOwnPods(object);
      if (resource === 'services') allocateAddress(object, random);
      checkQuota(store, info, namespace, name);
      const causes = validate(resource, object, undefined);
      if (causes.length > 0) throw invalid(info, name, causes);
      const nameTaken = store.get(resource, namespace, name) !== undefined;
      if (nameTaken) throw alreadyExists(info, name);
      if (managed.length > 0) objectAt(object, 'metadata')['managedFields'] = managed;
      return options.dryRun === true ? stored(object) : store.put(resource, stored(object));
    },

    replace(resource, current, body, options = {}) {
      const info = resourceInfo(resource);
      const before = json(current);
      const object = prepareUpdate(info, current, body);
      applyDefaults(resource, object);
      const causes = validate(resource, object, before);
      if (causes.length > 0) throw invalid(info, current.metadata.name, causes);
      if (equal(object, before)) return current;
      bumpGeneration(resource, object, before);
      const managed = options.manager === undefined ? [] : ownedBy(object, before, options.manager, stamp());
      if (managed.length > 0) objectAt(object, 'metadata')['managedFields'] = managed;
      if (options.dryRun === true) return stored(object);
      return settle(resource, store.put(resource, stored(object)));
    },

    amend(resource, current, changes) {
      const next = { ...current, ...changes };
      if (equal(next, current)) return current;
      const { generation } = current.metadata;
      const specChanged = 'spec' in changes && !equal(json(current)['spec'], json(next)['spec']);
      const metadata = specChanged && generation !== undefined ? { ...next.metadata, generation: generation + 1 } : next.metadata;
      return settle(resource, store.put(resource, { ...next, metadata }) as typeof current);
    },

    remove(resource, current, options = {}) {
      const info = resourceInfo(resource);
      const { metadata } = current;
      checkPreconditions(info, metadata, options);
      const graceSeconds = resource === 'pods' ? graceOf(current, options) : 0;
      const finalizers = finalizersFor(info, metadata, options);
      const isLater = finalizers.length > 0 || graceSeconds > 0;
      if (options.dryRun === true) return { object: current, gone: !isLater };
      const already = metadata.deletionTimestamp !== undefined;
      if (!isLater && resource !== 'pods') {
        store.remove(resource, current);
        return { object: current, gone: true };
      }
      const marks = already
        ? {}
        : { deletionTimestamp: timestamp(clock.now() + graceSeconds * 1000), deletionGracePeriodSeconds: graceSeconds };
      if (already && isLater && equal(finalizers, metadata.finalizers ?? [])) return { object: current, gone: false };
      const { finalizers: _, ...rest } = metadata;
      const generation = rest.generation === undefined || already ? {} : { generation: rest.generation + 1 };
      const kept = finalizers.length === 0 ? {} : { finalizers };
      const marked = { ...current, metadata: { ...rest, ...generation, ...marks, ...kept } };
      if (isLater) return { object: store.put(resource, marked), gone: false };
      store.remove(resource, current);
      return { object: marked, gone: true };
    },
  };
}

function checkPreconditions(info: ResourceInfo, metadata: Metadata, options: DeleteOptions): void {
  // This one message names the kind, where all others name the resource.
  const byKind = { group: info.group, resource: info.kind };
  if (options.uid !== undefined && options.uid !== metadata.uid) {
    const record = `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid})`;
    throw conflict(byKind, metadata.name, `${record}. The object might have been deleted and then recreated`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion) {
    const record = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion})`;
    throw conflict(byKind, metadata.name, `${record}. The object might have been modified`);
  }
}

function finalizersFor(info: ResourceInfo, metadata: Metadata, options: DeleteOptions): readonly string[] {
  const current = metadata.finalizers ?? [];
  const others = current.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  switch (options.propagationPolicy) {
    case 'Orphan':
      return [...others, ORPHAN];
    case 'Foreground':
      return [...others, FOREGROUND];
    case 'Background':
      return others;
    case undefined:
      if (current.includes(ORPHAN) || current.includes(FOREGROUND)) return current;
      return info.orphansByDefault ? [...others, ORPHAN] : others;
    default:
      throw unknownPolicy(options.propagationPolicy);
  }
}

function unknownPolicy(policy: string): Refusal {
  const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
  const causes = [{ reason: 'FieldValueNotSupported', message, field: 'propagationPolicy' }];
  const details = { group: 'meta.k8s.io', kind: 'DeleteOptions', causes };
  return new Refusal(422, 'Invalid', `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: ${message}`, details);
}

function graceOf(object: Stored, options: DeleteOptions): number {
  const pod = object as Stored & { spec?: { terminationGracePeriodSeconds?: number; nodeName?: string }; status?: { phase?: string } };
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  if (pod.spec?.nodeName === undefined || isOver) return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
