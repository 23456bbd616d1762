import { isObject } from './json-patch.ts';
import type { Json, JsonObject, Resource } from './objects.ts';

const STRING_MAPS = new Set(['labels', 'annotations', 'matchLabels']);
const TOP_LEVEL = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
const DEFAULTED = new Set<Resource>(['deployments', 'replicasets', 'jobs', 'pods', 'services']);

/** Fills in what the API server fills in, so that a template which was read can be `test`ed whole. Changes its argument. */
export function applyDefaults(resource: Resource, object: JsonObject): void {
  if (!DEFAULTED.has(resource)) return;
  const spec = objectAt(object, 'spec');
  if (resource === 'deployments') defaultDeployment(spec);
  else if (resource === 'replicasets') {
    defaultTo(spec, { replicas: 1 });
    defaultPodSpec(objectAt(objectAt(spec, 'template'), 'spec'), 'Always');
  } else if (resource === 'jobs') {
    defaultJob(spec);
    const template = objectAt(spec, 'template');
    const labels = isObject(template['metadata']) ? template['metadata']['labels'] : undefined;
    if (isObject(labels)) defaultTo(objectAt(object, 'metadata'), { labels: { ...labels } });
  } else if (resource === 'pods') {
    defaultPodSpec(spec, 'Always');
    defaultTo(spec, { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0 });
    defaultTo(spec, { serviceAccount: 'default', serviceAccountName: 'default' });
    defaultTo(object, { status: { phase: 'Pending', qosClass: qosClass(spec) } });
  } else if (resource === 'services') defaultService(object, spec);
}

function defaultDeployment(spec: JsonObject): void {
  defaultTo(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  // Left out of the JSON where they have Go's zero value.
  if (spec['paused'] === false) delete spec['paused'];
  if (spec['minReadySeconds'] === 0) delete spec['minReadySeconds'];
  const strategy = objectAt(spec, 'strategy');
  defaultTo(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') {
    defaultTo(objectAt(strategy, 'rollingUpdate'), { maxSurge: '25%', maxUnavailable: '25%' });
  }
  const template = objectAt(spec, 'template');
  defaultPodSpec(objectAt(template, 'spec'), 'Always');
}

function defaultJob(spec: JsonObject): void {
  defaultTo(spec, { backoffLimit: 6, completionMode: 'NonIndexed', suspend: false });
  defaultTo(spec, { podReplacementPolicy: 'TerminatingOrFailed', manualSelector: false });
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) spec['completions'] = 1;
  defaultTo(spec, { parallelism: 1 });
  defaultPodSpec(objectAt(objectAt(spec, 'template'), 'spec'), undefined);
}

function defaultService(object: JsonObject, spec: JsonObject): void {
  defaultTo(spec, { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' });
  for (const port of objectsIn(spec['ports'])) {
    defaultTo(port, { protocol: 'TCP' });
    defaultTo(port, { targetPort: port['port'] ?? 0 });
  }
  defaultTo(object, { status: { loadBalancer: {} } });
}

function defaultPodSpec(spec: JsonObject, restartPolicy: string | undefined): void {
  if (restartPolicy !== undefined) defaultTo(spec, { restartPolicy });
  defaultTo(spec, { terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler' });
  defaultTo(spec, { securityContext: {} });
  for (const container of [...objectsIn(spec['containers']), ...objectsIn(spec['initContainers'])]) {
    defaultContainer(container);
  }
  for (const volume of objectsIn(spec['volumes'])) {
    for (const source of ['configMap', 'secret']) {
      if (isObject(volume[source])) defaultTo(volume[source], { defaultMode: 420 });
    }
  }
}

function defaultContainer(container: JsonObject): void {
  defaultTo(container, { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' });
  defaultTo(container, { imagePullPolicy: pullPolicy(container['image']), resources: {} });
  for (const port of objectsIn(container['ports'])) defaultTo(port, { protocol: 'TCP' });
  for (const name of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isObject(probe)) continue;
    defaultTo(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isObject(probe['httpGet'])) defaultTo(probe['httpGet'], { path: '/', scheme: 'HTTP' });
  }
  for (const variable of objectsIn(container['env'])) {
    const field = isObject(variable['valueFrom']) ? variable['valueFrom']['fieldRef'] : undefined;
    if (isObject(field)) defaultTo(field, { apiVersion: 'v1' });
  }
}

function pullPolicy(image: Json | undefined): string {
  const text = typeof image === 'string' ? image : '';
  const name = text.slice(text.lastIndexOf('/') + 1);
  return text.includes('@') || (name.includes(':') && !name.endsWith(':latest')) ? 'IfNotPresent' : 'Always';
}

function qosClass(spec: JsonObject): string {
  const resources = objectsIn(spec['containers']).map((container) => objectAt(container, 'resources'));
  const guaranteed = resources.every(({ limits, requests }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = isObject(limits) ? limits[name] : undefined;
      const request = isObject(requests) ? (requests[name] ?? limit) : limit;
      return limit !== undefined && request === limit;
    }),
  );
  if (guaranteed) return 'Guaranteed';
  const anything = resources.some(({ limits, requests }) => limits !== undefined || requests !== undefined);
  return anything ? 'Burstable' : 'BestEffort';
}

/** Members that the API does not know are dropped as it decodes; here only those at the top. */
export function dropUnknown(resource: Resource, object: JsonObject): JsonObject {
  if (!DEFAULTED.has(resource)) return object;
  return Object.fromEntries(Object.entries(object).filter(([key]) => TOP_LEVEL.has(key)));
}

/** The API stores typed objects: null members, and empty maps and lists of the metadata, are simply not there. */
export function dropEmpty(object: JsonObject): JsonObject {
  const cleaned = dropNulls(object) as JsonObject;
  const metadata = objectAt(cleaned, 'metadata');
  for (const key of ['labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields']) {
    const value = metadata[key];
    if (value !== undefined && Object.keys(value as object).length === 0) delete metadata[key];
  }
  return cleaned;
}

function dropNulls(value: Json, isStringMap = false): Json {
  if (Array.isArray(value)) return value.map((item) => dropNulls(item));
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    // A map of strings has no null: it decodes to the empty string.
    if (isStringMap) kept[key] = member ?? '';
    else if (member !== null && member !== undefined) kept[key] = dropNulls(member, STRING_MAPS.has(key));
  }
  return kept;
}

function defaultTo(object: JsonObject, values: JsonObject): void {
  for (const [key, value] of Object.entries(values)) {
    if (object[key] === undefined) object[key] = value;
  }
}

/** The object under a key, made if it is missing. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  if (isObject(found)) return found;
  const made: JsonObject = {};
  object[key] = made;
  return made;
}

export function objectsIn(list: Json | undefined): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
