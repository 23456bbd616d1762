import { configMap, deployment, JSON_PATCH, job, MERGE_PATCH, paths } from './manifests.ts';
import type { Side } from './side.ts';

const FENCE = '/metadata/labels/gated-rollout.github.io~1rollout';
const IMAGE = '/spec/template/spec/containers/0/image';

/** Each is a dry run against the same Deployment, so that one answer does not depend on another. */
const JSON_PATCHES: readonly (readonly [label: string, patch: unknown])[] = [
  ['empty', []],
  ['test equal', [{ op: 'test', path: IMAGE, value: 'sample:v1' }]],
  ['test unequal', [{ op: 'test', path: IMAGE, value: 'other' }]],
  ['test missing member, null', [{ op: 'test', path: FENCE, value: null }]],
  ['test missing member, no value', [{ op: 'test', path: FENCE }]],
  ['test missing member, value', [{ op: 'test', path: FENCE, value: 'x' }]],
  ['test below missing parent, null', [{ op: 'test', path: '/metadata/annotations/x', value: null }]],
  ['test missing parent itself, null', [{ op: 'test', path: '/metadata/annotations', value: null }]],
  ['test missing index', [{ op: 'test', path: '/spec/template/spec/containers/7/name', value: 'app' }]],
  ['test missing index, null', [{ op: 'test', path: '/spec/template/spec/containers/7', value: null }]],
  ['test number against text', [{ op: 'test', path: '/spec/replicas', value: '0' }]],
  ['test whole object', [{ op: 'test', path: '/metadata/labels', value: { app: 'web' } }]],
  ['test object, other order', [{ op: 'test', path: '/spec/strategy/rollingUpdate', value: { maxUnavailable: '25%', maxSurge: '25%' } }]],
  ['test wrong object', [{ op: 'test', path: '/metadata/labels', value: { app: 'web', b: 'c' } }]],
  [
    'test, then replace',
    [
      { op: 'test', path: IMAGE, value: 'sample:v1' },
      { op: 'replace', path: IMAGE, value: 'sample:v2' },
    ],
  ],
  [
    'replace, then failing test',
    [
      { op: 'replace', path: IMAGE, value: 'sample:v2' },
      { op: 'test', path: IMAGE, value: 'sample:v1' },
    ],
  ],
  [
    'claim the fence',
    [
      { op: 'test', path: FENCE, value: null },
      { op: 'add', path: FENCE, value: 'u1' },
    ],
  ],
  ['add below missing parent', [{ op: 'add', path: '/metadata/annotations/x', value: '1' }]],
  ['add a parent', [{ op: 'add', path: '/metadata/annotations', value: { x: '1' } }]],
  ['add null member', [{ op: 'add', path: '/metadata/labels/x', value: null }]],
  ['add without value', [{ op: 'add', path: '/metadata/labels/x' }]],
  ['add existing', [{ op: 'add', path: '/metadata/labels/app', value: 'other' }]],
  ["add to the list's end", [{ op: 'add', path: '/spec/template/spec/containers/0/env/-', value: { name: 'B', value: '2' } }]],
  ['add at index', [{ op: 'add', path: '/spec/template/spec/containers/0/env/0', value: { name: 'B', value: '2' } }]],
  ['add past the end', [{ op: 'add', path: '/spec/template/spec/containers/0/env/5', value: { name: 'B', value: '2' } }]],
  ['add at negative index', [{ op: 'add', path: '/spec/template/spec/containers/0/env/-1', value: { name: 'B', value: '2' } }]],
  ['replace missing', [{ op: 'replace', path: '/metadata/labels/none', value: 'x' }]],
  ['replace existing', [{ op: 'replace', path: '/spec/replicas', value: 3 }]],
  ['replace negative index', [{ op: 'replace', path: '/spec/template/spec/containers/-1/image', value: 'sample:v2' }]],
  ['remove missing', [{ op: 'remove', path: '/metadata/labels/none' }]],
  ['remove existing', [{ op: 'remove', path: '/metadata/labels/app' }]],
  ['remove a defaulted field', [{ op: 'remove', path: '/spec/progressDeadlineSeconds' }]],
  ['remove missing index', [{ op: 'remove', path: '/spec/template/spec/containers/0/env/4' }]],
  ['move', [{ op: 'move', from: '/metadata/labels/app', path: '/metadata/labels/moved' }]],
  ['move missing', [{ op: 'move', from: '/metadata/labels/none', path: '/metadata/labels/moved' }]],
  ['copy', [{ op: 'copy', from: '/metadata/labels/app', path: '/metadata/labels/copied' }]],
  ['copy missing', [{ op: 'copy', from: '/metadata/labels/none', path: '/metadata/labels/copied' }]],
  ['unknown operation', [{ op: 'increment', path: '/spec/replicas', value: 1 }]],
  ['no path', [{ op: 'add', value: 1 }]],
  ['path without slash', [{ op: 'add', path: 'spec/replicas', value: 1 }]],
  ['not a list', { op: 'add', path: '/spec/replicas', value: 1 }],
  ['not JSON', '[{'],
  ['a number as text', [{ op: 'replace', path: '/spec/replicas', value: '3' }]],
  ['a list for an object', [{ op: 'replace', path: '/spec/template', value: [] }]],
  ['negative replicas', [{ op: 'replace', path: '/spec/replicas', value: -1 }]],
  ['empty image', [{ op: 'replace', path: IMAGE, value: '' }]],
  ['image with a blank', [{ op: 'replace', path: IMAGE, value: ' sample:v1' }]],
  ['selector', [{ op: 'replace', path: '/spec/selector/matchLabels/app', value: 'x' }]],
  ['template label', [{ op: 'replace', path: '/spec/template/metadata/labels/app', value: 'x' }]],
  ['name', [{ op: 'replace', path: '/metadata/name', value: 'other' }]],
  ['namespace', [{ op: 'replace', path: '/metadata/namespace', value: 'other' }]],
  ['uid', [{ op: 'replace', path: '/metadata/uid', value: 'other' }]],
  ['resourceVersion', [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }]],
  ['resourceVersion removed', [{ op: 'remove', path: '/metadata/resourceVersion' }]],
  ['generation', [{ op: 'replace', path: '/metadata/generation', value: 9 }]],
  ['status', [{ op: 'add', path: '/status/replicas', value: 9 }]],
  ['kind', [{ op: 'replace', path: '/kind', value: 'ReplicaSet' }]],
  ['label value too long', [{ op: 'add', path: '/metadata/labels/x', value: 'x'.repeat(64) }]],
  ['label value with a blank', [{ op: 'add', path: '/metadata/labels/x', value: 'a b' }]],
  ['label that is a number', [{ op: 'add', path: '/metadata/labels/x', value: 1 }]],
  ['both 0', [{ op: 'replace', path: '/spec/strategy/rollingUpdate', value: { maxSurge: 0, maxUnavailable: 0 } }]],
  ['deadline below minReady', [{ op: 'add', path: '/spec/minReadySeconds', value: 600 }]],
  ['recreate with rollingUpdate', [{ op: 'replace', path: '/spec/strategy/type', value: 'Recreate' }]],
  ['recreate', [{ op: 'replace', path: '/spec/strategy', value: { type: 'Recreate' } }]],
  ['second container of the same name', [{ op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'app', image: 'x:1' } }]],
  ['no container', [{ op: 'replace', path: '/spec/template/spec/containers', value: [] }]],
  ['preStop sleep', [{ op: 'add', path: '/spec/template/spec/containers/0/lifecycle', value: { preStop: { sleep: { seconds: 1 } } } }]],
  ['probe', [{ op: 'add', path: '/spec/template/spec/containers/0/readinessProbe', value: { httpGet: { port: 8080 } } }]],
  [
    'owner without uid',
    [{ op: 'add', path: '/metadata/ownerReferences', value: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'x', uid: '' }] }],
  ],
];

