import { describe, test } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { namesFor } from '../../src/rollout/names.ts';
import { permissionsFor } from '../../src/rollout/plan/permissions.ts';
import { expectGolden } from './golden.ts';
import { found, keptInputs, openKept, readinessInputs } from './kept-green-stage.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, namespace, serviceManifest } from './scene.ts';
import { inPhase, openStage } from './stage.ts';

const digest = `sha256:${'d'.repeat(64)}`;
const exchanged = { deployment: 'web-2', 'green-deployment': 'web' };
const flipped = 'web-2: web 4 shop/web:v1, web-2 4 shop/web:v2';

function words(result: { readonly log: readonly { readonly line: string }[] }): string {
  return result.log.map(({ line }) => line).join('\n');
}

describe.concurrent('green-deployment', () => {
  test.concurrent('a good image goes there, and the next one back again; nobody notices', async ({ expect }) => {
    await using stage = await openKept();
    const there = await stage.run(keptInputs);
    expect(there.result.outputs['result'], words(there.result)).toBe('promoted');
    await expectGolden(expect, 'kept-green', there);
    expect(words(there.result)).toContain('NOT healed by the dead-man');
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe('web-2: web 0 shop/web:v1, web-2 4 shop/web:v2');
    const again = await stage.run({ ...keptInputs, tag: digest });
    expect(again.result.outputs).toMatchObject({ result: 'refused', reason: 'deployment-refused' });
    expect(words(again.result)).toContain('deployment: web-2, green-deployment: web');
    const back = await stage.run({ ...keptInputs, ...exchanged, tag: digest });
    expect(back.result.outputs['result'], words(back.result)).toBe('promoted');
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(`web: web 4 shop/web@${digest}, web-2 0 shop/web:v2`);
    expect(stage.fewest()).toBeGreaterThanOrEqual(4);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('a green at full size: no replicas are written, and the image that it had is back at once', async ({ expect }) => {
    await using stage = await openKept(4);
    const there = await stage.run(keptInputs);
    expect(there.result.outputs['result'], words(there.result)).toBe('promoted');
    expect(stage.standing()).toBe(flipped);
    expect(there.requests.filter((request) => isWrite(request) && (request.body ?? '').includes('/spec/replicas'))).toEqual([]);
    const back = await stage.run({ ...keptInputs, ...exchanged, tag: 'v1' });
    expect(back.result.outputs['result'], words(back.result)).toBe('promoted');
    expect(stage.standing()).toBe('web: web 4 shop/web:v1, web-2 4 shop/web:v2');
    expect(stage.ours()).toEqual([]);
    expect(stage.fewest()).toBeGreaterThanOrEqual(4);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('an image that answers with errors goes back under traffic', async ({ expect }) => {
    await using stage = await openKept(1);
    const { result } = await stage.run({ ...keptInputs, tag: 'errors', bake: '30s' });
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'metrics-failed' });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe('web: web 4 shop/web:v1, web-2 1 shop/web:v0');
  });

  test.concurrent.for([
    ['crash', 'crash'],
    ['never-ready', 'probe-failed'],
  ])('an image that is %s gets no traffic', async ([tag = '', reason], { expect }) => {
    await using stage = await openKept();
    const { result } = await stage.run({ ...keptInputs, tag, 'ready-timeout': '5s' });
    expect(result.outputs, words(result)).toMatchObject({ result: 'rolled-back', reason });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('a smoke test that fails keeps the image from any user', async ({ expect }) => {
    await using stage = await openKept();
    const { result } = await stage.run({ ...readinessInputs, 'smoke-test': 'curl -sf "$PREVIEW_URL" >/dev/null && exit 7' });
    expect(result.outputs, words(result)).toMatchObject({ result: 'rolled-back', reason: 'smoke-test-failed' });
    expect(words(result)).toContain('exit code 7');
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
  });

  test.concurrent.for(['SIGINT', 'SIGKILL'] as const)('%s while green is prepared', async (signal, { expect }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, 'min-duration': '60s' });
    await stage.until('green is complete', () => stage.standing() === 'web: web 4 shop/web:v1, web-2 4 shop/web:v2');
    action.kill(signal);
    await action.done;
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('alive, it keeps the label of green, whoever reconciles or releases that one', async ({ expect }) => {
    await using stage = await openKept();
    const label = () => stage.sandbox.get('deployments', namespace, 'web-2')?.metadata.labels?.['gated-rollout.github.io/rollout'];
    const action = stage.start({ ...readinessInputs, 'min-duration': '60s' });
    await stage.until('green is complete', () => stage.standing() === 'web: web 4 shop/web:v1, web-2 4 shop/web:v2');
    const fence = label();
    expect(fence).toBeDefined();
    const only = { deployment: 'web-2', strategy: '', 'green-deployment': '', 'min-duration': '', prometheus: '', steps: '', metrics: '' };
    const reconciled = await stage.run({ ...only, command: 'reconcile', tag: '' });
    expect(reconciled.result.outputs, words(reconciled.result)).toMatchObject({ result: 'done', reason: 'running' });
    const released = await stage.run({ ...only, tag: 'v1', strategy: 'rolling', metrics: 'none' });
    expect(released.result.outputs, words(released.result)).toMatchObject({ result: 'refused', reason: 'rollout-busy' });
    expect(label()).toBe(fence);
    await action.cancel();
    await action.done;
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
  });

  test.concurrent('cancelled while green serves: one patch, and everything as it was found', async ({ expect }) => {
    await using stage = await openKept(2);
    const action = stage.start({ ...readinessInputs, bake: '60s' });
    await stage.until('green serves', () => stage.standing() === flipped);
    action.kill('SIGINT');
    const result = await action.done;
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'cancelled' });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe('web: web 4 shop/web:v1, web-2 2 shop/web:v0');
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('kill -9 while green serves: the post step goes on, judged by readiness', async ({ expect }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, bake: '4s' });
    await stage.until('green serves', () => stage.standing() === flipped);
    action.kill('SIGKILL');
    await action.done;
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe('web-2: web 0 shop/web:v1, web-2 4 shop/web:v2');
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('aborted from outside while green serves', async ({ expect }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, bake: '60s' });
    await inPhase(stage, 'live');
    const status = await stage.run({ command: 'status', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '', tag: '' });
    expect(words(status.result)).toContain('Watch web-2 under real traffic');
    const abort = await stage.run({ command: 'abort', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '', tag: '' });
    expect(abort.result.outputs, words(abort.result)).toMatchObject({ result: 'rolled-back', reason: 'aborted' });
    await action.done;
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('the Job deleted and the runner killed while green serves: it stands, reconcile takes our marks, the next run is told', async ({
    expect,
  }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, bake: '60s' }, { skipPost: true });
    await stage.until('green serves', () => stage.standing() === flipped);
    action.kill('SIGKILL');
    await action.done;
    stage.sandbox.remove('jobs', namespace, 'web-rollout');
    const next = await stage.run({ ...readinessInputs, tag: digest });
    expect(next.result.outputs, words(next.result)).toMatchObject({ result: 'refused' });
    expect(words(next.result)).toContain('deployment: web-2, green-deployment: web');
    const command = { command: 'reconcile', strategy: 'blue-green', 'green-deployment': 'web-2' };
    const reconciled = await stage.run({ ...command, prometheus: '', steps: '', 'min-duration': '', 'dead-man': '', tag: '' });
    expect(reconciled.result.outputs, words(reconciled.result)).toMatchObject({ result: 'done', reason: 'reconciled' });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(flipped);
    const back = await stage.run({ ...readinessInputs, ...exchanged, tag: digest });
    expect(back.result.outputs['result'], words(back.result)).toBe('promoted');
    expect(stage.ours()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('a green of the user with the very name of ours: without a record nothing is led back', async ({ expect }) => {
    const second = JSON.parse(JSON.stringify(deploymentManifest()).replaceAll('"web"', '"web-green"')) as object;
    await using stage = await openStage({ prepare: (sandbox) => void sandbox.apply(second) });
    const selector = () => stage.sandbox.get('services', namespace, 'web')?.spec.selector?.['app'];
    const action = stage.start({ ...readinessInputs, 'green-deployment': 'web-green', bake: '60s' }, { skipPost: true });
    await stage.until('green serves', () => selector() === 'web-green');
    action.kill('SIGKILL');
    await action.done;
    stage.sandbox.remove('jobs', namespace, 'web-rollout');
    const { result } = await stage.run({ command: 'reconcile', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '', tag: '' });
    expect(result.outputs['result'], words(result)).toBe('done');
    expect(selector()).toBe('web-green');
    expect(stage.sandbox.get('deployments', namespace, 'web-green')).toBeDefined();
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('somebody who changes the image of green while it serves keeps their change', async ({ expect }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, bake: '60s' });
    await stage.until('green serves', () => stage.standing() === flipped);
    const green = stage.sandbox.get('deployments', namespace, 'web-2');
    if (green !== undefined)
      stage.sandbox.put('deployments', JSON.parse(JSON.stringify(green).replaceAll('shop/web:v2', 'shop/web:v0')) as typeof green);
    const result = await action.done;
    expect(result.outputs, words(result)).toMatchObject({ reason: 'changed-by-others' });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('somebody who changes the Service while green serves keeps their change', async ({ expect }) => {
    await using stage = await openKept();
    const action = stage.start({ ...readinessInputs, bake: '60s' });
    await stage.until('green serves', () => stage.standing() === flipped);
    const service = stage.sandbox.get('services', namespace, 'web');
    if (service !== undefined) stage.sandbox.put('services', { ...service, spec: { ...service.spec, selector: { app: 'maintenance' } } });
    const result = await action.done;
    expect(result.outputs, words(result)).toMatchObject({ result: 'rolled-back', reason: 'changed-by-others' });
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe('nobody: web 4 shop/web:v1, web-2 0 shop/web:v0');
  });

  test.concurrent('two Services flip together', async ({ expect }) => {
    const admin = {
      ...serviceManifest(),
      metadata: { name: 'admin', namespace },
      spec: { selector: { colour: 'blue' }, ports: [{ port: 80 }] },
    };
    await using stage = await openKept(0, { prepare: (sandbox) => void sandbox.apply(admin) });
    const { result } = await stage.run(readinessInputs);
    expect(result.outputs['result'], words(result)).toBe('promoted');
    expect(stage.sandbox.get('services', namespace, 'admin')?.spec.selector).toEqual({ colour: 'green' });
    expect(stage.ours()).toEqual([]);
  });

  test.concurrent('needs no more than its Role: no Deployment is created, none is deleted', async ({ expect }) => {
    const names = namesFor('web');
    const given = { namespace, deployment: 'web', names, logs: false, claims: [], proxied: undefined, strategy: 'blue-green' as const };
    const permissions = permissionsFor({ ...given, pair: 'web-2', flipped: ['web'] });
    const ofDeployments = permissions.filter(({ resource, name }) => resource === 'deployments' && name !== names.canary);
    expect(ofDeployments.map(({ verb }) => verb)).not.toEqual(expect.arrayContaining(['create']));
    expect(ofDeployments.map(({ verb }) => verb)).not.toEqual(expect.arrayContaining(['delete']));
    const rules = permissions.map(({ group, resource, verb, name }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(name === undefined ? {} : { resourceNames: [name] }),
    }));
    await using stage = await openKept(0, { identity: { user: 'ci', roles: [{ namespace, rules }] } });
    const { result } = await stage.run({ ...readinessInputs, evidence: 'none' });
    expect(result.outputs['result'], words(result)).toBe('promoted');
    expect(stage.ours()).toEqual([]);
  });

  test.concurrent('without room for what green lacks nobody is led to it, and it is as it was found', async ({ expect }) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small', namespace }, spec: { hard: { pods: '6' } } };
    await using stage = await openKept(0, { prepare: (sandbox) => void sandbox.apply(quota) });
    const { result } = await stage.run({ ...readinessInputs, 'ready-timeout': '5s' });
    expect([result.outputs['result'], result.outputs['reason']], words(result)).toEqual(['inconclusive', 'quota']);
    expect(stage.ours()).toEqual([]);
    expect(stage.standing()).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web-2' }, minReplicas: 1, maxReplicas: 9 },
  };
  test.concurrent.for([
    ['that does not exist', (sandbox: Sandbox): void => sandbox.remove('deployments', namespace, 'web-2'), 'There is no Deployment web-2'],
    ['with an autoscaler', (sandbox: Sandbox): void => void sandbox.apply(autoscaler), 'an autoscaler would fight'],
    ['without a Service', (sandbox: Sandbox): void => sandbox.remove('services', namespace, 'web'), 'no Service leads to its pods'],
    [
      'behind a Service of both',
      (sandbox: Sandbox): void => void sandbox.apply(serviceManifest()),
      'That is a pair for canary-deployment: web-2',
    ],
  ] as const)('%s, is refused before anything is written', async ([, prepare, sentence], { expect }) => {
    await using stage = await openKept(0, { prepare });
    const done = await stage.run(readinessInputs);
    expect(done.result.outputs, words(done.result)).toMatchObject({ result: 'refused', reason: 'deployment-refused' });
    expect(words(done.result)).toContain(sentence);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });
});
