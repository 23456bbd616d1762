import { isObject } from './json-patch.ts';
import type { JsonObject } from './objects.ts';
import { Refusal } from './status.ts';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Who a bearer token is, and its Roles: each for one namespace, or for all when none is named. */
export interface Identity {
  readonly user: string;
  readonly roles: 'all' | readonly { readonly namespace?: string; readonly rules: readonly PolicyRule[] }[];
}

export interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `pods/log`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export const ADMIN: Identity = { user: 'admin', roles: 'all' };

export function identify(tokens: Readonly<Record<string, Identity>>, authorization: string | undefined): Identity {
  if (Object.keys(tokens).length === 0) return ADMIN;
  const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  const identity = token !== undefined && Object.hasOwn(tokens, token) ? tokens[token] : undefined;
  if (identity === undefined) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  return identity;
}

export function isAllowed(identity: Identity, attributes: Attributes): boolean {
  if (identity.roles === 'all') return true;
  return identity.roles.some(
    ({ namespace, rules }) =>
      (namespace === undefined || namespace === attributes.namespace) && rules.some((rule) => covers(rule, attributes)),
  );
}

function covers(rule: PolicyRule, { verb, group, resource, name }: Attributes): boolean {
  const has = (list: readonly string[], value: string) => list.includes(value) || list.includes('*');
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group) || !has(rule.resources, resource)) return false;
  // A request without a name (create, list) is never covered by a rule that names objects.
  return rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(name);
}

export function checkAccess(identity: Identity, attributes: Attributes): void {
  if (isAllowed(identity, attributes)) return;
  const { verb, group, resource, namespace, name } = attributes;
  const [plural, subresource] = resource.split('/');
  const subject = group === '' ? plural : `${plural}.${group}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message = `${subject}${name === '' ? '' : ` "${name}"`} is forbidden: User "${identity.user}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
  throw new Refusal(403, 'Forbidden', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: subresource === undefined ? resource : (plural ?? ''),
  });
}

/** The answer to a SelfSubjectAccessReview, which everybody may create. */
export function reviewAccess(identity: Identity, body: JsonObject): JsonObject {
  const spec = isObject(body['spec']) ? body['spec'] : {};
  const asked = isObject(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  const text = (key: string) => (typeof asked[key] === 'string' ? asked[key] : '');
  const subresource = text('subresource');
  const allowed = isAllowed(identity, {
    verb: text('verb'),
    group: text('group'),
    resource: subresource === '' ? text('resource') : `${text('resource')}/${subresource}`,
    namespace: text('namespace'),
    name: text('name'),
  });
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { ...spec, resourceAttributes: Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== '')) },
    status: allowed ? { allowed, reason: `RBAC: allowed for User "${identity.user}"` } : { allowed },
  };
}