const MERGE_PATCHES: readonly (readonly [label: string, patch: unknown])[] = [
  ['empty', {}],
  ['label', { metadata: { labels: { x: '1' } } }],
  ['drop label', { metadata: { labels: { app: null } } }],
  ['drop missing label', { metadata: { labels: { none: null } } }],
  ['annotation', { metadata: { annotations: { x: '1' } } }],
  ['replicas', { spec: { replicas: 2 } }],
  ['null replicas', { spec: { replicas: null } }],
  ['list replaced', { spec: { template: { spec: { containers: [{ name: 'app', image: 'sample:v2' }] } } } }],
  ['old resourceVersion', { metadata: { resourceVersion: '1', labels: { x: '1' } } }],
  ['a list', []],
  ['not JSON', '{'],
  ['wrong type', { spec: { replicas: 'two' } }],
  ['paused', { spec: { paused: true } }],
];

export async function patches(side: Side): Promise<void> {
  const { deployments } = paths(side.namespace);
  await side.call('create', { method: 'POST', path: deployments, body: deployment('web', { paused: true }) });
  await side.until('status', async () => (await side.peek(`${deployments}/web`)).body['status']?.['observedGeneration'] === 1);
  // The controller's own annotation would be a parent that some patches must not find.
  await side.peek(`${deployments}/web`);
  const path = `${deployments}/web`;
  for (const [label, body] of JSON_PATCHES) {
    await side.call(`JSON patch: ${label}`, { method: 'PATCH', path, body, contentType: JSON_PATCH, query: { dryRun: 'All' } });
  }
  for (const [label, body] of MERGE_PATCHES) {
    await side.call(`merge patch: ${label}`, { method: 'PATCH', path, body, contentType: MERGE_PATCH, query: { dryRun: 'All' } });
  }
  await side.call('after the dry runs', { method: 'GET', path });
  const types = ['application/json', 'text/plain', 'application/strategic-merge-patch+json; charset=utf-8', 'application/x-unknown'];
  for (const contentType of types) await side.call(`type ${contentType}`, { method: 'PATCH', path, body: {}, contentType });
  await side.call('JSON patch with charset', { method: 'PATCH', path, body: [], contentType: `${JSON_PATCH}; charset=utf-8` });
  await side.call('dryRun=Some', { method: 'PATCH', path, body: [], contentType: JSON_PATCH, query: { dryRun: 'Some' } });
}

