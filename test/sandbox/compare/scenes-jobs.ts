import { configMap, deployment, JSON_PATCH, job, MERGE_PATCH, paths } from './manifests.ts';
import type { Answer, Side } from './side.ts';

const gone = (side: Side, path: string) => async () => (await side.peek(path)).status === 404;
const started = (side: Side, path: string) => async () => (await side.peek(path)).body['status']?.['startTime'] !== undefined;

function ownerOf({ body }: Answer, kind: string, apiVersion: string) {
  const metadata = body['metadata'] as unknown as { name: string; uid: string };
  return { kind, apiVersion, name: metadata.name, uid: metadata.uid };
}

export async function jobLife(side: Side): Promise<void> {
  const { jobs } = paths(side.namespace);
  const path = `${jobs}/r`;
  const merge = (label: string, spec: object) => side.call(label, { method: 'PATCH', path, body: { spec }, contentType: MERGE_PATCH });
  await side.call('create', { method: 'POST', path: jobs, body: job('r', { activeDeadlineSeconds: 600 }) });
  await side.until('start', started(side, path));
  const { body } = await side.call('started', { method: 'GET', path });
  await side.call('heartbeat', {
    method: 'PATCH',
    path,
    contentType: JSON_PATCH,
    body: [
      { op: 'test', path: '/metadata/uid', value: body['metadata']?.['uid'] },
      { op: 'test', path: '/spec/activeDeadlineSeconds', value: 600 },
      { op: 'replace', path: '/spec/activeDeadlineSeconds', value: 700 },
    ],
  });
  await side.call('late heartbeat', {
    method: 'PATCH',
    path,
    contentType: JSON_PATCH,
    body: [
      { op: 'test', path: '/spec/activeDeadlineSeconds', value: 600 },
      { op: 'replace', path: '/spec/activeDeadlineSeconds', value: 650 },
    ],
  });
  await merge('template is immutable', { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'b', image: 'b' }] } } });
  await merge('completions are immutable', { completions: 2 });
  await merge('deadline beyond 32 bits', { activeDeadlineSeconds: 4294967297 });
  await merge('negative deadline', { activeDeadlineSeconds: -5 });
  await merge('suspend', { suspend: true });
  const condition = async () => JSON.stringify((await side.peek(path)).body['status']?.['conditions'] ?? []);
  await side.until('suspended', async () => (await condition()).includes('JobSuspended'));
  await side.call('suspended', { method: 'GET', path });
  await merge('resume', { suspend: false });
  await side.until('resumed', async () => (await condition()).includes('JobResumed'));
  await side.call('resumed', { method: 'GET', path });
  await side.cluster.pass(2000);
  await merge('deadline in the past', { activeDeadlineSeconds: 1 });
  const failed = async () => (await condition()).includes('"Failed"');
  await side.until('failed', failed);
  await side.call('failed', { method: 'GET', path });
  await merge('heartbeat of a failed Job', { activeDeadlineSeconds: 700 });
  await side.call('journal of a failed Job', {
    method: 'PATCH',
    path,
    body: { metadata: { annotations: { j: '1' } } },
    contentType: MERGE_PATCH,
  });
  await side.call('events', {
    method: 'GET',
    path: paths(side.namespace).events,
    query: { fieldSelector: `involvedObject.uid=${body['metadata']?.['uid']}` },
  });
  await merge('time to live', { ttlSecondsAfterFinished: 0 });
  await side.until('gone', gone(side, path));
  await side.call('deadline 0', { method: 'POST', path: jobs, body: job('zero', { activeDeadlineSeconds: 0 }) });
  const labelled = {
    template: { metadata: { labels: { t: '1' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } },
  };
  await side.call('labels of the template', { method: 'POST', path: jobs, body: job('lt', labelled), query: { dryRun: 'All' } });
  const own = job('lo', labelled, { labels: { own: '1' } });
  await side.call('labels of its own', { method: 'POST', path: jobs, body: own, query: { dryRun: 'All' } });
  await side.call('created suspended', { method: 'POST', path: jobs, body: job('sus', { suspend: true, activeDeadlineSeconds: 60 }) });
  await side.cluster.pass(1500);
  await side.call('suspended from the start', { method: 'GET', path: `${jobs}/sus` });
  await side.call('failed from the start', { method: 'GET', path: `${jobs}/zero` });
}

export async function deadMan(side: Side): Promise<void> {
  const { jobs, configmaps, deployments } = paths(side.namespace);
  const user = await side.call("the user's", { method: 'POST', path: deployments, body: deployment('web') });
  const metadata = { ownerReferences: [{ ...ownerOf(user, 'Deployment', 'apps/v1'), controller: false, blockOwnerDeletion: false }] };
  const spec = { activeDeadlineSeconds: 3, ttlSecondsAfterFinished: 0 };
  const lock = await side.call('lock', { method: 'POST', path: jobs, body: job('web-rollout', spec, metadata) });
  await side.call('lock again', { method: 'POST', path: jobs, body: job('web-rollout', spec, metadata) });
  const owner = ownerOf(lock, 'Job', 'batch/v1');
  const first = await side.call('chain 1', {
    method: 'POST',
    path: configmaps,
    body: configMap('one', owner, { controller: false, blockOwnerDeletion: false }),
  });
  await side.call('chain 2', { method: 'POST', path: configmaps, body: configMap('two', ownerOf(first, 'ConfigMap', 'v1')) });
  const canary = deployment('web-canary') as { metadata: object };
  await side.call('canary', {
    method: 'POST',
    path: deployments,
    body: { ...canary, metadata: { ...canary.metadata, ownerReferences: [{ ...owner, controller: false, blockOwnerDeletion: false }] } },
  });
  await side.until('canary gone', gone(side, `${deployments}/web-canary`));
  await side.until('chain gone', gone(side, `${configmaps}/two`));
  await side.until('lock gone', gone(side, `${jobs}/web-rollout`));
  await side.call('lock gone', { method: 'GET', path: `${jobs}/web-rollout` });
  await side.call("user's stays", { method: 'GET', path: `${deployments}/web` });
}

