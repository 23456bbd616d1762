import { describe, test, vi } from 'vitest';
import { namesFor } from '../../src/rollout/names.ts';
import { permissionsForCommand } from '../../src/rollout/plan/permissions.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { isWrite, writesOf } from './requests.ts';
import { deploymentManifest, imagesOf, isComplete, namespace } from './scene.ts';
import { openStage, refusal, type Stage } from './stage.ts';

// Every one of these runs the action two or three times.
vi.setConfig({ maxConcurrency: 6 });

/** Nothing but the kubeconfig and the name, as from another machine. */
const outside = { tag: '', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '' };
// One step that lasts: whoever looks finds it there, on a busy machine too.
const long = { prometheus: '', steps: '20%', 'min-duration': '5m' };
const jobPath = `/apis/batch/v1/namespaces/${namespace}/jobs/web-rollout`;

const canaryServes = (stage: Stage) => stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
const promotionSent = (stage: Stage) => stage.until('the promotion is sent', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
const command = (stage: Stage, name: string, inputs: Readonly<Record<string, string>> = {}) =>
  stage.run({ ...outside, command: name, ...inputs });
const logOf = (done: Awaited<ReturnType<Stage['run']>>): string => done.result.log.map(({ line }) => line).join('\n');

async function lose(stage: Stage, when: (stage: Stage) => Promise<void>, inputs: Readonly<Record<string, string>>): Promise<void> {
  const dead = stage.start(inputs, { skipPost: true });
  await when(stage);
  dead.kill('SIGKILL');
  await dead.done;
}

function orphan(stage: Stage): void {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan' });
  stage.sandbox.handle({ method: 'DELETE', path: jobPath, headers: { authorization: stage.authorization }, body });
}

/** Of another Deployment, as its labels say, and of a person. */
const foreigners = [
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'web-rollout', namespace, labels: { 'gated-rollout.github.io/target': 'another' } },
    spec: {
      parallelism: 0,
      completions: 1,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'shop/web:v1' }] } },
    },
  },
  {
    ...deploymentManifest(),
    metadata: { name: 'web-canary', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'other' } },
      template: { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'app', image: 'shop/web:v1' }] } },
    },
  },
];

describe.concurrent('command: status', () => {
  test.concurrent('says that nothing runs, and writes nothing', async ({ expect }) => {
    await using stage = await openStage();
    const done = await command(stage, 'status');
    await expectGolden(expect, 'status-nothing', done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'nothing-running' } });
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('says who holds a rollout, and how far it is', async ({ expect }) => {
    await using stage = await openStage();
    const running = stage.start(long);
    await canaryServes(stage);
    const done = await command(stage, 'status');
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'running', image: 'shop/web:v2' } });
    const log = logOf(done);
    for (const text of [running.runUrl, 'phase: Step', 'last heartbeat: ', 'canary web-canary: 1 of 1', 'deadline: in '])
      expect(log).toContain(text);
    const { status } = JSON.parse(done.result.outputs['json'] ?? '') as { status: { rollout: object; canary: object } };
    expect(status.rollout).toMatchObject({ runUrl: running.runUrl, phase: 'step', images: [{ from: 'shop/web:v1', to: 'shop/web:v2' }] });
    expect(done.result.summary).toContain('Status');
    await running.cancel();
  });

  test.concurrent('names what is left', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, canaryServes, long);
    orphan(stage);
    await stage.until('the Job is gone', () => stage.sandbox.list('jobs').length === 0);
    const done = await command(stage, 'status');
    await expectGolden(expect, 'status-left', done);
    expect(done.result.outputs).toMatchObject({ result: 'done', reason: 'left-behind' });
  });

  test.concurrent('needs a Deployment', async ({ expect }) => {
    await using stage = await openStage({ prepare: (sandbox) => sandbox.remove('deployments', namespace, 'web') });
    expect((await command(stage, 'status')).result).toMatchObject({
      code: 1,
      outputs: { result: 'refused', reason: 'deployment-missing' },
    });
  });
});

