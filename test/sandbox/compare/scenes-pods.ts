import { deployment, MERGE_PATCH, paths } from './manifests.ts';
import type { Body, Side } from './side.ts';

interface PodItem {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly { readonly state: Body; readonly restartCount: number }[];
  };
}

async function podsOf(side: Side, app: string): Promise<readonly PodItem[]> {
  return (await side.peek(paths(side.namespace).pods, { labelSelector: `app=${app}` })).body['items'] as unknown as readonly PodItem[];
}

async function waiting(side: Side, app: string, reason: string): Promise<PodItem> {
  let found: PodItem | undefined;
  await side.until(`${app} ${reason}`, async () => {
    found = (await podsOf(side, app)).find((pod) => pod.status.containerStatuses?.[0]?.state['waiting']?.['reason'] === reason);
    return found !== undefined;
  });
  if (found === undefined) throw new Error(app);
  return found;
}

export async function ailments(side: Side): Promise<void> {
  const { deployments, pods, events } = paths(side.namespace);
  const make = (app: string, image: string) =>
    side.call(app, { method: 'POST', path: deployments, body: deployment(app, { replicas: 1 }, image) });
  await make('crash', 'sample:crash-at-start');
  await make('missing', 'missing:v9');
  const big = deployment('big', { replicas: 1 }) as { spec: { template: { spec: { containers: object[] } } } };
  big.spec.template.spec.containers[0] = { name: 'app', image: 'sample:v1', resources: { requests: { cpu: '500' } } };
  await side.call('big', { method: 'POST', path: deployments, body: big });
  const config = deployment('config', { replicas: 1 }) as typeof big;
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'nowhere', key: 'a' } } }];
  config.spec.template.spec.containers[0] = { name: 'app', image: 'sample:v1', env };
  await side.call('config', { method: 'POST', path: deployments, body: config });

  const looked = async (app: string, reason: string) => {
    const pod = await waiting(side, app, reason);
    await side.call(`${app} is in ${reason}`, { method: 'GET', path: `${pods}/${pod.metadata.name}` });
    return pod;
  };
  const pulls = await looked('missing', 'ImagePullBackOff');
  await side.call('log of a container that never ran', { method: 'GET', path: `${pods}/${pulls.metadata.name}/log` });
  const crashes = await looked('crash', 'CrashLoopBackOff');
  await side.call('log of the crash', {
    method: 'GET',
    path: `${pods}/${crashes.metadata.name}/log`,
    query: { previous: 'true', tailLines: '1' },
  });
  await looked('config', 'CreateContainerConfigError');
  await side.until('unschedulable', async () => JSON.stringify(await podsOf(side, 'big')).includes('Unschedulable'));
  const [unplaced] = await podsOf(side, 'big');
  await side.call('unschedulable', { method: 'GET', path: `${pods}/${unplaced?.metadata.name}` });
  await side.call('delete a pod that has no node', { method: 'DELETE', path: `${pods}/${unplaced?.metadata.name}` });
  await side.call('unknown container', { method: 'GET', path: `${pods}/${crashes.metadata.name}/log`, query: { container: 'x' } });
  await side.call('log of no pod', { method: 'GET', path: `${pods}/none/log` });
  await side.call("events of a uid that is nobody's", { method: 'GET', path: events, query: { fieldSelector: 'involvedObject.uid=none' } });
}

