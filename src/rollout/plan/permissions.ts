import { type Names, namesFor } from '../names.ts';
import type { Strategy } from '../spec.ts';

/** One thing that the API server must allow; `name` where it can be limited to one object. */
export type Permission = {
  readonly namespace: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly verb: string;
};

export type PermissionNeeds = {
  readonly namespace: string;
  readonly deployment: string;
  readonly names: Names;
  readonly logs: boolean;
  readonly claims: readonly string[];
  /** Whether ConfigMaps are released. */
  readonly configMaps?: boolean;
  /** Whether the pods themselves are asked through the API server's proxy; their names are not known beforehand. */
  readonly podsProxy?: boolean;
  /** Canary where it is left out. */
  readonly strategy?: Strategy;
  /** Blue-green: the Services that are flipped, as far as they are known. */
  readonly flipped?: readonly string[];
  /** Blue-green: how the smoke test reaches green, `NAME:PORT` of the preview Service; undefined without a smoke test. */
  readonly previewed?: string | undefined;
  /** The second Deployment of a pair that the user keeps. */
  readonly pair?: string | undefined;
  /** The Service that is asked through the API server's proxy. */
  readonly proxied: { readonly namespace: string; readonly nameAndPort: string } | undefined;
  /** The Service that the probe asks in the same way. */
  readonly probed?: { readonly namespace: string; readonly nameAndPort: string } | undefined;
};

/** Every verb that the plan may use: the smallest Role. Create and list cannot be limited by name. */
export function permissionsFor(needs: PermissionNeeds): readonly Permission[] {
  const { namespace, deployment, names } = needs;
  const permission = (group: string, resource: string, verbs: readonly string[], name?: string): readonly Permission[] =>
    verbs.map((verb) => ({ namespace, group, resource, name, verb }));
  return [
    ...permission('batch', 'jobs', ['create']),
    ...permission('batch', 'jobs', ['get', 'patch', 'delete'], names.job),
    // Of a pair both exist already, and rolling has no second one.
    ...(needs.pair === undefined && needs.strategy !== 'rolling' ? permission('apps', 'deployments', ['create']) : []),
    ...permission('apps', 'deployments', ['get', 'patch'], deployment),
    ...permission('apps', 'deployments', ['get', 'patch', 'delete'], names.canary),
    ...(needs.pair === undefined
      ? []
      : [
          ...permission('apps', 'deployments', ['get', 'patch'], needs.pair),
          ...permission('batch', 'jobs', ['get'], namesFor(needs.pair).job),
        ]),
    ...permission('apps', 'replicasets', ['list']),
    ...permission('', 'pods', ['list']),
    ...permission('', 'events', ['list']),
    ...permission('', 'services', ['list']),
    ...(needs.configMaps === true ? permission('', 'configmaps', ['create', 'get', 'list', 'patch']) : []),
    ...(needs.strategy === 'blue-green'
      ? [
          ...(needs.pair === undefined ? permission('apps', 'deployments', ['get', 'patch', 'delete'], names.green) : []),
          ...permission('', 'services', ['create']),
          ...permission('', 'services', ['get', 'delete'], names.preview),
          ...(needs.flipped ?? []).flatMap((service) => permission('', 'services', ['get', 'patch'], service)),
          ...(needs.previewed === undefined ? [] : permission('', 'services/proxy', ['get', 'create'], needs.previewed)),
        ]
      : []),
    ...(needs.logs ? permission('', 'pods/log', ['get']) : []),
    ...(needs.podsProxy === true ? permission('', 'pods/proxy', ['get']) : []),
    ...needs.claims.flatMap((claim) => permission('', 'persistentvolumeclaims', ['get'], claim)),
    ...(needs.proxied === undefined
      ? []
      : [{ namespace: needs.proxied.namespace, group: '', resource: 'services/proxy', name: needs.proxied.nameAndPort, verb: 'get' }]),
    ...(needs.probed === undefined || isSame(needs.probed, needs.proxied)
      ? []
      : [{ namespace: needs.probed.namespace, group: '', resource: 'services/proxy', name: needs.probed.nameAndPort, verb: 'get' }]),
  ];
}

/** Commands that release nothing. */
export type CommandName = 'status' | 'abort' | 'reconcile' | 'history';

