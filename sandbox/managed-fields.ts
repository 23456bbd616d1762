import { equal } from './equal.ts';
import { isObject } from './json-patch.ts';
import type { Condition, Json, JsonObject, ManagedFieldsEntry } from './objects.ts';

/** Lists whose items are told apart by a key; every other list belongs to its manager as a whole. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  ownerReferences: ['uid'],
  conditions: ['type'],
};
const ATOMIC = new Set(['selector', 'fieldRef', 'configMapKeyRef', 'secretKeyRef']);
const MAPS = new Set(['labels', 'annotations', 'matchLabels', 'limits', 'requests', 'data', 'hard']);
/** Structures that may be missing as a whole have an entry for themselves. */
const POINTERS = new Set([
  ...['rollingUpdate', 'readinessProbe', 'livenessProbe', 'startupProbe', 'httpGet', 'tcpSocket', 'exec'],
  ...['lifecycle', 'preStop', 'postStart', 'sleep', 'valueFrom', 'resources'],
]);
const IDENTITY = new Set([
  'apiVersion',
  'kind',
  'status',
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
]);

export interface Managing {
  readonly manager: string;
  readonly apiVersion: string;
  readonly time: string;
}

/** The managedFields after a write by `manager`: what it changed is its own now, and nobody else's. */
export function manageFields(
  entries: readonly ManagedFieldsEntry[],
  before: JsonObject | undefined,
  after: JsonObject,
  managing: Managing,
): readonly ManagedFieldsEntry[] {
  const had = before === undefined ? new Map<string, Json>() : leavesOf(before);
  const has = leavesOf(after);
  const changed = [...has].filter(([path, value]) => !had.has(path) || !equal(had.get(path), value)).map(([path]) => path);
  const removed = [...had.keys()].filter((path) => !has.has(path));
  if (changed.length === 0 && removed.length === 0) return entries;
  const taken = new Set([...changed.filter((path) => !path.endsWith('\t.')), ...removed]);
  const kept: ManagedFieldsEntry[] = [];
  let own: ReadonlySet<string> = new Set();
  let ownBefore: ManagedFieldsEntry | undefined;
  for (const entry of entries) {
    const paths = readFields(entry.fieldsV1);
    if (entry.manager === managing.manager && entry.operation === 'Update' && entry.subresource === undefined) {
      own = paths;
      ownBefore = entry;
      continue;
    }
    const left = [...paths].filter((path) => !taken.has(path));
    if (left.length === paths.size) kept.push(entry);
    else if (left.length > 0) kept.push({ ...entry, fieldsV1: writeFields(left) });
  }
  const mine = new Set([...[...own].filter((path) => !removed.includes(path)), ...changed]);
  if (mine.size === 0) return kept;
  const fieldsV1 = writeFields([...mine]);
  const { manager, apiVersion, time } = managing;
  const same = ownBefore !== undefined && equal(fieldsV1, ownBefore.fieldsV1);
  const entry: ManagedFieldsEntry = {
    manager,
    operation: 'Update',
    apiVersion,
    time: same && ownBefore !== undefined ? ownBefore.time : time,
    fieldsType: 'FieldsV1',
    fieldsV1,
  };
  return sortEntries([...kept, entry]);
}

/** The entry of the Deployment controller: the status, and the annotation that it writes along with it. */
export function manageStatus(
  entries: readonly ManagedFieldsEntry[],
  status: object,
  managing: Managing & { readonly annotation?: string },
): readonly ManagedFieldsEntry[] {
  const fields: JsonObject = {};
  for (const key of Object.keys(status)) fields[`f:${key}`] = {};
  const { conditions } = status as { conditions?: readonly Condition[] };
  // A Job's conditions are one atomic list, a Deployment's are told apart by their type.
  if (conditions !== undefined && managing.apiVersion === 'apps/v1') fields['f:conditions'] = conditionFields(conditions);
  const annotation = { 'f:metadata': { 'f:annotations': { '.': {}, [`f:${managing.annotation}`]: {} } } };
  const isOwn = (entry: ManagedFieldsEntry) => entry.manager === managing.manager && entry.subresource === 'status';
  const entry: ManagedFieldsEntry = {
    ...{ manager: managing.manager, operation: 'Update', apiVersion: managing.apiVersion, time: managing.time },
    fieldsType: 'FieldsV1',
    fieldsV1: { ...(managing.annotation === undefined ? {} : annotation), 'f:status': fields },
    subresource: 'status',
  };
  return sortEntries([...entries.filter((other) => !isOwn(other)), entry]);
}

