/** The objects of the scenes. */
export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';

export function deployment(name: string, spec: object = {}, image = 'sample:v1'): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'app', image, env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 8080 }] }],
        },
      },
      ...spec,
    },
  };
}

export function job(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...metadata },
    spec: {
      parallelism: 0,
      completions: 1,
      backoffLimit: 0,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'sample:v1' }] } },
      ...spec,
    },
  };
}

export function configMap(name: string, owner?: { kind: string; apiVersion: string; name: string; uid: string }, more = {}): object {
  const metadata = owner === undefined ? { name } : { name, ownerReferences: [{ ...owner, ...more }] };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1' } };
}

export const paths = (namespace: string) => ({
  deployments: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  replicasets: `/apis/apps/v1/namespaces/${namespace}/replicasets`,
  jobs: `/apis/batch/v1/namespaces/${namespace}/jobs`,
  pods: `/api/v1/namespaces/${namespace}/pods`,
  services: `/api/v1/namespaces/${namespace}/services`,
  events: `/api/v1/namespaces/${namespace}/events`,
  configmaps: `/api/v1/namespaces/${namespace}/configmaps`,
  endpointslices: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  budgets: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  review: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
});