export type CommandNeeds = Pick<PermissionNeeds, 'namespace' | 'deployment' | 'names' | 'configMaps' | 'strategy' | 'flipped' | 'pair'> & {
  /** Whether Services are led back whose record is gone. */
  readonly createsJob?: boolean;
};

/** What such a command needs: status and history only read. Each is a part of what a release needs. */
export function permissionsForCommand(command: CommandName, needs: CommandNeeds): readonly Permission[] {
  const { deployment, names } = needs;
  const all = permissionsFor({ ...needs, logs: false, claims: [], proxied: undefined });
  const wanted = (resource: string, verbs: readonly string[], name?: string): readonly Permission[] =>
    all.filter((one) => one.resource === resource && one.name === name && verbs.includes(one.verb));
  if (command === 'history') return [...wanted('deployments', ['get'], deployment), ...wanted('replicasets', ['list'])];
  const changes = command === 'status' ? ['get'] : ['get', 'patch', 'delete'];
  return [
    ...wanted('jobs', changes, names.job),
    ...wanted('deployments', changes, deployment),
    ...wanted('deployments', changes, names.canary),
    ...wanted('replicasets', ['list']),
    ...wanted('pods', ['list']),
    ...wanted('services', ['list']),
    ...(command === 'status' ? [] : [...wanted('events', ['list']), ...found(needs, wanted)]),
  ];
}

/** For the rollout that was found: what only some strategies need, and ConfigMaps. */
function found(
  needs: CommandNeeds,
  wanted: (resource: string, verbs: readonly string[], name?: string) => readonly Permission[],
): readonly Permission[] {
  const { names, configMaps, strategy, flipped, pair, createsJob } = needs;
  return [
    ...(createsJob === true ? wanted('jobs', ['create']) : []),
    ...(configMaps === true ? wanted('configmaps', ['list', 'patch']) : []),
    ...(strategy === 'blue-green'
      ? [
          ...wanted('deployments', ['get', 'patch', 'delete'], names.green),
          ...wanted('services', ['get', 'delete'], names.preview),
          ...(flipped ?? []).flatMap((service) => wanted('services', ['get', 'patch'], service)),
        ]
      : []),
    ...(pair === undefined ? [] : [...wanted('deployments', ['get', 'patch'], pair), ...wanted('jobs', ['get'], namesFor(pair).job)]),
  ];
}

function isSame(a: NonNullable<PermissionNeeds['probed']>, b: PermissionNeeds['proxied']): boolean {
  return b !== undefined && a.namespace === b.namespace && a.nameAndPort === b.nameAndPort;
}

/** In words, for a list: `patch deployments.apps web in namespace shop`. */
export function describePermission({ namespace, group, resource, name, verb }: Permission): string {
  const kind = group === '' ? resource : `${resource}.${group}`;
  return `${verb} ${kind}${name === undefined ? '' : ` ${name}`} in namespace ${namespace}`;
}

/** The Roles that grant the permissions, one for each namespace, as YAML to paste. */
export function renderRoles(permissions: readonly Permission[], roleName: string): string {
  const namespaces = [...new Set(permissions.map((permission) => permission.namespace))];
  return namespaces
    .map((namespace) =>
      renderRole(
        permissions.filter((permission) => permission.namespace === namespace),
        namespace,
        roleName,
      ),
    )
    .join('---\n');
}

function renderRole(permissions: readonly Permission[], namespace: string, roleName: string): string {
  const verbs = new Map<string, string[]>();
  for (const { group, resource, name, verb } of permissions) {
    const names = name === undefined ? '' : `, resourceNames: [${quote(name)}]`;
    const rule = `apiGroups: [${quote(group)}], resources: [${resource}]${names}`;
    verbs.set(rule, [...(verbs.get(rule) ?? []), verb]);
  }
  const rules = [...verbs].map(([rule, allowed]) => `- {${rule}, verbs: [${allowed.join(', ')}]}`);
  return [
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: Role',
    `metadata: {name: ${roleName}, namespace: ${namespace}}`,
    'rules:',
    ...rules,
    '',
  ].join('\n');
}

function quote(text: string): string {
  return /^[a-z][a-z0-9.-]*$/.test(text) ? text : JSON.stringify(text);
}