export async function collection(side: Side): Promise<void> {
  const { jobs, configmaps, deployments } = paths(side.namespace);
  const list = (label: string) =>
    side.call(label, { method: 'GET', path: configmaps, query: { fieldSelector: 'metadata.name!=kube-root-ca.crt' } });
  const make = (body: object) => side.call('make', { method: 'POST', path: configmaps, body });
  const options = (propagationPolicy: string) => ({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy });

  const bare = await side.call('job bare', { method: 'POST', path: jobs, body: job('bare', { activeDeadlineSeconds: 600 }) });
  await make(configMap('kept', ownerOf(bare, 'Job', 'batch/v1')));
  await side.until('started', started(side, `${jobs}/bare`));
  await side.call('bare DELETE of a Job', { method: 'DELETE', path: `${jobs}/bare` });
  await side.until('bare gone', gone(side, `${jobs}/bare`));
  await side.call('its dependent stays', { method: 'GET', path: `${configmaps}/kept` });

  const back = await side.call('job back', { method: 'POST', path: jobs, body: job('back', { activeDeadlineSeconds: 600 }) });
  await make(configMap('b1', ownerOf(back, 'Job', 'batch/v1')));
  await side.call('background', { method: 'DELETE', path: `${jobs}/back`, body: options('Background') });
  await side.call('gone at once', { method: 'GET', path: `${jobs}/back` });
  await side.until('dependent gone', gone(side, `${configmaps}/b1`));

  const fore = await side.call('job fore', { method: 'POST', path: jobs, body: job('fore', { activeDeadlineSeconds: 600 }) });
  const finalized = configMap('f1', ownerOf(fore, 'Job', 'batch/v1'), { blockOwnerDeletion: true }) as { metadata: object };
  await make({ ...finalized, metadata: { ...finalized.metadata, finalizers: ['example.com/hold'] } });
  await side.until('started', started(side, `${jobs}/fore`));
  await side.call('foreground', { method: 'DELETE', path: `${jobs}/fore`, body: options('Foreground') });
  await side.until(
    'dependent marked',
    async () => (await side.peek(`${configmaps}/f1`)).body['metadata']?.['deletionTimestamp'] !== undefined,
  );
  await side.call('waits for its dependent', { method: 'GET', path: `${jobs}/fore` });
  await side.call('dependent waits for its finalizer', { method: 'GET', path: `${configmaps}/f1` });
  await side.call('heartbeat of a Job that ends', {
    method: 'PATCH',
    path: `${jobs}/fore`,
    body: { spec: { activeDeadlineSeconds: 900 } },
    contentType: MERGE_PATCH,
  });
  await side.call('deleted again', { method: 'DELETE', path: `${jobs}/fore`, body: options('Background') });
  await side.call('new finalizer while it ends', {
    method: 'PATCH',
    path: `${configmaps}/f1`,
    body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
    contentType: MERGE_PATCH,
  });
  await side.call('finalizer off', {
    method: 'PATCH',
    path: `${configmaps}/f1`,
    body: { metadata: { finalizers: null } },
    contentType: MERGE_PATCH,
  });
  await side.until('both gone', async () => (await gone(side, `${jobs}/fore`)()) && (await gone(side, `${configmaps}/f1`)()));

  const nobody = { kind: 'Job', apiVersion: 'batch/v1', name: 'nobody', uid: '11111111-1111-4111-a111-111111111111' };
  await make(configMap('orphan', nobody));
  await side.until('ownerless gone', gone(side, `${configmaps}/orphan`));
  const alive = ownerOf(await make(configMap('alive')), 'ConfigMap', 'v1');
  await make({ ...configMap('two-owners'), metadata: { name: 'two-owners', ownerReferences: [alive, nobody] } });
  await side.until(
    'one owner left',
    async () => (await side.peek(`${configmaps}/two-owners`)).body['metadata']?.['ownerReferences']?.['length'] === 1,
  );
  await make(configMap('wrong-uid', { ...alive, uid: nobody.uid }));
  await side.until('wrong uid gone', gone(side, `${configmaps}/wrong-uid`));
  await list('what is left');
  await side.call('ordinary delete', { method: 'DELETE', path: `${configmaps}/alive` });
  await side.until('follows', gone(side, `${configmaps}/two-owners`));
  await list('at the end');

  await side.call('deployment', { method: 'POST', path: deployments, body: deployment('d', { replicas: 1 }) });
  await side.until('pod', async () => (await side.peek(`${deployments}/d`)).body['status']?.['readyReplicas'] === 1);
  await side.call('orphan the ReplicaSet', { method: 'DELETE', path: `${deployments}/d`, body: options('Orphan') });
  await side.until('deployment gone', gone(side, `${deployments}/d`));
  await side.call('ReplicaSet without owner', { method: 'GET', path: paths(side.namespace).replicasets });
  await side.call('the same Deployment again', { method: 'POST', path: deployments, body: deployment('d', { replicas: 1 }) });
  await side.until('adopted', async () => (await side.peek(`${deployments}/d`)).body['status']?.['readyReplicas'] === 1);
  await side.call('ReplicaSet adopted', { method: 'GET', path: paths(side.namespace).replicasets });
  await side.call('foreground with pods', { method: 'DELETE', path: `${deployments}/d`, body: options('Foreground') });
  await side.until('all gone', gone(side, `${deployments}/d`));
  await side.call('no pod left', { method: 'GET', path: paths(side.namespace).pods });
}
