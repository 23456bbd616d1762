import { deployment, JSON_PATCH, MERGE_PATCH, paths } from './manifests.ts';
import type { Side } from './side.ts';

const IMAGE = '/spec/template/spec/containers/0/image';
type Status = Readonly<Record<string, number>>;

interface Shape {
  readonly replicas: number;
  readonly maxSurge: number | string;
  readonly maxUnavailable: number | string;
  readonly scaledTo: number;
}

const SHAPES: readonly Shape[] = [
  { replicas: 4, maxSurge: 1, maxUnavailable: 0, scaledTo: 6 },
  { replicas: 4, maxSurge: 0, maxUnavailable: 1, scaledTo: 2 },
  { replicas: 4, maxSurge: '25%', maxUnavailable: '25%', scaledTo: 8 },
  { replicas: 3, maxSurge: '25%', maxUnavailable: '25%', scaledTo: 5 },
  { replicas: 4, maxSurge: '100%', maxUnavailable: 0, scaledTo: 2 },
  { replicas: 3, maxSurge: 0, maxUnavailable: '50%', scaledTo: 4 },
  { replicas: 5, maxSurge: 2, maxUnavailable: 1, scaledTo: 3 },
  { replicas: 1, maxSurge: 0, maxUnavailable: '10%', scaledTo: 3 },
];

/** Still for a moment: the same answer three times, and the controller has seen the last write. */
async function atRest(side: Side, path: string): Promise<void> {
  let same = 0;
  let last = '';
  await side.until(`${path} at rest`, async () => {
    const { body } = await side.peek(path);
    const status = body['status'] as unknown as Status;
    const seen = status['observedGeneration'] === body['metadata']?.['generation'];
    const text = JSON.stringify([status['replicas'], status['updatedReplicas'], status['availableReplicas'], status['readyReplicas']]);
    same = seen && text === last ? same + 1 : 0;
    last = text;
    return same >= 25;
  });
}

async function complete(side: Side, path: string, replicas: number): Promise<void> {
  await side.until(`${path} complete`, async () => {
    const { body } = await side.peek(path);
    const status = body['status'] as unknown as Status;
    const counts = [status['replicas'], status['updatedReplicas'], status['availableReplicas']];
    return status['observedGeneration'] === body['metadata']?.['generation'] && counts.every((count) => (count ?? 0) === replicas);
  });
  await side.cluster.pass(300);
}

/** The pods of the good image are all available, and no ReplicaSet changes any more. */
async function settled(side: Side, path: string): Promise<void> {
  const { replicasets } = paths(side.namespace);
  type Set = { spec: { replicas: number; template: { spec: { containers: { image: string }[] } } }; status: Status };
  await side.until('good pods available', async () => {
    const sets = (await side.peek(replicasets)).body['items'] as unknown as Set[];
    const good = sets.filter(({ spec }) => spec.template.spec.containers[0]?.image !== 'missing:v9');
    return good.every(({ spec, status }) => (status['availableReplicas'] ?? 0) === spec.replicas);
  });
  await atRest(side, path);
}

const setImage = (image: string) => [{ op: 'replace', path: IMAGE, value: image }];

async function stuckAndBack(side: Side, shape: Shape): Promise<void> {
  const { deployments, replicasets } = paths(side.namespace);
  const { replicas, maxSurge, maxUnavailable, scaledTo } = shape;
  const path = `${deployments}/web`;
  const label = (text: string) => `${replicas} of surge ${maxSurge} unavailable ${maxUnavailable}: ${text}`;
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
  const patch = (text: string, body: unknown) => side.call(label(text), { method: 'PATCH', path, body, contentType: JSON_PATCH });
  const look = async (text: string) => {
    await side.call(label(`Deployment ${text}`), { method: 'GET', path });
    await side.call(label(`ReplicaSets ${text}`), { method: 'GET', path: replicasets, query: { labelSelector: 'app=web' } });
  };
  await side.call(label('create'), { method: 'POST', path: deployments, body: deployment('web', { replicas, strategy }) });
  await complete(side, path, replicas);
  await look('complete');
  await patch('bad image', setImage('missing:v9'));
  await atRest(side, path);
  await look('stuck');
  await patch('scaled while stuck', [{ op: 'replace', path: '/spec/replicas', value: scaledTo }]);
  await side.cluster.pass(500);
  await settled(side, path);
  await look('stuck and scaled');
  await patch('image back', setImage('sample:v1'));
  await complete(side, path, scaledTo);
  await look('rolled back');
  await patch('good image', setImage('sample:v2'));
  await complete(side, path, scaledTo);
  await look('updated');
  await side.call(label('delete'), { method: 'DELETE', path });
}

export const rollouts = SHAPES.map((shape, index) => [`rollout-${index}`, (side: Side) => stuckAndBack(side, shape)] as const);

