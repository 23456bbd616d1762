import { describe, test, vi } from 'vitest';
import { configured, quick, templateOf } from './configured.ts';
import { expectSafe } from './golden.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, imagesOf, isComplete, namespace, pairSpec, secondManifest } from './scene.ts';
import { inPhase, openStage, refusal, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 6 });

const outside = { tag: '', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '' };
const readiness = { prometheus: '', metrics: 'none' };
const blueGreen = { ...readiness, strategy: 'blue-green', steps: '', 'min-duration': '1s' };
const live = { ...blueGreen, bake: '60s' };
const flipped = '{"app":"web-green"}';
const annotation = 'gated-rollout.github.io/rollout';

const command = (stage: Stage, name: string, inputs: Readonly<Record<string, string>> = {}) =>
  stage.run({ ...outside, command: name, ...inputs });
const logOf = (done: Awaited<ReturnType<Stage['run']>>): string => done.result.log.map(({ line }) => line).join('\n');
const selectorOf = (stage: Stage): string => JSON.stringify(stage.sandbox.get('services', namespace, 'web')?.spec.selector);

/** A run that dies in a phase and whose Job goes, too, and leaves what it owned. */
async function lose(stage: Stage, inputs: Readonly<Record<string, string>>, phase: string): Promise<void> {
  const dead = stage.start(inputs, { skipPost: true });
  await inPhase(stage, phase);
  if (phase === 'green') await stage.until('the preview', () => stage.sandbox.get('services', namespace, 'web-preview') !== undefined);
  dead.kill('SIGKILL');
  await dead.done;
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan' });
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/web-rollout`;
  stage.sandbox.handle({ method: 'DELETE', path, headers: { authorization: stage.authorization }, body });
  await stage.until('the Job is gone', () => stage.sandbox.list('jobs').length === 0);
}

describe.concurrent('command: abort, from another machine', () => {
  test.concurrent.for<readonly [phase: string, inputs: Readonly<Record<string, string>>, ended: string]>([
    ['green', { ...blueGreen, 'min-duration': '60s' }, 'rolled-back'],
    ['live', live, 'failed'],
    ['updating', blueGreen, 'failed'],
    ['rolling', { ...readiness, strategy: 'rolling', steps: '', 'min-duration': '60s' }, 'failed'],
    ['baking', { ...readiness, strategy: 'rolling', steps: '', 'min-duration': '1s', bake: '60s' }, 'failed'],
  ])('in phase %s, what was there is back', async ([phase, inputs, ended], { expect }) => {
    // Slow enough that no phase is over before the other machine's process has begun, on a busy machine too.
    await using stage = await openStage({ speed: 2, images: { 'shop/web:v2': { version: 'v2', startMs: 200, readyMs: 2_500 } } });
    const running = stage.start(inputs);
    await inPhase(stage, phase);
    const done = await command(stage, 'abort');
    expectSafe(expect, done);
    expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    const told = await running.done;
    expect([told.code, told.outputs['result'], told.outputs['reason']], told.log.map(({ line }) => line).join('\n')).toEqual([
      1,
      ended,
      'aborted',
    ]);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toBe('{"app":"web"}');
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    expect((await command(stage, 'abort')).result.outputs).toMatchObject({ result: 'unchanged', reason: 'nothing-running' });
  });

  test.concurrent('of a release with a ConfigMap asks for ConfigMaps, and puts all of it back', async ({ expect }) => {
    await using stage = await openStage(configured);
    const before = JSON.stringify(templateOf(stage.sandbox));
    const inputs = { ...quick, env: 'MODE=b', 'config-maps': 'web=conf', bake: '60s' };
    const running = stage.start(inputs, { files: { 'conf/VERSION': 'map-2' } });
    await inPhase(stage, 'baking');
    const done = await command(stage, 'abort');
    expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    const asked = done.requests.filter(({ path }) => path.includes('selfsubjectaccessreviews')).map(({ body }) => body ?? '');
    expect(asked.some((body) => body.includes('"configmaps"') && body.includes('"patch"'))).toBe(true);
    await running.done;
    expect(JSON.stringify(templateOf(stage.sandbox))).toBe(before);
  });

  test.concurrent('without the permissions for its ConfigMaps is refused before anything is written', async ({ expect }) => {
    await using stage = await openStage(configured);
    const inputs = { ...quick, env: 'MODE=b', 'config-maps': 'web=conf', bake: '60s' };
    const dead = stage.start(inputs, { files: { 'conf/VERSION': 'map-2' }, skipPost: true });
    await inPhase(stage, 'baking');
    dead.kill('SIGKILL');
    await dead.done;
    stage.onRequest(({ path, body }) => {
      if (!path.includes('selfsubjectaccessreviews') || body?.includes('"configmaps"') !== true) return undefined;
      const headers = { 'content-type': 'application/json', date: new Date().toUTCString() };
      return { status: 201, headers, body: JSON.stringify({ status: { allowed: false } }) };
    });
    const done = await command(stage, 'abort');
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'refused', reason: 'permission-missing' });
    expect(logOf(done)).toContain('resources: [configmaps], verbs: [list, patch]');
    expect(done.requests.filter(isWrite)).toEqual([]);
  });
});

describe.concurrent('what blue-green has left', () => {
  test.concurrent.for(['green', 'live', 'updating'])(
    'in phase %s: status says it, reconcile removes it, a second one does nothing',
    async (phase, { expect }) => {
      await using stage = await openStage();
      await lose(stage, phase === 'green' ? { ...blueGreen, 'min-duration': '60s' } : phase === 'live' ? live : blueGreen, phase);
      const status = await command(stage, 'status');
      expectSafe(expect, status);
      expect(status.requests.filter(isWrite)).toEqual([]);
      expect(status.result.outputs, logOf(status)).toMatchObject({ result: 'done', reason: 'left-behind' });
      expect(logOf(status)).toContain('left behind: Deployment web-green (replicas: 4)');
      expect(logOf(status)).toContain('left behind: Service web-preview');
      if (phase !== 'green') {
        expect(logOf(status)).toContain('left behind: Service web leads to web-green');
        expect(logOf(status)).toContain('left behind: the annotation of an ended rollout on Service web');
        expect(logOf(status)).toContain('reconcile would do now: lead the Services back');
      }
      const done = await command(stage, 'reconcile');
      expectSafe(expect, done);
      expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'reconciled' } });
      const second = await command(stage, 'reconcile');
      expect(second.requests.filter(isWrite)).toEqual([]);
      expect(second.result.outputs).toMatchObject({ result: 'done', reason: 'nothing-running' });
      expect(stage.left()).toEqual([]);
      expect(stage.broken()).toEqual([]);
      expect(selectorOf(stage)).toBe('{"app":"web"}');
      expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
      expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    },
  );

  test.concurrent('abort leads a Service back whose record is gone', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, live, 'live');
    expect(selectorOf(stage)).toBe(flipped);
    const done = await command(stage, 'abort');
    expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    expect(stage.left()).toEqual([]);
    expect(selectorOf(stage)).toBe('{"app":"web"}');
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('a Service that leads nowhere, because green is gone too, goes back', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, live, 'live');
    stage.sandbox.remove('deployments', namespace, 'web-green');
    const done = await command(stage, 'reconcile');
    expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'reconciled' } });
    expect((await command(stage, 'reconcile')).requests.filter(isWrite)).toEqual([]);
    expect(stage.left()).toEqual([]);
    expect(selectorOf(stage)).toBe('{"app":"web"}');
  });

  test.concurrent('an annotation alone goes, and nothing else of the Service changes', async ({ expect }) => {
    await using stage = await openStage();
    const service = stage.sandbox.get('services', namespace, 'web');
    if (service === undefined) throw new Error('no Service');
    stage.sandbox.put('services', { ...service, metadata: { ...service.metadata, annotations: { [annotation]: 'gone', mine: 'yes' } } });
    expect((await command(stage, 'reconcile')).result.outputs).toMatchObject({ result: 'done', reason: 'reconciled' });
    expect(stage.sandbox.get('services', namespace, 'web')?.metadata.annotations).toEqual({ mine: 'yes' });
    expect(selectorOf(stage)).toBe('{"app":"web"}');
    expect((await command(stage, 'reconcile')).requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('a Deployment and a Service of somebody else with these names stay', async ({ expect }) => {
    const other = JSON.parse(JSON.stringify(deploymentManifest()).replaceAll('"app":"web"', '"app":"other"')) as { metadata: object };
    const preview = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web-preview', namespace },
      spec: { selector: { app: 'other' }, ports: [{ port: 80 }] },
    };
    await using stage = await openStage({
      prepare: (sandbox) => {
        sandbox.apply({ ...other, metadata: { name: 'web-green', namespace } });
        sandbox.apply(preview);
      },
    });
    for (const name of ['status', 'reconcile', 'abort']) {
      const done = await command(stage, name);
      expect(done.result.outputs).toMatchObject({ reason: 'nothing-running' });
      expect(done.requests.filter(isWrite)).toEqual([]);
    }
  });
});

describe.concurrent('a pair', () => {
  const pairInputs = { ...readiness, 'canary-deployment': 'web-v2', steps: '50% for 60s, 75%' };

  test.concurrent('that is aborted has the replicas and images that were found', async ({ expect }) => {
    await using stage = await openStage({ spec: pairSpec('a'), prepare: (sandbox) => void sandbox.apply(secondManifest()), speed: 2 });
    const running = stage.start(pairInputs);
    await stage.until(
      'the new version serves',
      () => (stage.sandbox.get('deployments', namespace, 'web-v2')?.status?.availableReplicas ?? 0) > 0,
    );
    const done = await command(stage, 'abort');
    expect(done.result, logOf(done)).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    const aborted = await running.done;
    expect(aborted.code).toBe(1);
    // Whoever looks once a second may find that everything is over already.
    expect(['aborted', 'lock-lost']).toContain(aborted.outputs['reason']);
    expect(stage.left()).toEqual([]);
    expect(['web', 'web-v2'].map((name) => stage.sandbox.get('deployments', namespace, name)?.spec.replicas)).toEqual([4, 0]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('that is alive keeps the label of its second Deployment, whoever reconciles or aborts that one', async ({ expect }) => {
    await using stage = await openStage({ spec: pairSpec('a'), prepare: (sandbox) => void sandbox.apply(secondManifest()), speed: 1 });
    const label = () => stage.sandbox.get('deployments', namespace, 'web-v2')?.metadata.labels?.[annotation];
    const running = stage.start(pairInputs);
    await stage.until('the second Deployment is fenced', () => label() !== undefined);
    const fence = label();
    for (const name of ['status', 'reconcile', 'abort']) {
      const done = await command(stage, name, { deployment: 'web-v2' });
      expectSafe(expect, done);
      expect(done.result.code, logOf(done)).toBe(0);
      expect(label()).toBe(fence);
      if (name === 'reconcile') {
        expect(done.result.outputs).toMatchObject({ result: 'done', reason: 'running' });
        expect(logOf(done)).toContain('a rollout of Deployment web holds web-v2 as its second one');
      }
    }
    const second = await stage.run({ ...readiness, tag: 'v1', deployment: 'web-v2', strategy: 'rolling', steps: '', force: 'true' });
    expect(second.result.outputs, logOf(second)).toMatchObject({ result: 'refused', reason: 'rollout-busy' });
    expect(logOf(second)).toContain('as the second one in a rollout of web');
    expect(label()).toBe(fence);
    stage.onRequest(({ path }) =>
      path.endsWith('/jobs/web-rollout') ? refusal(403, 'Forbidden', 'jobs.batch "web-rollout" is forbidden') : undefined,
    );
    const blind = await command(stage, 'reconcile', { deployment: 'web-v2' });
    stage.onRequest(() => undefined);
    expect(blind.result.outputs, logOf(blind)).toMatchObject({ result: 'refused', reason: 'permission-missing' });
    expect(logOf(blind)).toContain('deployment: web and canary-deployment: web-v2');
    expect(label()).toBe(fence);
    await running.cancel();
    await running.done;
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('whose label stands on the second Deployment when it is over is no reason to leave it there', async ({ expect }) => {
    await using stage = await openStage({
      spec: pairSpec('a'),
      prepare: (sandbox) => void sandbox.apply(secondManifest('web', { labels: { [annotation]: 'gone' } })),
    });
    const done = await command(stage, 'reconcile', { deployment: 'web-v2' });
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'done', reason: 'reconciled' });
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('with a label of a rollout that is over: reconcile knows it where the input names the second Deployment', async ({
    expect,
  }) => {
    await using stage = await openStage({
      spec: pairSpec('a'),
      prepare: (sandbox) => void sandbox.apply(secondManifest('web', { labels: { [annotation]: 'gone' } })),
    });
    expect((await command(stage, 'reconcile')).result.outputs).toMatchObject({ reason: 'nothing-running' });
    const named = { 'canary-deployment': 'web-v2' };
    const status = await command(stage, 'status', named);
    expect(logOf(status)).toContain('left behind: the label of an ended rollout on Deployment web-v2');
    const done = await command(stage, 'reconcile', named);
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'done', reason: 'reconciled' });
    expect(stage.sandbox.get('deployments', namespace, 'web-v2')?.metadata.labels ?? {}).not.toHaveProperty(annotation);
    expect((await command(stage, 'reconcile', named)).requests.filter(isWrite)).toEqual([]);
  });
});
