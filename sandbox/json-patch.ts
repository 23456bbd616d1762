import { equal } from './equal.ts';
import type { Json, JsonObject } from './objects.ts';
import { Refusal } from './status.ts';

/**
 * RFC 6902 as the API server's library reads it, compared with a real one: a missing member equals null for `test`,
 * can be replaced, and is copied as null, as long as its parent exists.
 */
export function applyJsonPatch(document: JsonObject, operations: readonly Operation[]): JsonObject | undefined {
  let root: Json = structuredClone(document);
  try {
    for (const operation of operations) root = applyOperation(root, operation);
  } catch (error) {
    if (error instanceof PatchFailure) return undefined;
    throw error;
  }
  return isObject(root) ? root : undefined;
}

export interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

class PatchFailure extends Error {}

/**
 * A real API server (1.34) panics at a `test` without a value where nothing is, and hangs up. `{op: 'test', value: undefined}`
 * loses its value on the wire: whoever sends that should hear of it.
 */
function panic(path: string): Refusal {
  return new Refusal(500, 'InternalError', `panic: test of ${path} without a value, where nothing is`);
}

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/** undefined when this is not a JSON Patch at all (the API server then answers 400, not 422). */
export function parseJsonPatch(body: unknown): readonly Operation[] | undefined {
  if (!Array.isArray(body)) return undefined;
  const operations: Operation[] = [];
  for (const item of body as readonly Json[]) {
    if (!isObject(item)) return undefined;
    const { op, path, from, value } = item as { op?: Json; path?: Json; from?: Json; value?: Json };
    operations.push({
      op: typeof op === 'string' && OPERATIONS.has(op) ? op : 'unknown',
      path: typeof path === 'string' ? path : '\u0000',
      ...(typeof from === 'string' ? { from } : {}),
      ...(value === undefined ? {} : { value }),
    });
  }
  return operations;
}

function applyOperation(root: Json, operation: Operation): Json {
  const { op, path } = operation;
  const value = operation.value ?? null;
  if (op === 'test') {
    const found = path === '' ? root : readMember(...parentOf(root, path));
    if (found === undefined && operation.value === undefined) throw panic(path);
    if (!equal(found ?? null, value)) throw new PatchFailure(`test ${path}`);
    return root;
  }
  if (op === 'add') return put(root, path, structuredClone(value), 'insert');
  if (op === 'replace') return put(root, path, structuredClone(value), 'overwrite');
  if (op === 'remove') {
    take(root, path);
    return root;
  }
  if (op === 'move') return put(root, path, take(root, operation.from ?? '\u0000'), 'insert');
  if (op === 'copy') {
    const source = readMember(...parentOf(root, operation.from ?? '\u0000'));
    return put(root, path, structuredClone(source ?? null), 'insert');
  }
  throw new PatchFailure(`unknown operation ${op}`);
}

function parentOf(root: Json, path: string): [parent: Json[] | JsonObject, key: string] {
  // What stands before the first slash is not looked at.
  if (!path.includes('/')) throw new PatchFailure(`path ${path}`);
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let parent: Json | undefined = root;
  for (const key of keys) {
    if (!isContainer(parent)) throw new PatchFailure(`missing path ${path}`);
    parent = readMember(parent, key);
  }
  if (!isContainer(parent)) throw new PatchFailure(`missing path ${path}`);
  return [parent, last];
}

function readMember(parent: Json[] | JsonObject, key: string): Json | undefined {
  if (!Array.isArray(parent)) return Object.hasOwn(parent, key) ? parent[key] : undefined;
  return parent[indexIn(parent, key, parent.length - 1)];
}

function put(root: Json, path: string, value: Json, how: 'insert' | 'overwrite'): Json {
  if (path === '') return value;
  const [parent, key] = parentOf(root, path);
  if (Array.isArray(parent)) {
    if (how === 'overwrite') parent[indexIn(parent, key, parent.length - 1)] = value;
    else parent.splice(key === '-' ? parent.length : indexIn(parent, key, parent.length), 0, value);
    return root;
  }
  parent[key] = value;
  return root;
}

function take(root: Json, path: string): Json {
  const [parent, key] = parentOf(root, path);
  const value = readMember(parent, key);
  if (value === undefined) throw new PatchFailure(`remove ${path}`);
  if (Array.isArray(parent)) parent.splice(indexIn(parent, key, parent.length - 1), 1);
  else delete parent[key];
  return value;
}

/** The API server's library counts negative indices from the end. */
function indexIn(list: readonly Json[], key: string, max: number): number {
  if (!/^-?\d+$/.test(key)) throw new PatchFailure(`index ${key}`);
  const index = Number(key) < 0 ? Number(key) + max + 1 : Number(key);
  if (index < 0 || index > max || max < 0) throw new PatchFailure(`index ${key} of ${list.length}`);
  return index;
}

function isContainer(value: Json | undefined): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