describe.concurrent('command: abort', () => {
  test.concurrent('of nothing is no failure', async ({ expect }) => {
    await using stage = await openStage();
    const done = await command(stage, 'abort');
    await expectGolden(expect, 'abort-nothing', done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'unchanged', reason: 'nothing-running' } });
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('in a step takes the canary back, and the run that is aborted says who did it', async ({ expect }) => {
    // The action's own waits are real: here the server's time must be, too.
    await using stage = await openStage({ speed: 1 });
    const running = stage.start(long);
    await canaryServes(stage);
    const done = await command(stage, 'abort');
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    const ended = await running.done;
    expect(ended).toMatchObject({ code: 1, outputs: { result: 'rolled-back', reason: 'aborted' } });
    expect(ended.log.map(({ line }) => line).join('\n')).toMatch(/aborted by \S+ in https:/u);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('during the promotion puts the old image back', async ({ expect }) => {
    // Slow enough that the promotion is not over before the other machine's process has begun, on a busy machine too.
    await using stage = await openStage({ speed: 1, images: { 'shop/web:v2': { version: 'v2', startMs: 200, readyMs: 2_500 } } });
    const running = stage.start({ prometheus: '' });
    await promotionSent(stage);
    const done = await command(stage, 'abort');
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    expect(await running.done).toMatchObject({ code: 1, outputs: { result: 'failed', reason: 'aborted' } });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('works where the runner is dead already', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, promotionSent, { prometheus: '' });
    expect((await command(stage, 'abort')).result.outputs).toMatchObject({ result: 'rolled-back', reason: 'aborted' });
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('takes an orphaned canary away', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, canaryServes, long);
    orphan(stage);
    await stage.until('the Job is gone', () => stage.sandbox.list('jobs').length === 0);
    expect((await command(stage, 'abort')).result).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'aborted' } });
    expect(stage.left()).toEqual([]);
  });

  test.concurrent.for(['abort', 'reconcile', 'status'])(
    'leaves a Job and a Deployment alone that are not ours: %s',
    async (name, { expect }) => {
      await using stage = await openStage({ prepare: (sandbox) => void foreigners.map(sandbox.apply) });
      const done = await command(stage, name);
      expect(done.result).toMatchObject({ code: 0, outputs: { reason: 'nothing-running' } });
      if (name === 'status') expect(logOf(done)).toContain('not ours, but with our name: Job web-rollout');
      expect(done.requests.filter(isWrite)).toEqual([]);
    },
  );
});

describe.concurrent('command: reconcile', () => {
  test.concurrent('has nothing to do, and does nothing', async ({ expect }) => {
    await using stage = await openStage();
    const done = await command(stage, 'reconcile');
    await expectGolden(expect, 'reconcile-nothing', done);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('leaves a rollout alone that lives', async ({ expect }) => {
    await using stage = await openStage();
    const running = stage.start({ prometheus: '', 'min-duration': '12s' });
    await canaryServes(stage);
    const done = await command(stage, 'reconcile');
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'running' } });
    expect((await running.done).outputs['result']).toBe('promoted');
  });

  test.concurrent('finishes the promotion of a machine that was lost, says so, and a second one does nothing', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, promotionSent, { prometheus: '' });
    expect((await command(stage, 'reconcile')).result.outputs).toMatchObject({ result: 'done', reason: 'running' });
    stage.sandbox.advance(241_000);
    const done = await command(stage, 'reconcile');
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'done', reason: 'reconciled' } });
    expect(done.result.summary).toContain('The release of an earlier run');
    const { earlier } = JSON.parse(done.result.outputs['json'] ?? '') as { earlier: object };
    expect(earlier).toMatchObject({ outcome: { result: 'promoted' }, images: [{ to: 'shop/web:v2' }] });
    const second = await command(stage, 'reconcile');
    expect(second.requests.filter(isWrite)).toEqual([]);
    expect(second.result.outputs).toMatchObject({ result: 'done', reason: 'nothing-running' });
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('removes an orphaned canary, the label and our name', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, canaryServes, long);
    orphan(stage);
    await stage.until('the Job is gone', () => stage.sandbox.list('jobs').length === 0);
    const done = await command(stage, 'reconcile');
    await expectGolden(expect, 'reconcile-orphan', done);
    expect(done.result.outputs).toMatchObject({ result: 'done', reason: 'reconciled' });
    expect((await command(stage, 'reconcile')).requests.filter(isWrite)).toEqual([]);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('the next release takes the record over, and reports it', async ({ expect }) => {
    await using stage = await openStage();
    await lose(stage, promotionSent, { prometheus: '' });
    stage.sandbox.advance(241_000);
    const done = await stage.run({ prometheus: '', tag: 'v1' });
    expect(done.result.outputs).toMatchObject({ result: 'promoted' });
    const { earlier } = JSON.parse(done.result.outputs['json'] ?? '') as { earlier: object };
    expect(earlier).toMatchObject({ outcome: { result: 'promoted' }, images: [{ to: 'shop/web:v2' }] });
    expect(done.result.summary).toContain('The release of an earlier run');
    expect(stage.left()).toEqual([]);
  });
});

