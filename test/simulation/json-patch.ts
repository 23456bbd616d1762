import type { JsonPatchOperation } from '../../src/kubernetes/patches/patch.ts';

type Json = Record<string, unknown>;

export type Patched<T> = { readonly kind: 'patched'; readonly object: T } | { readonly kind: 'refused'; readonly why: string };

/** RFC 6902 as the API server does it: all operations or none, and a `test` of null passes where the last segment is missing. */
export function applyPatch<T extends object>(object: T, operations: readonly JsonPatchOperation[]): Patched<T> {
  const copy = { ...object };
  for (const operation of operations) {
    const why = applyOne(copy as Json, operation);
    if (why !== undefined) return { kind: 'refused', why };
  }
  return { kind: 'patched', object: copy };
}

/** Copies what lies on its way: the object before the patch stays as it was. */
function applyOne(root: Json, operation: JsonPatchOperation): string | undefined {
  const segments = operation.path.split('/').slice(1).map(keyOf);
  const last = segments.pop() ?? '';
  let container = root;
  for (const segment of segments) {
    const next = container[segment];
    if (!isContainer(next)) return `${operation.op} ${operation.path}: missing path`;
    const copy = (Array.isArray(next) ? [...next] : { ...next }) as Json;
    container[segment] = copy;
    container = copy;
  }
  switch (operation.op) {
    case 'test':
      return isDeepEqual(container[last] ?? null, operation.value) ? undefined : `test ${operation.path} failed`;
    case 'add':
      container[last] = operation.value;
      return undefined;
    case 'replace':
      if (container[last] === undefined) return `replace ${operation.path}: missing path`;
      container[last] = operation.value;
      return undefined;
    case 'remove':
      if (container[last] === undefined) return `remove ${operation.path}: missing path`;
      if (Array.isArray(container)) container.splice(Number(last), 1);
      else delete container[last];
      return undefined;
  }
}

function isContainer(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

export function isDeepEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isContainer(one) || !isContainer(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => isDeepEqual(one[key], other[key]));
}

function keyOf(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
