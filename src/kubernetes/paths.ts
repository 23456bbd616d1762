import { AssertionError } from '../errors.ts';

/** How the API server is to speak to a Service or pod behind its proxy; `http` is its default. */
export type ProxyScheme = 'http' | 'https';

/** The REST paths that this project asks for; every segment is encoded. */
export const paths = {
  deployments: (namespace: string): string => `/apis/apps/v1/namespaces/${segment(namespace)}/deployments`,
  deployment: (namespace: string, name: string): string => `${paths.deployments(namespace)}/${segment(name)}`,
  replicaSets: (namespace: string): string => `/apis/apps/v1/namespaces/${segment(namespace)}/replicasets`,
  jobs: (namespace: string): string => `/apis/batch/v1/namespaces/${segment(namespace)}/jobs`,
  job: (namespace: string, name: string): string => `${paths.jobs(namespace)}/${segment(name)}`,
  pods: (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/pods`,
  pod: (namespace: string, name: string): string => `${paths.pods(namespace)}/${segment(name)}`,
  podLog: (namespace: string, name: string): string => `${paths.pod(namespace, name)}/log`,
  events: (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/events`,
  services: (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/services`,
  service: (namespace: string, name: string): string => `${paths.services(namespace)}/${segment(name)}`,
  configMaps: (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/configmaps`,
  configMap: (namespace: string, name: string): string => `${paths.configMaps(namespace)}/${segment(name)}`,
  podDisruptionBudgets: (namespace: string): string => `/apis/policy/v1/namespaces/${segment(namespace)}/poddisruptionbudgets`,
  networkPolicies: (namespace: string): string => `/apis/networking.k8s.io/v1/namespaces/${segment(namespace)}/networkpolicies`,
  horizontalPodAutoscalers: (namespace: string): string => `/apis/autoscaling/v2/namespaces/${segment(namespace)}/horizontalpodautoscalers`,
  resourceQuotas: (namespace: string): string => `/api/v1/namespaces/${segment(namespace)}/resourcequotas`,
  persistentVolumeClaim: (namespace: string, name: string): string =>
    `/api/v1/namespaces/${segment(namespace)}/persistentvolumeclaims/${segment(name)}`,
  selfSubjectAccessReviews: (): string => '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  version: (): string => '/version',
  /** A path of a Service, asked for through the API server: `rest` has its own slashes and no query. */
  serviceProxy: (namespace: string, name: string, port: string | number, rest: string, scheme: ProxyScheme = 'http'): string =>
    `${paths.services(namespace)}/${proxyTarget(name, port, scheme)}/proxy/${proxied(rest)}`,
  /** The same of a pod; it wants the port's number, as the API server looks no name up here. */
  podProxy: (namespace: string, name: string, port: number, rest: string, scheme: ProxyScheme = 'http'): string =>
    `${paths.pods(namespace)}/${proxyTarget(name, port, scheme)}/proxy/${proxied(rest)}`,
} as const;

/** Whether the answer comes from something behind the API server: its status, Date and body are not the API server's. */
export function isProxied(path: string): boolean {
  return /\/(?:services|pods)\/[^/]+\/proxy(?:\/|$)/.test(path);
}

function segment(text: string): string {
  // These would name another object, or the whole collection: `DELETE …/jobs/` deletes all Jobs.
  if (text === '' || text === '.' || text === '..') throw new AssertionError(`"${text}" is not the name of an object`);
  return encodeURIComponent(text);
}

// The colons stay: the API server looks for `[scheme:]name[:port]` in the decoded segment, and RBAC compares it with resourceNames.
function proxyTarget(name: string, port: string | number, scheme: ProxyScheme): string {
  return `${scheme === 'https' ? 'https:' : ''}${segment(name)}:${segment(String(port))}`;
}

function proxied(rest: string): string {
  const parts = rest.replace(/^\//, '').split('/');
  return parts.map((part, index) => (part === '' && index === parts.length - 1 ? '' : segment(part))).join('/');
}
