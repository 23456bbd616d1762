import type { Kinds, Plain, Resource, Stored } from './objects.ts';
import { namespaceOf } from './objects.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: Stored;
  readonly previous?: Stored;
  readonly nowMs: number;
}

export interface Located {
  readonly resource: Resource;
  readonly object: Stored;
}

/** Objects are values: a write replaces the whole object, nothing that was handed out ever changes. */
export interface Store {
  get<R extends Resource>(resource: R, namespace: string, name: string): Kinds[R] | undefined;
  list<R extends Resource>(resource: R, namespace?: string): readonly Kinds[R][];
  byUid(uid: string): Located | undefined;
  dependents(ownerUid: string): readonly Located[];
  put<R extends Resource>(resource: R, object: Kinds[R]): Kinds[R];
  remove(resource: Resource, object: Plain): void;
  revision(): string;
  watch(callback: (change: Change) => void): () => void;
}

export function createStore(now: () => number): Store {
  const tables = new Map<Resource, Map<string, Stored>>();
  const sorted = new Map<Resource, readonly Stored[]>();
  const uids = new Map<string, { resource: Resource; key: string }>();
  const children = new Map<string, Set<string>>();
  const watchers = new Set<(change: Change) => void>();
  let revision = 1000;

  const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;
  const tableOf = (resource: Resource) => {
    const table = tables.get(resource) ?? new Map<string, Stored>();
    tables.set(resource, table);
    return table;
  };
  const notify = (change: Change) => {
    for (const watcher of watchers) watcher(change);
  };

  function index(object: Plain, present: boolean): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const uidsOfChildren = children.get(owner.uid) ?? new Set<string>();
      if (present) uidsOfChildren.add(object.metadata.uid);
      else uidsOfChildren.delete(object.metadata.uid);
      children.set(owner.uid, uidsOfChildren);
    }
  }

  function byUid(uid: string): Located | undefined {
    const place = uids.get(uid);
    const object = place && tableOf(place.resource).get(place.key);
    return place && object ? { resource: place.resource, object } : undefined;
  }

  return {
    get: <R extends Resource>(resource: R, namespace: string, name: string) =>
      tableOf(resource).get(keyOf(namespace, name)) as Kinds[R] | undefined,
    list<R extends Resource>(resource: R, namespace?: string) {
      const all = sorted.get(resource) ?? [...tableOf(resource).entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
      sorted.set(resource, all);
      const listed = namespace === undefined ? all : all.filter((object) => namespaceOf(object) === namespace);
      return listed as readonly Kinds[R][];
    },
    byUid,
    dependents: (ownerUid) => [...(children.get(ownerUid) ?? [])].map(byUid).filter((located): located is Located => located !== undefined),
    put<R extends Resource>(resource: R, object: Kinds[R]) {
      const key = keyOf(namespaceOf(object), object.metadata.name);
      const previous = tableOf(resource).get(key);
      revision += 1;
      const metadata = { ...object.metadata, resourceVersion: String(revision) };
      const stored: Kinds[R] = { ...object, metadata };
      if (previous !== undefined) index(previous, false);
      index(stored, true);
      tableOf(resource).set(key, stored);
      sorted.delete(resource);
      uids.set(stored.metadata.uid, { resource, key });
      const type = previous === undefined ? 'ADDED' : 'MODIFIED';
      notify({ type, resource, object: stored, ...(previous ? { previous } : {}), nowMs: now() });
      return stored;
    },
    remove(resource, object) {
      const key = keyOf(namespaceOf(object), object.metadata.name);
      const current = tableOf(resource).get(key);
      if (current === undefined) return;
      revision += 1;
      index(current, false);
      tableOf(resource).delete(key);
      sorted.delete(resource);
      uids.delete(current.metadata.uid);
      notify({ type: 'DELETED', resource, object: current, nowMs: now() });
    },
    revision: () => String(revision),
    watch(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
  };
}