describe.concurrent('commands that may not, or cannot', () => {
  const needs = { namespace, deployment: 'web', names: namesFor('web') };
  const rulesFor = (name: Parameters<typeof permissionsForCommand>[0]) =>
    permissionsForCommand(name, needs).map(({ group, resource, verb, name: only }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(only === undefined ? {} : { resourceNames: [only] }),
    }));

  test.concurrent.for(['status', 'abort', 'reconcile', 'history'] as const)(
    '%s needs what it says, and no more',
    async (name, { expect }) => {
      const tokens = { identity: { user: 'ci', roles: [{ namespace, rules: rulesFor(name) }] } };
      await using stage = await openStage(tokens);
      expect((await command(stage, name)).result.code).toBe(0);
    },
  );

  test.concurrent.for(['status', 'abort', 'reconcile', 'history', 'rollback'])(
    '%s without permissions is refused with the Role',
    async (name, { expect }) => {
      await using stage = await openStage({ identity: { user: 'ci', roles: [] } });
      const done = await command(stage, name);
      expect(done.result).toMatchObject({ code: 1, outputs: { result: 'refused', reason: 'permission-missing' } });
      expect(logOf(done)).toContain('kind: Role');
      expect(done.requests.filter(isWrite)).toEqual([]);
    },
  );

  test.concurrent.for(['status', 'abort', 'reconcile', 'history', 'rollback'])(
    '%s where the API server is down',
    async (name, { expect }) => {
      await using stage = await openStage();
      stage.onRequest(() => refusal(503, 'ServiceUnavailable', 'down'));
      const done = await command(stage, name);
      expect(done.result).toMatchObject({ code: 1, outputs: { result: 'refused', reason: 'cluster-unreachable' } });
    },
  );
});