export async function serving(side: Side): Promise<void> {
  const { deployments, pods, services, endpointslices, budgets } = paths(side.namespace);
  const service = {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  };
  await side.call('service', { method: 'POST', path: services, body: service });
  await side.call('deployment', { method: 'POST', path: deployments, body: deployment('web', { replicas: 2 }) });
  const slices = async () =>
    (await side.peek(endpointslices)).body['items'] as unknown as { endpoints: { conditions: Record<string, boolean> }[] | null }[];
  const ready = async () =>
    (await slices()).flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions['ready']).length;
  await side.until('two endpoints', async () => (await ready()) === 2);
  await side.call('slices', { method: 'GET', path: endpointslices, query: { labelSelector: 'kubernetes.io/service-name=web' } });
  await side.call("a running pod's list", {
    method: 'GET',
    path: pods,
    query: { labelSelector: 'app=web', fieldSelector: 'status.phase=Running' },
  });
  const selectors = [
    'app=web,x!=y',
    'app in (web,b)',
    'app notin (web)',
    '!app',
    'app',
    'app==web',
    '=',
    'app in web',
    'app=web,',
    'pod-template-hash',
  ];
  for (const labelSelector of selectors) {
    await side.call(`labels ${labelSelector}`, { method: 'GET', path: deployments, query: { labelSelector } });
  }
  for (const fieldSelector of ['metadata.name=web', 'metadata.name!=web', 'metadata.name', 'spec.replicas=2']) {
    await side.call(`fields ${fieldSelector}`, { method: 'GET', path: deployments, query: { fieldSelector } });
  }
  await side.call('budget', {
    method: 'POST',
    path: budgets,
    body: { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } },
  });
  await side.cluster.pass(1500);
  const evict = async (label: string) => {
    const [pod] = await podsOf(side, 'web');
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod?.metadata.name } };
    await side.call(label, { method: 'POST', path: `${pods}/${pod?.metadata.name}/eviction`, body });
  };
  await side.call('budget raised', {
    method: 'PATCH',
    path: `${budgets}/b`,
    body: { spec: { minAvailable: 2 } },
    contentType: MERGE_PATCH,
  });
  await side.cluster.pass(1500);
  await evict('eviction refused');
  await side.call('budget lowered', {
    method: 'PATCH',
    path: `${budgets}/b`,
    body: { spec: { minAvailable: 1 } },
    contentType: MERGE_PATCH,
  });
  await side.cluster.pass(1500);
  await evict('eviction');
  await side.call('evict nobody', {
    method: 'POST',
    path: `${pods}/none/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'none' } },
  });
  await side.call('flip the selector', {
    method: 'PATCH',
    path: `${services}/web`,
    body: { spec: { selector: { app: 'none' } } },
    contentType: MERGE_PATCH,
  });
  await side.until('no endpoints', async () => (await ready()) === 0);
  // The one in the place of the evicted pod may not listen yet.
  const serving = async () =>
    (await podsOf(side, 'web')).find(({ status }) => status.containerStatuses?.[0]?.state['running'] !== undefined);
  await side.until('a pod listens', async () => (await serving()) !== undefined);
  const proxied = await serving();
  const proxy = async (label: string, target: string, path: string) =>
    side.call(label, { method: 'GET', path: `${pods}/${target}/proxy/${path}` });
  await proxy('metrics of a pod', `${proxied?.metadata.name}:8080`, 'metrics');
  await proxy('metrics of a pod, http by name', `http:${proxied?.metadata.name}:8080`, 'metrics');
  await proxy('a page that a pod does not have', `${proxied?.metadata.name}:8080`, 'nowhere');
  await proxy('a port that nothing listens on', `${proxied?.metadata.name}:8081`, 'metrics');
  await proxy('metrics of no pod', 'nothing:8080', 'metrics');
  await side.call('proxy to no service', { method: 'GET', path: `${services}/nothing:80/proxy/api/v1/query` });
}

export async function permissions(side: Side, token: string): Promise<void> {
  const { deployments, jobs, pods, services, review, replicasets } = paths(side.namespace);
  const as = (label: string, call: Omit<Parameters<Side['call']>[1], 'token'>) => side.call(label, { ...call, token });
  await side.call('a Deployment', { method: 'POST', path: deployments, body: deployment('web', { paused: true }) });
  await side.until('seen', async () => (await side.peek(`${deployments}/web`)).body['status']?.['observedGeneration'] === 1);
  await as('get by name', { method: 'GET', path: `${deployments}/web` });
  await as('get another', { method: 'GET', path: `${deployments}/other` });
  await as('list', { method: 'GET', path: deployments });
  await as('list everywhere', { method: 'GET', path: '/apis/apps/v1/deployments' });
  await as('list one by field', { method: 'GET', path: deployments, query: { fieldSelector: 'metadata.name=web' } });
  await as('patch by name', { method: 'PATCH', path: `${deployments}/web`, body: [], contentType: 'application/json-patch+json' });
  await as('delete', { method: 'DELETE', path: `${deployments}/web` });
  await as('put', { method: 'PUT', path: `${deployments}/web`, body: deployment('web') });
  await as('create a Job', { method: 'POST', path: jobs, body: {} });
  await as('delete the canary that is not there', { method: 'DELETE', path: `${deployments}/web-canary` });
  await as('pods', { method: 'GET', path: pods, query: { limit: '1' } });
  await as('one pod', { method: 'GET', path: `${pods}/x` });
  await as('its log', { method: 'GET', path: `${pods}/x/log` });
  await as('evict', { method: 'POST', path: `${pods}/x/eviction`, body: {} });
  await as('sets', { method: 'GET', path: replicasets });
  await as('one service', { method: 'GET', path: `${services}/x` });
  await as('secrets', { method: 'GET', path: `/api/v1/namespaces/${side.namespace}/secrets` });
  await as('proxy not granted', { method: 'GET', path: `${services}/prometheus:9091/proxy/` });
  await as('proxy to a service that is not there', { method: 'GET', path: `${services}/prometheus:9090/proxy/` });
  const asked: readonly Readonly<Record<string, string>>[] = [
    { verb: 'get', group: 'apps', resource: 'deployments', name: 'web' },
    { verb: 'get', group: 'apps', resource: 'deployments' },
    { verb: 'create', group: 'apps', resource: 'deployments' },
    { verb: 'patch', group: 'apps', resource: 'deployments', name: 'other' },
    { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
    { verb: 'get', group: '', resource: 'services', subresource: 'proxy', name: 'prometheus:9090' },
    { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices' },
  ];
  for (const attributes of asked) {
    const body = {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      spec: { resourceAttributes: { namespace: side.namespace, ...attributes } },
    };
    await as(`may I ${JSON.stringify(attributes)}`, { method: 'POST', path: review, body });
  }
  await side.call('a token of nobody', { method: 'GET', path: deployments, token: 'nobody' });
}

export const ROLE = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'], verbs: ['get', 'patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web-canary'], verbs: ['get', 'patch', 'delete'] },
  { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods', 'events', 'services'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
  { apiGroups: [''], resources: ['services/proxy'], resourceNames: ['prometheus:9090'], verbs: ['get'] },
];