export async function strategies(side: Side): Promise<void> {
  const { deployments, replicasets } = paths(side.namespace);
  const path = `${deployments}/web`;
  const merge = (label: string, spec: object) => side.call(label, { method: 'PATCH', path, body: { spec }, contentType: MERGE_PATCH });
  const image = (label: string, name: string) => side.call(label, { method: 'PATCH', path, body: setImage(name), contentType: JSON_PATCH });
  const look = async (text: string) => {
    await side.call(`Deployment ${text}`, { method: 'GET', path });
    await side.call(`ReplicaSets ${text}`, { method: 'GET', path: replicasets });
  };
  await side.call('create', {
    method: 'POST',
    path: deployments,
    body: deployment('web', { replicas: 2, strategy: { type: 'Recreate' }, revisionHistoryLimit: 1 }),
  });
  await complete(side, path, 2);
  await look('recreate');
  await image('recreate again', 'sample:v2');
  await complete(side, path, 2);
  await look('recreated');
  await image('recreate with a missing image', 'missing:v9');
  await side.until('pods of the missing image', async () => (await side.peek(path)).body['status']?.['unavailableReplicas'] === 2);
  await atRest(side, path);
  await look('recreate stuck');
  await merge('pause', { paused: true });
  await atRest(side, path);
  await image('image while paused', 'sample:v3');
  await atRest(side, path);
  await look('paused');
  await merge('scale while paused', { replicas: 1 });
  await atRest(side, path);
  await look('paused, scaled');
  await merge('resume', { paused: false });
  await complete(side, path, 1);
  await look('resumed');
  await merge('to zero', { replicas: 0 });
  await complete(side, path, 0);
  await look('at zero');
}

export async function deadlines(side: Side): Promise<void> {
  const { deployments, replicasets, pods } = paths(side.namespace);
  const path = `${deployments}/web`;
  const conditions = async () => ((await side.peek(path)).body['status']?.['conditions'] ?? []) as unknown as { reason: string }[];
  const reason = (wanted: string) => side.until(wanted, async () => (await conditions()).some((condition) => condition.reason === wanted));
  const spec = { replicas: 1, progressDeadlineSeconds: 4, minReadySeconds: 2 };
  await side.call('create', { method: 'POST', path: deployments, body: deployment('web', spec) });
  await side.until('ready', async () => (await side.peek(path)).body['status']?.['readyReplicas'] === 1);
  await side.call('ready, not yet available', { method: 'GET', path });
  await complete(side, path, 1);
  await side.call('available', { method: 'GET', path });
  await side.call('bad image', { method: 'PATCH', path, body: setImage('missing:v9'), contentType: JSON_PATCH });
  await reason('ProgressDeadlineExceeded');
  await side.call('deadline exceeded', { method: 'GET', path });
  await side.call('back', { method: 'PATCH', path, body: setImage('sample:v1'), contentType: JSON_PATCH });
  await complete(side, path, 1);
  await reason('NewReplicaSetAvailable');
  await side.call('recovered', { method: 'GET', path });
  const { body } = await side.call('ReplicaSets', { method: 'GET', path: replicasets });
  const live = (body['items'] as unknown as { metadata: { name: string; uid: string }; spec: { replicas: number } }[]).find(
    (set) => set.spec.replicas === 1,
  );
  const count = async () => ((await side.peek(pods)).body['items'] as unknown as unknown[]).length;
  await side.until('one pod', async () => (await count()) === 1);
  const listed = (await side.peek(pods)).body['items'] as unknown as { metadata: { name: string } }[];
  const pod = listed[0]?.metadata.name ?? '';
  await side.call('release a pod', {
    method: 'PATCH',
    path: `${pods}/${pod}`,
    body: { metadata: { labels: { app: 'released' } } },
    contentType: MERGE_PATCH,
  });
  await side.until('released', async () => (await side.peek(`${pods}/${pod}`)).body['metadata']?.['ownerReferences'] === undefined);
  await side.until('replaced', async () => (await side.peek(path)).body['status']?.['availableReplicas'] === 1);
  await side.call('adopt it again', {
    method: 'PATCH',
    path: `${pods}/${pod}`,
    body: { metadata: { labels: { app: 'web' } } },
    contentType: MERGE_PATCH,
  });
  await side.until('one of them gone', async () => (await count()) === 1);
  await side.call("the set's size", { method: 'GET', path: `${replicasets}/${live?.metadata.name}` });
}

export async function quota(side: Side): Promise<void> {
  const { deployments, replicasets, jobs } = paths(side.namespace);
  const hard = { pods: '2', 'count/jobs.batch': '0' };
  const quotas = `/api/v1/namespaces/${side.namespace}/resourcequotas`;
  await side.call('quota', { method: 'POST', path: quotas, body: { metadata: { name: 'q' }, spec: { hard } } });
  await side.cluster.pass(1500);
  const body = {
    metadata: { name: 'j' },
    spec: { parallelism: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } } },
  };
  await side.call('job', { method: 'POST', path: jobs, body });
  await side.call('deployment', { method: 'POST', path: deployments, body: deployment('web', { replicas: 3 }) });
  const path = `${deployments}/web`;
  await side.until('failure', async () => (await side.peek(path)).body['status']?.['conditions']?.['length'] === 3);
  await side.until('two', async () => (await side.peek(path)).body['status']?.['availableReplicas'] === 2);
  await side.cluster.pass(500);
  await side.call('without room', { method: 'GET', path });
  await side.call('its ReplicaSet', { method: 'GET', path: replicasets });
}
