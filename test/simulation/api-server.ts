import type { FaultCode } from '../../src/errors.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/patches/patch.ts';
import { fieldManager } from '../../src/rollout/names.ts';
import { applyPatch, isDeepEqual } from './json-patch.ts';
import type { Kind, Objects } from './objects.ts';

/** Who changes an object: a process by its name, a person, or the cluster's own controllers. */
export type Actor = string;
export const cluster = 'cluster';
export const person = 'person';

export type Change<K extends Kind = Kind> = {
  readonly kind: K;
  readonly actor: Actor;
  readonly verb: 'create' | 'patch' | 'status' | 'delete';
  readonly before: Objects[K] | undefined;
  readonly after: Objects[K] | undefined;
};

export type Refuse = (code: FaultCode, message: string) => Error;
type Listener = (change: Change) => void;

/** The API server as far as three objects go: versions, generations, JSON patches, uid preconditions. */
export class ApiServer {
  readonly #objects: { [K in Kind]?: Objects[K] } = {};
  readonly #listeners: Listener[] = [];
  #version = 1;
  #uids = 0;

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  get<K extends Kind>(kind: K): Objects[K] | undefined {
    return this.#objects[kind];
  }

  uid(prefix: string): string {
    this.#uids += 1;
    return `${prefix}-${this.#uids}`;
  }

  create<K extends Kind>(kind: K, object: Objects[K], actor: Actor, refuse: Refuse): Objects[K] {
    if (this.#objects[kind] !== undefined) throw refuse('already-exists', `${kind} exists already`);
    const metadata = { ...object.metadata, uid: object.metadata?.uid ?? this.uid(kind), generation: 1 };
    const status = kind === 'job' ? undefined : { observedGeneration: 0 };
    this.#store({
      kind,
      actor,
      verb: 'create',
      before: undefined,
      after: { ...object, metadata, ...(status === undefined ? {} : { status }) } as Objects[K],
    });
    return this.#objects[kind] as unknown as Objects[K];
  }

  patch<K extends Kind>(kind: K, operations: readonly JsonPatchOperation[], actor: Actor, refuse: Refuse): Objects[K] {
    const before = this.#objects[kind] as Objects[K] | undefined;
    if (before === undefined) throw refuse('not-found', `there is no ${kind}`);
    const patched = applyPatch(before, operations);
    if (patched.kind === 'refused') throw refuse('invalid', `422 Invalid: ${patched.why}`);
    const disowns = operations.some(({ path }) => path.startsWith('/metadata/managedFields'));
    this.replace(kind, disowns || actor === person ? patched.object : withOwner(patched.object), actor);
    return this.#objects[kind] as unknown as Objects[K];
  }

  /** A new value of everything but the status; the generation follows the spec. */
  replace<K extends Kind>(kind: K, next: Objects[K], actor: Actor): void {
    const before = this.#objects[kind] as Objects[K] | undefined;
    const changed = !isDeepEqual(before?.spec, next.spec);
    const generation = (before?.metadata?.generation ?? 0) + (changed ? 1 : 0);
    this.#store({ kind, actor, verb: 'patch', before, after: { ...next, metadata: { ...next.metadata, generation } } });
  }

  /** Written by controllers: bumps no generation. */
  replaceStatus<K extends Kind>(kind: K, next: Objects[K]): void {
    this.#store({ kind, actor: cluster, verb: 'status', before: this.#objects[kind], after: next } as Change<K>);
  }

  remove(kind: Kind, uid: string, actor: Actor): 'deleted' | 'absent' {
    const before = this.#objects[kind];
    if (before === undefined || before.metadata?.uid !== uid) return 'absent';
    delete this.#objects[kind];
    this.#tell({ kind, actor, verb: 'delete', before, after: undefined });
    return 'deleted';
  }

  #store<K extends Kind>(change: Change<K>): void {
    const after = change.after;
    if (after === undefined) return;
    this.#version += 1;
    const stored = { ...after, metadata: { ...after.metadata, resourceVersion: String(this.#version) } };
    Object.assign(this.#objects, { [change.kind]: stored });
    this.#tell({ ...change, after: stored } as unknown as Change);
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function withOwner<T extends Objects[Kind]>(object: T): T {
  const entries = object.metadata?.managedFields ?? [];
  if (entries.some((entry) => entry.manager === fieldManager)) return object;
  return { ...object, metadata: { ...object.metadata, managedFields: [...entries, { manager: fieldManager, operation: 'Update' }] } };
}