function conditionFields(conditions: readonly Condition[]): JsonObject {
  const items = conditions.map((condition) => {
    const members = Object.keys(condition).map((member) => [`f:${member}`, {}] as const);
    return [`k:${JSON.stringify({ type: condition.type })}`, { '.': {}, ...Object.fromEntries(members) }] as const;
  });
  return { '.': {}, ...Object.fromEntries(items) };
}

function sortEntries(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const rank = (entry: ManagedFieldsEntry) => `${entry.operation} ${entry.time} ${entry.manager} ${entry.subresource ?? ''}`;
  return [...entries].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}

/** Paths are joined by tabs, which occur in no key of the API. */
function leavesOf(object: JsonObject): Map<string, Json> {
  const leaves = new Map<string, Json>();
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  for (const [key, value] of Object.entries(object)) {
    if (!IDENTITY.has(key) && key !== 'metadata') walk(`f:${key}`, key, value, leaves);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (!IDENTITY.has(key)) walk(`f:metadata\tf:${key}`, key, value, leaves);
  }
  return leaves;
}

function walk(path: string, key: string, value: Json, leaves: Map<string, Json>): void {
  if (Array.isArray(value)) {
    const names = key === 'ports' ? portKeys(path) : LIST_KEYS[key];
    const keyed = names !== undefined && value.every((item) => isObject(item) && names.every((name) => name in item));
    if (key === 'finalizers') {
      leaves.set(`${path}\t.`, null);
      for (const item of value) leaves.set(`${path}\tv:${JSON.stringify(item)}`, item);
    } else if (keyed) {
      // A list that must be there has no entry for itself.
      if (key !== 'containers') leaves.set(`${path}\t.`, null);
      for (const item of value) walkItem(path, names, item as JsonObject, leaves);
    } else leaves.set(path, value);
    return;
  }
  const isSelectorMap = ATOMIC.has(key);
  if (!isObject(value) || isSelectorMap || Object.keys(value).length === 0) {
    leaves.set(path, value);
    return;
  }
  if (MAPS.has(key) || POINTERS.has(key)) leaves.set(`${path}\t.`, null);
  for (const [member, inner] of Object.entries(value)) walk(`${path}\tf:${member}`, member, inner, leaves);
}

function portKeys(path: string): readonly string[] {
  return path.includes('f:containers') ? ['containerPort', 'protocol'] : ['port', 'protocol'];
}

function walkItem(path: string, names: readonly string[], item: JsonObject, leaves: Map<string, Json>): void {
  const key = JSON.stringify(Object.fromEntries(names.map((name) => [name, item[name]])));
  const at = `${path}\tk:${key}`;
  if (path.endsWith('f:ownerReferences')) {
    leaves.set(at, item);
    return;
  }
  leaves.set(`${at}\t.`, null);
  for (const [member, inner] of Object.entries(item)) walk(`${at}\tf:${member}`, member, inner, leaves);
}

function readFields(fields: JsonObject, prefix = ''): Set<string> {
  const paths = new Set<string>();
  for (const [key, value] of Object.entries(fields)) {
    const path = prefix === '' ? key : `${prefix}\t${key}`;
    if (!isObject(value) || Object.keys(value).length === 0) paths.add(path);
    else for (const inner of readFields(value, path)) paths.add(inner);
  }
  return paths;
}

function writeFields(paths: readonly string[]): JsonObject {
  const fields: JsonObject = {};
  for (const path of [...paths].sort()) {
    let at = fields;
    for (const key of path.split('\t')) {
      const next = at[key];
      const inner: JsonObject = isObject(next) ? next : {};
      at[key] = inner;
      at = inner;
    }
  }
  return fields;
}