export async function conflicts(side: Side): Promise<void> {
  const { deployments, configmaps, jobs } = paths(side.namespace);
  const path = `${deployments}/web`;
  await side.call('404 get', { method: 'GET', path });
  await side.call('404 patch', { method: 'PATCH', path, body: [], contentType: JSON_PATCH });
  await side.call('404 delete', { method: 'DELETE', path });
  await side.call('404 put', { method: 'PUT', path, body: deployment('web') });
  const made = await side.call('create', { method: 'POST', path: deployments, body: deployment('web', { paused: true }) });
  await side.call('create again', { method: 'POST', path: deployments, body: deployment('web') });
  await side.call('create invalid again', { method: 'POST', path: deployments, body: deployment('web', { replicas: -1 }) });
  await side.until('status', async () => (await side.peek(path)).body['status']?.['observedGeneration'] === 1);
  await side.call('put, stale', { method: 'PUT', path, body: made.body });
  await side.call('put, no version', { method: 'PUT', path, body: deployment('web', { paused: true }) });
  await side.call('put, other name', { method: 'PUT', path, body: deployment('other') });
  const now = (await side.peek(path)).body;
  await side.call('put, same', { method: 'PUT', path, body: now });
  await side.call('put, other namespace', {
    method: 'PUT',
    path,
    body: { ...now, metadata: { ...(now['metadata'] as unknown as object), namespace: 'other' } },
  });
  await side.call('create in another namespace', {
    method: 'POST',
    path: configmaps,
    body: { metadata: { name: 'x', namespace: 'other' } },
  });
  await side.call('create with a version', { method: 'POST', path: configmaps, body: { metadata: { name: 'x', resourceVersion: '5' } } });
  await side.call('create without a name', { method: 'POST', path: configmaps, body: { metadata: {} } });
  await side.call('create another kind', { method: 'POST', path: configmaps, body: deployment('x') });
  await side.call('create not JSON', { method: 'POST', path: configmaps, body: '{' });
  await side.call('create dry run', { method: 'POST', path: deployments, body: deployment('dry'), query: { dryRun: 'All' } });
  await side.call('dry run left nothing', { method: 'GET', path: `${deployments}/dry` });
  const preconditions = (given: object) => ({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: given });
  await side.call('delete, wrong uid', { method: 'DELETE', path, body: preconditions({ uid: '00000000-0000-4000-a000-000000000000' }) });
  await side.call('delete, wrong version', { method: 'DELETE', path, body: preconditions({ resourceVersion: '1' }) });
  await side.call('delete, dry run', { method: 'DELETE', path, query: { dryRun: 'All' } });
  await side.call('delete, unknown policy', { method: 'DELETE', path, query: { propagationPolicy: 'Sideways' } });
  await side.call('delete', { method: 'DELETE', path, body: preconditions({ uid: now['metadata']?.['uid'] }) });
  await side.call('gone', { method: 'GET', path });
  await side.call('unknown resource', { method: 'GET', path: `/apis/apps/v1/namespaces/${side.namespace}/deploymentz` });
  await side.call('unknown group', { method: 'GET', path: '/apis/nothing.example/v1/things' });
  await side.call('post to an object', { method: 'POST', path: `${jobs}/x`, body: {} });
}

