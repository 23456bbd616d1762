import type { ActionResult, RunningAction } from '../runner/run-action.ts';
import { assertEnd, assertHolds, assertResult, assertSays, assertWithin, canaryGoneAtMs, tail } from './harness/assertions.ts';
import { imagesOf } from './harness/judge-objects.ts';
import { kubectlOrThrow } from './harness/kubectl.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { makeStale } from './harness/stale-record.ts';
import { newest, readyCanaries } from './harness/timeline.ts';

const nothingGiven = { steps: '', prometheus: '', 'min-duration': '', 'ready-timeout': '', timeout: '' };
const longStep = { tag: 'v2', steps: '20% for 60s, 50%' };

scenario('abort from another machine during a step', { expected: 'gone within 6 s; both runs say who aborted' }, async (scene) => {
  const running = scene.start(longStep);
  await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
  const status = await command(scene, 'status');
  assertEnd(status, 0, 'done', 'running');
  assertSays(status, new RegExp(running.runUrl.replaceAll('.', '\\.'), 'u'), 'who holds the rollout');
  const startedMs = Date.now();
  const abort = await command(scene, 'abort');
  assertEnd(abort, 0, 'rolled-back', 'aborted');
  const run = await running.done;
  assertEnd(run, 1, 'rolled-back', 'aborted');
  assertSays(run, /aborted by \S+ in https:/u, 'who has aborted it');
  const seconds = ((canaryGoneAtMs(scene) ?? Number.NaN) - startedMs) / 1000;
  scene.figures['seconds from the start of the abort to out'] = seconds;
  scene.figures['seconds of the abort'] = (abort.endedAtMs - abort.startedAtMs) / 1000;
  assertWithin("from the start of the abort to the canary's end", seconds, 6);
  assertHolds(await scene.judge({ failures: 'none' }));
  assertEnd(await command(scene, 'abort'), 0, 'unchanged', 'nothing-running');
});

scenario(
  'abort from another machine during the promotion',
  { minReadySeconds: 5, expected: 'the old image is back; no failed request' },
  async (scene) => {
    const running = await startToPromotion(scene);
    const abort = await command(scene, 'abort');
    assertEnd(abort, 0, 'rolled-back', 'aborted');
    assertEnd(await running.done, 1, 'failed', 'aborted');
    scene.figures['seconds of the abort'] = (abort.endedAtMs - abort.startedAtMs) / 1000;
    assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('v2')] } }));
  },
);

scenario(
  'reconcile after the machine was lost during the promotion',
  { minReadySeconds: 3, expected: 'left alone while it may live; then finished; a second one does nothing' },
  async (scene) => {
    await loseDuringPromotion(scene);
    assertEnd(await command(scene, 'reconcile'), 0, 'done', 'running');
    await makeStale(scene);
    const status = await command(scene, 'status');
    assertEnd(status, 0, 'done', 'left-behind');
    const run = await command(scene, 'reconcile');
    assertEnd(run, 0, 'done', 'reconciled');
    assertEarlier(run, 'promoted');
    const before = await versions(scene);
    assertEnd(await command(scene, 'reconcile'), 0, 'done', 'nothing-running');
    if ((await versions(scene)) !== before) throw new Error('the second reconcile wrote something');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

scenario(
  'a stale record, and the next run',
  { minReadySeconds: 3, timeoutMs: 240_000, expected: 'the next run finishes it, reports it, and releases its own image' },
  async (scene) => {
    await loseDuringPromotion(scene);
    await makeStale(scene);
    const run = await scene.release({ tag: 'v3', steps: '50%' });
    assertResult(run, 'promoted');
    assertEarlier(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, passing: { web: [scene.image('v2')] } }));
  },
);

scenario(
  'an orphaned canary, and a reconcile',
  { expected: 'canary, label and our name are gone; nothing else changes' },
  async (scene) => {
    const running = scene.start(longStep, { skipPost: true });
    await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
    running.kill('SIGKILL');
    await running.done;
    await scene.api.delete(scene.paths.job('web-rollout'), 'Orphan');
    await scene.watcher.until('the Job to go', 20_000, (history) => newest(history.jobs, 'web-rollout') === undefined);
    assertEnd(await command(scene, 'reconcile'), 0, 'done', 'reconciled');
    assertEnd(await command(scene, 'reconcile'), 0, 'done', 'nothing-running');
    assertHolds(await scene.judge({ failures: 'none' }));
  },
);

