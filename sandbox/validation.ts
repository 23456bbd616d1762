import { objectsIn } from './defaults.ts';
import { equal } from './equal.ts';
import { isObject } from './json-patch.ts';
import type { Json, JsonObject, LabelSelector, Resource, StringMap } from './objects.ts';
import { matchesSelector } from './selector.ts';
import type { Cause } from './status.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const ANNOTATIONS_BYTES_MAX = 262_144;

const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_LABEL_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What the API server would refuse with 422; the rules that a rollout can run into, not all of them. */
export function validate(resource: Resource, object: JsonObject, previous: JsonObject | undefined): readonly Cause[] {
  const causes: Cause[] = [];
  const spec = isObject(object['spec']) ? object['spec'] : {};
  checkMetadata(resource, object, previous, causes);
  if (resource === 'deployments') checkDeployment(spec, causes);
  if (resource === 'deployments' || resource === 'replicasets') checkSelector(spec, causes);
  if (resource === 'jobs') checkJob(spec, causes);
  if (resource === 'services' && objectsIn(spec['ports']).length === 0 && spec['clusterIP'] !== 'None') {
    causes.push({ field: 'spec.ports', reason: 'FieldValueRequired', message: 'Required value' });
  }
  if (previous !== undefined) checkImmutable(resource, spec, previous, causes);
  return causes;
}

const NUMBERS = new Set([
  ...['replicas', 'minReadySeconds', 'progressDeadlineSeconds', 'revisionHistoryLimit', 'terminationGracePeriodSeconds'],
  ...['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'],
]);
const OBJECTS = new Set(['template', 'metadata', 'spec', 'strategy', 'rollingUpdate']);
const STRING_MAPS = new Set(['labels', 'annotations', 'matchLabels']);

/** The first member that has another JSON type than the API's own; the API server cannot decode such an object. */
export function misfit(object: JsonObject, path = ''): string | undefined {
  for (const [key, value] of Object.entries(object)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (NUMBERS.has(key) && typeof value !== 'number') return at;
    if (OBJECTS.has(key) && !isObject(value)) return at;
    if (STRING_MAPS.has(key) && (!isObject(value) || Object.values(value).some((item) => typeof item !== 'string'))) return at;
    const inner = OBJECTS.has(key) && isObject(value) ? misfit(value, at) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function checkMetadata(resource: Resource, object: JsonObject, previous: JsonObject | undefined, causes: Cause[]): void {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const name = String(metadata['name'] ?? '');
  const [pattern, message, lengthMax] =
    resource === 'services'
      ? ([DNS_LABEL, DNS_LABEL_MESSAGE, 63] as const)
      : ([SUBDOMAIN, SUBDOMAIN_MESSAGE, resource === 'jobs' ? 63 : 253] as const);
  if (name === '') {
    const message = 'Required value: name or generateName is required';
    causes.push({ field: 'metadata.name', reason: 'FieldValueRequired', message });
  } else if (!pattern.test(name)) causes.push(badValue('metadata.name', name, message));
  if (name.length > lengthMax) {
    // A Job's name becomes the value of two labels of its template, and that is where it is too long.
    const field = resource === 'jobs' ? 'spec.template.labels' : 'metadata.name';
    causes.push(badValue(field, name, `must be no more than ${lengthMax} characters`));
    if (resource === 'jobs') causes.push(badValue(field, name, `must be no more than ${lengthMax} characters`));
    return;
  }
  for (const value of Object.values((metadata['labels'] ?? {}) as StringMap)) {
    if (value.length > 63) causes.push(badValue('metadata.labels', value, 'must be no more than 63 characters'));
    else if (!LABEL_VALUE.test(value)) causes.push(badValue('metadata.labels', value, LABEL_VALUE_MESSAGE));
  }
  const annotations = Object.entries((metadata['annotations'] ?? {}) as StringMap);
  if (annotations.reduce((bytes, [key, value]) => bytes + key.length + value.length, 0) > ANNOTATIONS_BYTES_MAX) {
    const tooLong = `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`;
    causes.push({ field: 'metadata.annotations', reason: 'FieldValueTooLong', message: tooLong });
  }
  for (const owner of objectsIn(metadata['ownerReferences'])) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (owner[field] !== undefined && owner[field] !== '') continue;
      causes.push(badValue(`metadata.ownerReferences.${field}`, '', 'must not be empty'));
    }
  }
  if (previous === undefined || !isObject(previous['metadata'])) return;
  for (const field of ['uid', 'creationTimestamp']) {
    if (equal(metadata[field], previous['metadata'][field])) continue;
    causes.push(badValue(`metadata.${field}`, metadata[field] ?? '', 'field is immutable'));
  }
}