export async function validation(side: Side): Promise<void> {
  const { deployments, jobs, services } = paths(side.namespace);
  const bad: readonly (readonly [string, string, object])[] = [
    ['name in capitals', deployments, deployment('Web')],
    ['no selector', deployments, deployment('a', { selector: undefined })],
    ['empty selector', deployments, deployment('a', { selector: {} })],
    ['selector does not match', deployments, deployment('a', { selector: { matchLabels: { app: 'b' } } })],
    ['no template', deployments, deployment('a', { template: undefined })],
    ['negative replicas', deployments, deployment('a', { replicas: -1 })],
    ['negative minReadySeconds', deployments, deployment('a', { minReadySeconds: -1 })],
    ['no image', deployments, deployment('a', {}, '')],
    ['job deadline negative', jobs, job('j', { activeDeadlineSeconds: -1 })],
    ['job parallelism negative', jobs, job('j', { parallelism: -1 })],
    ['job ttl negative', jobs, job('j', { ttlSecondsAfterFinished: -1 })],
    ['job restart always', jobs, job('j', { template: { spec: { restartPolicy: 'Always', containers: [{ name: 'a', image: 'b' }] } } })],
    ['job no restart policy', jobs, job('j', { template: { spec: { containers: [{ name: 'a', image: 'b' }] } } })],
    ['job name too long', jobs, job('j'.repeat(64))],
    ['job name with dots', jobs, job('a.b')],
    ['service name with dots', services, { metadata: { name: 'a.b' }, spec: { ports: [{ port: 80 }] } }],
    ['service without ports', services, { metadata: { name: 'a' }, spec: { selector: { a: 'b' } } }],
  ];
  for (const [label, path, body] of bad) await side.call(label, { method: 'POST', path, body, query: { dryRun: 'All' } });
  await side.call('service', {
    method: 'POST',
    path: services,
    body: { metadata: { name: 'a' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } },
  });
}

export async function bookkeeping(side: Side): Promise<void> {
  const { deployments, configmaps } = paths(side.namespace);
  const path = `${deployments}/web`;
  const patch = (label: string, body: unknown, manager = 'gated-rollout') =>
    side.call(label, { method: 'PATCH', path, body, contentType: JSON_PATCH, query: { fieldManager: manager } });
  await side.call('create', { method: 'POST', path: deployments, body: deployment('web'), query: { fieldManager: 'kubectl' } });
  await side.until('complete', async () => {
    const { body } = await side.peek(path);
    const conditions = body['status']?.['conditions'] as unknown as { reason: string }[] | undefined;
    return conditions?.some((condition) => condition.reason === 'NewReplicaSetAvailable') === true;
  });
  await side.call('at rest', { method: 'GET', path });
  await patch('label: no generation', [{ op: 'add', path: FENCE, value: 'u1' }]);
  await patch('annotation: generation', [{ op: 'add', path: '/metadata/annotations/kubernetes.io~1change-cause', value: 'x' }]);
  await side.until('observed', async () => (await side.peek(path)).body['status']?.['observedGeneration'] === 2);
  await patch('image: generation', [{ op: 'replace', path: IMAGE, value: 'sample:v2' }]);
  await side.until('revision 2', async () => {
    const { body } = await side.peek(path);
    const annotations = body['metadata']?.['annotations'] as unknown as Record<string, string>;
    const observed = body['status']?.['observedGeneration'] === body['metadata']?.['generation'];
    return annotations['deployment.kubernetes.io/revision'] === '2' && observed;
  });
  await side.cluster.pass(1500);
  await patch('the same again: nothing', [{ op: 'replace', path: IMAGE, value: 'sample:v2' }]);
  const fields = (await side.call('revision 2', { method: 'GET', path })).body['metadata']?.['managedFields'] as unknown as {
    manager: string;
  }[];
  const index = fields.findIndex((entry) => entry.manager === 'gated-rollout');
  const entry = `/metadata/managedFields/${index}`;
  await patch('our entry removed', [
    { op: 'test', path: `${entry}/manager`, value: 'gated-rollout' },
    { op: 'remove', path: entry },
  ]);
  await patch('test of the wrong entry', [
    { op: 'test', path: `${entry}/manager`, value: 'nobody' },
    { op: 'remove', path: entry },
  ]);
  await patch('last labels removed', [
    { op: 'remove', path: FENCE },
    { op: 'remove', path: '/metadata/labels/app' },
  ]);
  await patch('claim without labels', [
    { op: 'test', path: '/metadata/labels', value: null },
    { op: 'add', path: '/metadata/labels', value: { f: '1' } },
  ]);
  await side.call('config map', { method: 'POST', path: configmaps, body: configMap('c') });
  await side.call('config map again', { method: 'GET', path: `${configmaps}/c` });
}