scenario(
  'rollback to revision 3 of 10',
  { replicas: 2, timeoutMs: 300_000, expected: 'its image and its variable, gated; history is what kubectl says' },
  async (scene) => {
    for (let revision = 2; revision <= 10; revision += 1) await editByHand(scene, ['v3', 'v1', 'v2'][revision % 3] ?? '', revision);
    await scene.takeBaseline();
    const history = await command(scene, 'history');
    assertEnd(history, 0, 'done', 'listed');
    const ours = revisionsOf(history).map(({ revision, changeCause }) => `${revision} ${changeCause ?? '<none>'}`);
    const theirs = (await kubectlOrThrow(scene.target, ['rollout', 'history', 'deploy/web', '-n', scene.namespace]))
      .split('\n')
      .filter((line) => /^\d/u.test(line))
      .map((line) => line.replace(/\s+/u, ' ').trim());
    if (ours.toReversed().join('\n') !== theirs.join('\n'))
      throw new Error(`kubectl says\n${theirs.join('\n')}\nwe say\n${ours.join('\n')}`);
    const run = await scene.release({ command: 'rollback', 'to-revision': '3', steps: '50%' });
    assertEnd(run, 0, 'rolled-back', 'rollback-done');
    assertSays(run, /variable REVISION of container web: 2 characters → 1 character/u, 'that the variable is rolled back');
    const web = await scene.api.get<Deployment>(scene.paths.deployment('web'));
    const env = JSON.stringify((web.spec.template.spec.containers[0] as { readonly env?: unknown } | undefined)?.env);
    if (env !== '[{"name":"REVISION","value":"3"}]') throw new Error(`the variables are ${env}`);
    const configured = ['spec.template.spec.containers.0.env'];
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, configured }));
    const gone = await scene.release({ command: 'rollback', 'to-revision': '99' });
    assertEnd(gone, 1, 'refused', 'revision-missing');
  },
);

scenario(
  'rollback to a broken revision',
  { timeoutMs: 240_000, expected: 'taken back itself; the image of before stands' },
  async (scene) => {
    await editByHand(scene, 'crash-at-start', 2, false);
    await editByHand(scene, 'v3', 3);
    await scene.takeBaseline();
    const run = await scene.release({ command: 'rollback', steps: '50%', prometheus: '' });
    assertEnd(run, 1, 'failed', 'crash');
    assertSays(run, /itself taken back/u, 'that the rollback was taken back');
    assertHolds(await scene.judge({ failures: 'none' }));
  },
);

scenario(
  'rollback of a release that never gets ready',
  { timeoutMs: 240_000, expected: 'the image and the variables before, although stable is not healthy' },
  async (scene) => {
    await editByHand(scene, 'never-ready', 2, false);
    await scene.takeBaseline();
    const run = await scene.release({ command: 'rollback', steps: '50%' });
    assertEnd(run, 0, 'rolled-back', 'rollback-done');
    const configured = ['spec.template.spec.containers.0.env'];
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v1') }, configured }));
  },
);

/** As somebody runs it elsewhere: nothing but the kubeconfig and the name. */
async function command(scene: Scene, name: string): Promise<ActionResult> {
  return await scene.release({ ...nothingGiven, command: name });
}

function assertEarlier(run: ActionResult, result: string): void {
  const { earlier } = JSON.parse(run.outputs['json'] ?? '{}') as { readonly earlier?: { readonly outcome: { readonly result: string } } };
  if (earlier?.outcome.result !== result)
    throw new Error(`the earlier release is ${JSON.stringify(earlier)}, expected ${result}\n${tail(run)}`);
  if (!run.summary.includes('The release of an earlier run')) throw new Error('the summary does not tell of the earlier release');
}

async function startToPromotion(scene: Scene, options: { readonly skipPost?: boolean } = {}): Promise<RunningAction> {
  const running = scene.start({ tag: 'v2', steps: '50%' }, options);
  await scene.watcher.until('the promotion', 120_000, (history) => imageOfWeb(newest(history.deployments, 'web')) === scene.image('v2'));
  return running;
}

async function loseDuringPromotion(scene: Scene): Promise<void> {
  const running = await startToPromotion(scene, { skipPost: true });
  running.kill('SIGKILL');
  await running.done;
}

async function versions(scene: Scene): Promise<string> {
  const web = await scene.api.get<Deployment>(scene.paths.deployment('web'));
  return `${web.metadata.uid} ${JSON.stringify(web.metadata.managedFields?.map((entry) => entry.manager))} ${JSON.stringify(web.metadata.labels)}`;
}

/** One revision more: another image, another variable and a change-cause in one write. */
async function editByHand(scene: Scene, tag: string, revision: number, completes = true): Promise<void> {
  const container = '/spec/template/spec/containers/0';
  const web = await scene.api.get<Deployment>(scene.paths.deployment('web'));
  await scene.api.patch(scene.paths.deployment('web'), 'json', [
    { op: 'replace', path: `${container}/image`, value: scene.image(tag) },
    { op: 'add', path: `${container}/env`, value: [{ name: 'REVISION', value: String(revision) }] },
    ...(web.metadata.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} }] : []),
    { op: 'add', path: '/metadata/annotations/kubernetes.io~1change-cause', value: `image sample:${tag}, by hand ${revision}` },
  ]);
  if (completes) {
    await kubectlOrThrow(scene.target, ['rollout', 'status', 'deploy/web', '--timeout=60s', '-n', scene.namespace]);
    return;
  }
  await scene.watcher.until('the ReplicaSet of the bad image', 30_000, (history) => {
    const seen = newest(history.deployments, 'web');
    return seen?.metadata.annotations?.['deployment.kubernetes.io/revision'] === String(revision);
  });
}

function revisionsOf(run: ActionResult): readonly { readonly revision: number; readonly changeCause?: string }[] {
  return (JSON.parse(run.outputs['json'] ?? '{}') as { revisions?: { revision: number; changeCause?: string }[] }).revisions ?? [];
}

function imageOfWeb(web: Deployment | undefined): string | undefined {
  return web === undefined ? undefined : imagesOf(web)['web'];
}
