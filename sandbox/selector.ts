import { isObject } from './json-patch.ts';
import type { Expression, Json, JsonObject, LabelSelector, Resource, StringMap } from './objects.ts';
import { badRequest } from './status.ts';

export function matchesLabels(selector: StringMap, labels: StringMap | undefined): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value);
}

export function matchesSelector(selector: LabelSelector, labels: StringMap | undefined): boolean {
  return (
    matchesLabels(selector.matchLabels ?? {}, labels) &&
    (selector.matchExpressions ?? []).every((expression) => matchesExpression(expression, labels))
  );
}

function matchesExpression({ key, operator, values }: Expression, labels: StringMap | undefined): boolean {
  const value = labels?.[key];
  switch (operator) {
    case 'In':
      return value !== undefined && (values ?? []).includes(value);
    case 'NotIn':
      return value === undefined || !(values ?? []).includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** The query parameter `labelSelector`: `a=b,c!=d,e in (f,g),!h,i`. */
export function parseLabelSelector(text: string): LabelSelector {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  if (text.trim() !== '' && parts.includes('')) throw badRequest("found '', expected: identifier after ','");
  const matchExpressions = parts.filter((part) => part !== '').map((part) => parseRequirement(part, text));
  return { matchExpressions };
}

function parseRequirement(part: string, whole: string): Expression {
  const set = /^([^\s=!,()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const relation = /^([^\s=!,()]+)\s*(==|=|!=)\s*([^\s=!,()]*)$/.exec(part);
  if (relation !== null) {
    return { key: relation[1] ?? '', operator: relation[2] === '!=' ? 'NotIn' : 'In', values: [relation[3] ?? ''] };
  }
  const presence = /^(!?)\s*([^\s=!,()]+)$/.exec(part);
  if (presence === null) throw badRequest(`unable to parse requirement: ${whole}`);
  return { key: presence[2] ?? '', operator: presence[1] === '!' ? 'DoesNotExist' : 'Exists' };
}

const FIELDS: Partial<Record<Resource, readonly string[]>> = {
  pods: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'status.podIP'],
  events: ['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid', 'reason', 'type'],
  jobs: ['status.successful'],
  replicasets: ['status.replicas'],
};

export function checkFields(resource: Resource, text: string): void {
  const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[resource] ?? [])];
  for (const part of text.split(',')) {
    const field = /^([^=!]+)(==|=|!=)/.exec(part)?.[1];
    if (field === undefined || known.includes(field)) continue;
    throw badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
}

/** The query parameter `fieldSelector`: `involvedObject.uid=x,type!=Normal`. A missing field compares as "". */
export function matchesFields(text: string, object: JsonObject): boolean {
  return text
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const parsed = /^([\w.[\]/-]+)(==|=|!=)(.*)$/.exec(part);
      if (parsed === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const found = readPath(object, parsed[1] ?? '');
      return (found === (parsed[3] ?? '')) === (parsed[2] !== '!=');
    });
}

function readPath(object: JsonObject, path: string): string {
  let value: Json | undefined = object;
  for (const key of path.split('.')) value = isObject(value) ? value[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
