import { describe, test } from 'vitest';
import { namesFor } from '../../src/rollout/names.ts';
import { renderRoles } from '../../src/rollout/plan/permissions.ts';
import { expectGolden } from './golden.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, type Manifest, namespace, serviceManifest } from './scene.ts';
import { openStage, refusal, type StageOptions } from './stage.ts';

const claim = { accessModes: ['ReadWriteOnce'] };
const antiAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [
    { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
  ],
};
const pod = (fields: Manifest): StageOptions => ({ pod: fields });

/** A Deployment of the user's own that happens to bear our name. */
const foreignCanary = {
  ...deploymentManifest(),
  metadata: { name: 'web-canary', namespace },
  spec: {
    ...(deploymentManifest()['spec'] as Manifest),
    replicas: 1,
    selector: { matchLabels: { app: 'other' } },
    template: { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'app', image: 'shop/web:v1' }] } },
  },
};
const foreignJob = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'web-rollout', namespace },
  spec: {
    parallelism: 0,
    completions: 1,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'shop/web:v1' }] } },
  },
};

describe.concurrent('a Deployment that cannot have a canary is refused by name, before any write', () => {
  test.concurrent.for<readonly [string, StageOptions]>([
    ['recreate', { spec: { strategy: { type: 'Recreate' } } }],
    ['paused', { spec: { paused: true } }],
    ['zero-replicas', { replicas: 0 }],
    ['host-port', pod({ containers: [{ name: 'app', image: 'shop/web:v1', ports: [{ containerPort: 8080, hostPort: 80 }] }] })],
    ['anti-affinity', pod({ affinity: { podAntiAffinity: antiAffinity } })],
    ['volume-claim', pod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] })],
    ['unhealthy', { image: 'shop/web:never-ready' }],
    ['foreign-canary', { prepare: (sandbox) => void sandbox.apply(foreignCanary) }],
    ['foreign-job', { prepare: (sandbox) => void sandbox.apply(foreignJob) }],
    ['deployment-missing', { prepare: (sandbox) => sandbox.remove('deployments', namespace, 'web') }],
    [
      'everything-at-once',
      {
        replicas: 0,
        spec: { strategy: { type: 'Recreate' }, paused: true },
        prepare: (sandbox) => void [foreignCanary, foreignJob].map(sandbox.apply),
      },
    ],
  ])('%s', async ([name, options], { expect }) => {
    await using stage = await openStage(options);
    const before = JSON.stringify(specs(stage.sandbox));
    stage.onRequest(({ path }) =>
      path.includes('/persistentvolumeclaims/') ? { status: 200, headers: {}, body: JSON.stringify({ spec: claim }) } : undefined,
    );
    const done = await stage.run({ prometheus: '' });
    await expectGolden(expect, `refused-${name}`, done);
    expect(done.requests.filter(isWrite)).toEqual([]);
    expect(JSON.stringify(specs(stage.sandbox))).toBe(before);
  });

  function specs(sandbox: Awaited<ReturnType<typeof openStage>>['sandbox']): unknown {
    return [...sandbox.list('deployments'), ...sandbox.list('jobs')].map(({ metadata, spec }) => [metadata.uid, metadata.labels, spec]);
  }
});

describe.concurrent('a token that may not do everything', () => {
  const permission = {
    namespace: 'shop',
    deployment: 'web',
    names: namesFor('web'),
    logs: true,
    claims: [],
    proxied: undefined,
  };
  const role = async () => (await import('../../src/rollout/plan/permissions.ts')).permissionsFor(permission);

  test.concurrent.for<readonly [string, (resource: string, verb: string, name: string | undefined) => boolean]>([
    ['jobs', (resource) => resource !== 'jobs'],
    ['deployments-patch', (resource, verb, name) => resource !== 'deployments' || verb !== 'patch' || name !== 'web'],
    ['nothing', () => false],
  ])('is refused with the verbs that lack and the Role to paste: without %s', async ([name, has], { expect }) => {
    const granted = (await role()).filter((one) => has(one.resource, one.verb, one.name));
    const rules = granted.map(({ group, resource, verb, name: only }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(only === undefined ? {} : { resourceNames: [only] }),
    }));
    await using stage = await openStage({ identity: { user: 'ci', roles: [{ namespace, rules }] } });
    const done = await stage.run();
    await expectGolden(expect, `permission-without-${name}`, done);
    expect(done.requests.filter(isWrite)).toEqual([]);
    const log = done.result.log.map(({ line }) => line).join('\n');
    for (const line of renderRoles(await role(), 'gated-rollout')
      .trimEnd()
      .split('\n'))
      expect(log).toContain(line);
  });

  test.concurrent('and has all of the printed Role is enough', async ({ expect }) => {
    const rules = (await role()).map(({ group, resource, verb, name }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(name === undefined ? {} : { resourceNames: [name] }),
    }));
    await using stage = await openStage({ identity: { user: 'ci', roles: [{ namespace, rules }] } });
    const done = await stage.run();
    expect(done.result.outputs).toMatchObject({ result: 'promoted', reason: 'gates-passed' });
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('and is not known at all, is told so', async ({ expect }) => {
    await using stage = await openStage();
    stage.onRequest(() => refusal(401, 'Unauthorized', 'Unauthorized'));
    await expectGolden(expect, 'permission-unauthorized', await stage.run());
  });
});

test.concurrent('force releases over an unhealthy Deployment, judged by readiness', async ({ expect }) => {
  await using stage = await openStage({ image: 'shop/web:never-ready' });
  const done = await stage.run({ force: 'true' });
  await expectGolden(expect, 'force', done);
  expect(stage.left()).toEqual([]);
});

test.concurrent('a Service that nobody has is no reason to refuse', async ({ expect }) => {
  await using stage = await openStage({
    prepare: (sandbox) => sandbox.remove('services', namespace, String((serviceManifest()['metadata'] as Manifest)['name'])),
  });
  const done = await stage.run({ command: 'plan', prometheus: '' });
  expect(done.result.outputs['result']).toBe('planned');
  expect(done.result.log.map(({ line }) => line).join('\n')).toContain('no Service selects its pods');
});
