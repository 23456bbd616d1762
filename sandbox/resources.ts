import type { Resource } from './objects.ts';

export interface ResourceInfo {
  readonly resource: Resource;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** What a DELETE without propagationPolicy does with the dependents: batch/v1 keeps the answer of its first days. */
  readonly orphansByDefault: boolean;
}

const TABLE: readonly (readonly [Resource, group: string, version: string, kind: string])[] = [
  ['pods', '', 'v1', 'Pod'],
  ['services', '', 'v1', 'Service'],
  ['events', '', 'v1', 'Event'],
  ['configmaps', '', 'v1', 'ConfigMap'],
  ['secrets', '', 'v1', 'Secret'],
  ['serviceaccounts', '', 'v1', 'ServiceAccount'],
  ['resourcequotas', '', 'v1', 'ResourceQuota'],
  ['namespaces', '', 'v1', 'Namespace'],
  ['deployments', 'apps', 'v1', 'Deployment'],
  ['replicasets', 'apps', 'v1', 'ReplicaSet'],
  ['jobs', 'batch', 'v1', 'Job'],
  ['endpointslices', 'discovery.k8s.io', 'v1', 'EndpointSlice'],
  ['poddisruptionbudgets', 'policy', 'v1', 'PodDisruptionBudget'],
  ['ingresses', 'networking.k8s.io', 'v1', 'Ingress'],
  ['networkpolicies', 'networking.k8s.io', 'v1', 'NetworkPolicy'],
  ['horizontalpodautoscalers', 'autoscaling', 'v2', 'HorizontalPodAutoscaler'],
  ['httproutes', 'gateway.networking.k8s.io', 'v1', 'HTTPRoute'],
];

export const RESOURCES: readonly ResourceInfo[] = TABLE.map(([resource, group, version, kind]) => ({
  resource,
  group,
  version,
  kind,
  namespaced: resource !== 'namespaces',
  orphansByDefault: resource === 'jobs',
}));

const BY_NAME = new Map<string, ResourceInfo>(RESOURCES.map((info) => [info.resource, info]));
const BY_KIND = new Map<string, ResourceInfo>(RESOURCES.map((info) => [info.kind, info]));

export function resourceInfo(resource: Resource): ResourceInfo {
  const info = BY_NAME.get(resource);
  if (info === undefined) throw new Error(`unknown resource ${resource}`);
  return info;
}

export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  const info = BY_NAME.get(resource);
  return info?.group === group && info.version === version ? info : undefined;
}

export function resourceOfKind(kind: string): ResourceInfo | undefined {
  return BY_KIND.get(kind);
}

export function apiVersionOf(info: ResourceInfo): string {
  return info.group === '' ? info.version : `${info.group}/${info.version}`;
}

/** `deployments.apps`, as messages of the API server name a resource. */
export function qualified(info: { readonly group: string; readonly resource: string }): string {
  return info.group === '' ? info.resource : `${info.resource}.${info.group}`;
}
