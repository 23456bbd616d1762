import { dropEmpty, dropUnknown, objectAt } from './defaults.ts';
import { equal } from './equal.ts';
import { manageFields } from './managed-fields.ts';
import type { JsonObject, ManagedFieldsEntry, Metadata, Plain, Resource, Stored } from './objects.ts';
import { namespaceOf } from './objects.ts';
import type { Random } from './random.ts';
import { apiVersionOf, type ResourceInfo } from './resources.ts';
import { badRequest, conflict, invalid, Refusal } from './status.ts';
import { misfit } from './validation.ts';

const WITH_GENERATION = new Set<Resource>([
  'deployments',
  'replicasets',
  'jobs',
  'pods',
  'ingresses',
  'httproutes',
  'poddisruptionbudgets',
  'networkpolicies',
  'endpointslices',
]);
const WITHOUT_STATUS = new Set<Resource>(['configmaps', 'secrets', 'events', 'endpointslices', 'serviceaccounts']);

export function prepareNew(info: ResourceInfo, namespace: string, body: JsonObject, random: Random, time: string): JsonObject {
  const object = dropUnknown(info.resource, dropEmpty(body));
  const wrong = misfit(object);
  if (wrong !== undefined) throw badRequest(`${info.kind} in version "${info.version}" cannot be handled as a ${info.kind}: ${wrong}`);
  if (object['kind'] !== undefined && object['kind'] !== info.kind) {
    const version = String(object['apiVersion']).replace(/^.*\//, '');
    const internal = `${info.group === '' ? 'core' : info.group}.${info.kind}`;
    const why = `converting (${version}.${String(object['kind'])}) to (${internal}): unknown conversion`;
    throw badRequest(`${String(object['kind'])} in version "${version}" cannot be handled as a ${info.kind}: ${why}`);
  }
  const metadata = objectAt(object, 'metadata');
  if (info.namespaced && metadata['namespace'] !== undefined && metadata['namespace'] !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (metadata['resourceVersion'] !== undefined) {
    throw new Refusal(500, '', 'resourceVersion should not be set on objects to be created');
  }
  if (metadata['name'] === undefined && typeof metadata['generateName'] === 'string') {
    metadata['name'] = metadata['generateName'] + random.suffix(5);
  }
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _g, selfLink: _s, managedFields: _m, ...given } = metadata;
  object['metadata'] = {
    ...given,
    ...(info.namespaced ? { namespace } : {}),
    uid: random.uuid(),
    creationTimestamp: time,
    ...(WITH_GENERATION.has(info.resource) ? { generation: 1 } : {}),
  };
  if (!WITHOUT_STATUS.has(info.resource)) delete object['status'];
  if (['deployments', 'replicasets', 'jobs'].includes(info.resource)) object['status'] = {};
  return { ...object, apiVersion: apiVersionOf(info), kind: info.kind };
}

export function prepareUpdate(info: ResourceInfo, current: Stored, body: JsonObject): JsonObject {
  const object = dropUnknown(info.resource, dropEmpty(body));
  const wrong = object['kind'] === info.kind || object['kind'] === undefined ? misfit(object) : 'kind';
  if (wrong !== undefined) {
    const cause = {
      field: 'patch',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(JSON.stringify(body))}: ${wrong}`,
    };
    throw new Refusal(422, 'Invalid', ` "" is invalid: patch: ${cause.message}`, { causes: [cause] });
  }
  const metadata = objectAt(object, 'metadata');
  const before = json(current.metadata);
  if (metadata['name'] !== current.metadata.name) {
    throw badRequest(`the name of the object (${String(metadata['name'])}) does not match the name on the URL (${current.metadata.name})`);
  }
  if ((metadata['namespace'] ?? namespaceOf(current)) !== namespaceOf(current)) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const version = metadata['resourceVersion'];
  if (version !== undefined && version !== current.metadata.resourceVersion) {
    throw conflict(
      info,
      current.metadata.name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
  const added = ((metadata['finalizers'] ?? []) as string[]).filter((name) => !(current.metadata.finalizers ?? []).includes(name));
  if (current.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
    throw invalid(info, current.metadata.name, [{ field: 'metadata.finalizers', reason: 'FieldValueForbidden', message }]);
  }
  for (const key of ['namespace', 'resourceVersion', 'generation', 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
    if (before[key] === undefined) delete metadata[key];
    else metadata[key] = before[key];
  }
  // Without any, the entries of the stored object stay; a list with one empty entry would clear them.
  for (const key of ['uid', 'creationTimestamp', 'managedFields']) {
    const value = metadata[key] ?? before[key];
    if (value !== undefined) metadata[key] = value;
  }
  if (!WITHOUT_STATUS.has(info.resource)) {
    const status = json(current)['status'];
    if (status === undefined) delete object['status'];
    else object['status'] = status;
  }
  return { ...object, apiVersion: apiVersionOf(info), kind: info.kind };
}

export function bumpGeneration(resource: Resource, object: JsonObject, before: JsonObject): void {
  const metadata = objectAt(object, 'metadata');
  const generation = metadata['generation'];
  const annotations = objectAt(before, 'metadata')['annotations'];
  const annotated = resource === 'deployments' && !equal(metadata['annotations'], annotations);
  if (typeof generation !== 'number' || (equal(object['spec'], before['spec']) && !annotated)) return;
  metadata['generation'] = generation + 1;
}

export function ownedBy(object: JsonObject, before: JsonObject | undefined, manager: string, time: string): JsonObject[] {
  const metadata = objectAt(object, 'metadata');
  const entries = (metadata['managedFields'] ?? []) as unknown as readonly ManagedFieldsEntry[];
  const managing = { manager, apiVersion: String(object['apiVersion']), time };
  return manageFields(entries, before, object, managing) as unknown as JsonObject[];
}

export function allocateAddress(object: JsonObject, random: Random): void {
  const spec = objectAt(object, 'spec');
  spec['clusterIP'] ??= `10.96.${Math.floor(random.next() * 255)}.${1 + Math.floor(random.next() * 254)}`;
  spec['clusterIPs'] ??= [spec['clusterIP']];
  spec['ipFamilies'] ??= ['IPv4'];
  spec['ipFamilyPolicy'] ??= 'SingleStack';
}

/** The Job controller's labels, by which a Job finds its pods; the API server writes them at creation. */
export function selectOwnPods(object: JsonObject): void {
  const metadata = objectAt(object, 'metadata');
  const spec = objectAt(object, 'spec');
  if (spec['manualSelector'] === true) return;
  const uid = String(metadata['uid']);
  const labels = objectAt(objectAt(objectAt(spec, 'template'), 'metadata'), 'labels');
  const name = String(metadata['name']);
  // A Job without labels of its own has its template's: the same map, so it gets what the template gets.
  const isShared = metadata['labels'] === undefined || equal(metadata['labels'], labels);
  Object.assign(labels, { 'controller-uid': uid, 'batch.kubernetes.io/controller-uid': uid });
  Object.assign(labels, { 'job-name': name, 'batch.kubernetes.io/job-name': name });
  spec['selector'] = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  if (isShared) metadata['labels'] = { ...labels };
}

export function json(object: Plain | Metadata): JsonObject {
  return object as unknown as JsonObject;
}

export function stored(object: JsonObject): Stored {
  return object as unknown as Stored;
}