describe.concurrent('command: history and rollback', () => {
  /** Releases by hand: revisions 2, 3, … */
  async function edit(stage: Stage, image: string, more: readonly object[] = []): Promise<void> {
    stage.sandbox.handle({
      method: 'PATCH',
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/web`,
      headers: { authorization: stage.authorization, 'content-type': 'application/json-patch+json' },
      body: JSON.stringify([{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }, ...more]),
    });
    stage.sandbox.advance(1_000);
  }

  test.concurrent('history prints the revisions, newest first', async ({ expect }) => {
    await using stage = await openStage();
    const cause = { op: 'add', path: '/metadata/annotations/kubernetes.io~1change-cause' };
    await edit(stage, 'shop/web:v2', [{ ...cause, value: 'image web:v2, commit abc1234, run https://example.invalid/1, by alice' }]);
    stage.sandbox.advance(20_000);
    await edit(stage, 'shop/web:digest', [{ ...cause, op: 'replace', value: '::error::mine\n| a | b |' }]);
    const done = await command(stage, 'history');
    expectSafe(expect, done);
    const table = done.result.log.map(({ line }) => line.replaceAll(/\b\d+s\b/gu, '#').replaceAll(/ +/gu, ' '));
    expect(table.slice(1, 5)).toEqual([
      'revision images pods age change-cause',
      expect.stringMatching(/^3 \(current\) app=shop\/web:digest \d # ::error::mine \| a \| b \|$/u),
      expect.stringMatching(/^2 app=shop\/web:v2 \d # image web:v2, commit abc1234, run https:\/\/example\.invalid\/1, by alice$/u),
      '1 app=shop/web:v1 0 # -',
    ]);
    const { revisions } = JSON.parse(done.result.outputs['json'] ?? '') as { revisions: object[] };
    expect(revisions).toMatchObject([
      { revision: 3, current: true, images: [{ container: 'app', image: 'shop/web:digest' }] },
      { revision: 2, commit: 'abc1234', run: 'https://example.invalid/1', actor: 'alice', replicas: expect.any(Number) },
      { revision: 1, current: false, images: [{ container: 'app', image: 'shop/web:v1' }] },
    ]);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('rollback releases the images of the revision before', async ({ expect }) => {
    await using stage = await openStage();
    const env = [
      { op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'SECRET', value: 'do-not-print' }] },
      { op: 'add', path: '/spec/template/spec/terminationGracePeriodSeconds', value: 7 },
    ];
    await edit(stage, 'shop/web:v2', env);
    stage.sandbox.advance(20_000);
    const done = await stage.run({ tag: '', prometheus: '', command: 'rollback' });
    await expectGolden(expect, 'rollback', done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'rollback-done', image: 'shop/web:v1' } });
    expect(stage.sandbox.get('deployments', namespace, 'web')?.spec.template.spec.containers[0]).not.toHaveProperty('env');
    expect(logOf(done)).toContain('variable SECRET of container app');
    expect(logOf(done)).toContain('not rolled back: terminationGracePeriodSeconds');
    expect(logOf(done) + done.result.summary).not.toContain('do-not-print');
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('rollback mends a Deployment that never gets ready', async ({ expect }) => {
    await using stage = await openStage();
    await edit(stage, 'shop/web:never-ready');
    stage.sandbox.advance(20_000);
    const done = await stage.run({ tag: '', command: 'rollback' });
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 0, outputs: { result: 'rolled-back', reason: 'rollback-done' } });
    expect(stage.left()).toEqual([]);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
  });

  test.concurrent('rollback to what is broken too is taken back', async ({ expect }) => {
    await using stage = await openStage();
    await edit(stage, 'shop/web:crash');
    stage.sandbox.advance(20_000);
    await edit(stage, 'shop/web:v2');
    stage.sandbox.advance(20_000);
    const done = await stage.run({ tag: '', prometheus: '', command: 'rollback' });
    expectSafe(expect, done);
    expect(done.result).toMatchObject({ code: 1, outputs: { result: 'failed', reason: 'crash' } });
    expect(logOf(done)).toContain('itself taken back');
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent.for<readonly [string, Readonly<Record<string, string>>, object]>([
    ['a revision that is gone', { 'to-revision': '7' }, { result: 'refused', reason: 'revision-missing' }],
    ['the current revision', { 'to-revision': '2' }, { result: 'unchanged', reason: 'unchanged' }],
    ['a container that does not exist', { containers: 'nobody' }, { result: 'refused', reason: 'container-missing' }],
    ['no number', { 'to-revision': 'last' }, { result: 'refused', reason: 'inputs-invalid' }],
  ])('rollback to %s', async ([, inputs, outputs], { expect }) => {
    await using stage = await openStage();
    await edit(stage, 'shop/web:v2');
    stage.sandbox.advance(20_000);
    const done = await stage.run({ tag: '', prometheus: '', command: 'rollback', ...inputs });
    expect(done.result.outputs).toMatchObject(outputs);
    if (inputs['to-revision'] === '7') expect(logOf(done)).toContain('these exist: 1, 2');
    expect(writesOf(done.requests)).toEqual([]);
  });

  test.concurrent('rollback of a Deployment that has no other revision, or one that differs in nothing that a release changes', async ({
    expect,
  }) => {
    await using stage = await openStage();
    expect((await stage.run({ tag: '', prometheus: '', command: 'rollback' })).result.outputs).toMatchObject({
      reason: 'revision-missing',
    });
    await edit(stage, 'shop/web:v1', [{ op: 'add', path: '/spec/template/spec/terminationGracePeriodSeconds', value: 7 }]);
    stage.sandbox.advance(20_000);
    expect((await stage.run({ tag: '', prometheus: '', command: 'rollback' })).result).toMatchObject({
      code: 0,
      outputs: { result: 'unchanged', reason: 'unchanged' },
    });
  });
});
