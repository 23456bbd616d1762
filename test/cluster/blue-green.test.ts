import { setTimeout as sleep } from 'node:timers/promises';
import { assertHolds, assertResult } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { makeStale } from './harness/stale-record.ts';
import { newest, podsWithImage, servingSpan } from './harness/timeline.ts';

const blueGreen = { strategy: 'blue-green', steps: '', 'min-duration': '8s' };
const flips = { key: 'app', green: 'web-green' };

scenario(
  'blue-green, good image',
  { expected: 'promoted; no failed request; Service and Deployment as before but for the image' },
  async (scene) => {
    const run = await scene.release({ ...blueGreen, tag: 'v2' });
    assertResult(run, 'promoted');
    const span = servingSpan(scene.watcher.history, 'web', (pod) => pod.startsWith('web-green-'));
    if (span?.toMs === undefined) throw new Error('green did not serve, or still does');
    scene.figures['seconds on green'] = (span.toMs - span.fromMs) / 1000;
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, flips }));
  },
);

scenario('blue-green, half the answers are 500', { expected: 'rolled back; the Deployment is never touched' }, async (scene) => {
  const run = await scene.release({ ...blueGreen, tag: 'errors-half' });
  await noteExposure(scene, 'errors-half');
  assertResult(run, 'rolled-back', /metrics-failed/u);
  assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] }, flips }));
});

scenario('blue-green, an image that crashes at start', { expected: 'rolled back before any request reaches it' }, async (scene) => {
  const run = await scene.release({ ...blueGreen, tag: 'crash-at-start' });
  assertResult(run, 'rolled-back', /crash/u);
  assertNeverFlipped(scene);
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

scenario('blue-green, an image that is never ready', { expected: 'rolled back before any request reaches it' }, async (scene) => {
  const run = await scene.release({ ...blueGreen, tag: 'never-ready', 'ready-timeout': '15s' });
  assertResult(run, 'rolled-back');
  assertNeverFlipped(scene);
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

scenario('blue-green, 500 after the fifth request', { expected: 'rolled back' }, async (scene) => {
  const run = await scene.release({ ...blueGreen, tag: 'fails-after-5', 'ready-timeout': '40s' });
  await noteExposure(scene, 'fails-after-5');
  assertResult(run, 'rolled-back');
  assertHolds(await scene.judge({ failures: { answersOf: ['fails-after-5'] }, silenceMs: 2_000, flips }));
});

scenario(
  'blue-green, kill -9 while green serves',
  { expected: 'the post step finishes; no failed request', timeoutMs: 240_000 },
  async (scene) => {
    const running = scene.start({ ...blueGreen, tag: 'v2', bake: '30s' });
    await serves(scene);
    await sleep(2_000);
    running.kill('SIGKILL');
    const run = await running.done;
    if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, flips }));
  },
);

scenario('blue-green, cancelled while green serves', { expected: 'flipped back under load; no failed request' }, async (scene) => {
  const running = scene.start({ ...blueGreen, tag: 'v2', bake: '60s' });
  await serves(scene);
  await sleep(2_000);
  const sentMs = Date.now();
  void running.cancel();
  const run = await running.done;
  await scene.watcher.until(
    'the Service leads to blue again',
    30_000,
    (history) => newest(history.services, 'web')?.spec.selector?.['app'] === 'web',
  );
  const span = servingSpan(scene.watcher.history, 'web', (pod) => pod.startsWith('web-green-'));
  scene.figures['seconds from SIGINT to blue'] = ((span?.toMs ?? Number.NaN) - sentMs) / 1000;
  if ((run.outputs['result'] ?? '') === 'promoted') throw new Error('promoted although it was cancelled');
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

scenario(
  'blue-green, a second run after the machine was lost while green serves',
  { expected: 'the next run finishes the first release, then makes its own', timeoutMs: 500_000 },
  async (scene) => {
    const running = scene.start({ ...blueGreen, tag: 'v2', bake: '60s' }, { skipPost: true });
    await serves(scene);
    running.kill('SIGKILL');
    await running.done;
    await makeStale(scene);
    assertResult(await scene.release({ ...blueGreen, tag: 'v3', bake: '' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('v2')] }, images: { web: scene.image('v3') }, flips }));
  },
);

scenario('blue-green, the Job deleted by hand while green serves', { expected: 'the Services go back; nothing is left' }, async (scene) => {
  const running = scene.start({ ...blueGreen, tag: 'v2', bake: '60s' });
  await serves(scene);
  await scene.api.delete(scene.paths.job('web-rollout'));
  const run = await running.done;
  assertResult(run, 'rolled-back', /lock-lost/u);
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

function assertNeverFlipped(scene: Scene): void {
  const flipped = scene.watcher.history.services.some(
    ({ object }) => object.spec.selector?.['app'] === 'web-green' && object.metadata.name === 'web',
  );
  if (flipped) throw new Error('the Service was flipped');
}

async function serves(scene: Scene): Promise<void> {
  await scene.watcher.until(
    'green behind the Service',
    60_000,
    (history) => newest(history.services, 'web')?.spec.selector?.['app'] === 'web-green',
  );
}

async function noteExposure(scene: Scene, tag: string): Promise<void> {
  const pods = podsWithImage(scene.watcher.history, scene.image(tag));
  const span = servingSpan(scene.watcher.history, 'web', (pod) => pods.has(pod));
  if (span?.toMs !== undefined) scene.figures['seconds behind the Service'] = (span.toMs - span.fromMs) / 1000;
  const stats = await scene.load.stats();
  scene.figures['errors seen'] = stats.byVersion[tag]?.failed ?? 0;
}