function checkDeployment(spec: JsonObject, causes: Cause[]): void {
  checkNotNegative(spec, ['replicas', 'minReadySeconds', 'revisionHistoryLimit'], causes);
  const strategy = isObject(spec['strategy']) ? spec['strategy'] : {};
  const rolling = strategy['rollingUpdate'];
  if (strategy['type'] === 'Recreate' && rolling !== undefined) {
    const message = "Forbidden: may not be specified when strategy `type` is 'Recreate'";
    causes.push({ field: 'spec.strategy.rollingUpdate', reason: 'FieldValueForbidden', message });
  }
  if (isObject(rolling)) {
    const { maxSurge, maxUnavailable } = rolling as { maxSurge?: Json; maxUnavailable?: Json };
    if (isZero(maxSurge) && isZero(maxUnavailable)) {
      const message = 'may not be 0 when `maxSurge` is 0';
      causes.push(badValue('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable ?? 0, message));
    }
  }
  if (Number(spec['progressDeadlineSeconds']) <= Number(spec['minReadySeconds'] ?? 0)) {
    const message = 'must be greater than minReadySeconds';
    causes.push(badValue('spec.progressDeadlineSeconds', spec['progressDeadlineSeconds'] ?? 0, message));
  }
}

function isZero(value: Json | undefined): boolean {
  return value === 0 || value === '0%';
}

const MISMATCH = '`selector` does not match template `labels`';

function checkSelector(spec: JsonObject, causes: Cause[]): void {
  const template = isObject(spec['template']) ? spec['template'] : {};
  const labels = isObject(template['metadata']) ? template['metadata']['labels'] : undefined;
  const selector = spec['selector'];
  if (!isObject(selector)) {
    causes.push({ field: 'spec.selector', reason: 'FieldValueRequired', message: 'Required value' });
    causes.push(badValue('spec.template.metadata.labels', labels ?? null, MISMATCH));
  } else if (Object.keys(selector).length === 0) {
    causes.push(badValue('spec.selector', {}, 'empty selector is invalid for deployment'));
  } else if (!matchesSelector(selector as LabelSelector, (labels ?? {}) as StringMap)) {
    causes.push(badValue('spec.template.metadata.labels', labels ?? null, MISMATCH));
  }
  checkContainers(template, causes);
}

function checkContainers(template: JsonObject, causes: Cause[]): void {
  const podSpec = isObject(template['spec']) ? template['spec'] : {};
  const containers = objectsIn(podSpec['containers']);
  const field = 'spec.template.spec.containers';
  if (containers.length === 0) causes.push({ field, reason: 'FieldValueRequired', message: 'Required value' });
  containers.forEach((container, index) => {
    for (const key of ['name', 'image']) {
      if (typeof container[key] === 'string' && container[key] !== '') continue;
      causes.push({ field: `${field}[${index}].${key}`, reason: 'FieldValueRequired', message: 'Required value' });
    }
    if (containers.findIndex((other) => other['name'] === container['name']) === index) return;
    const message = `Duplicate value: ${JSON.stringify(container['name'])}`;
    causes.push({ field: `${field}[${index}].name`, reason: 'FieldValueDuplicate', message });
  });
}

function checkJob(spec: JsonObject, causes: Cause[]): void {
  const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];
  checkNotNegative(spec, counts, causes);
  const template = isObject(spec['template']) ? spec['template'] : {};
  checkContainers(template, causes);
  const policy = isObject(template['spec']) ? template['spec']['restartPolicy'] : undefined;
  if (policy === undefined || policy === 'Always') {
    const field = 'spec.template.spec.restartPolicy';
    const message = 'Required value: valid values: "OnFailure", "Never"';
    causes.push({ field, reason: 'FieldValueRequired', message });
  }
}

function checkImmutable(resource: Resource, spec: JsonObject, previous: JsonObject, causes: Cause[]): void {
  const before = isObject(previous['spec']) ? previous['spec'] : {};
  const fields: Partial<Record<Resource, readonly string[]>> = {
    deployments: ['selector'],
    replicasets: ['selector'],
    jobs: ['completions', 'selector', 'template', 'completionMode'],
  };
  for (const field of fields[resource] ?? []) {
    if (equal(spec[field], before[field])) continue;
    causes.push(badValue(`spec.${field}`, spec[field] ?? null, 'field is immutable'));
  }
}

function checkNotNegative(spec: JsonObject, fields: readonly string[], causes: Cause[]): void {
  for (const field of fields) {
    const value = spec[field];
    if (typeof value !== 'number' || value >= 0) continue;
    causes.push(badValue(`spec.${field}`, value, 'must be greater than or equal to 0'));
  }
}

function badValue(field: string, value: Json, message: string): Cause {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${message}` };
}
