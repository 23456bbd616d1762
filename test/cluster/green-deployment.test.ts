import { setTimeout as sleep } from 'node:timers/promises';
import { assertHolds, assertResult, assertSays, assertServing, assertUnmarked } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { fenceLabel, newest, podsWithImage, servingSpan } from './harness/timeline.ts';

/** The name that a green of our own would have: this one is the user's, and is never created or deleted. */
const second = 'web-green';
const kept = { strategy: 'blue-green', steps: '', 'min-duration': '8s', 'green-deployment': second };
const flips = { key: 'app', green: second };
const personChanged = ['spec.replicas'];
const asFound = { serves: 'web', web: [4, 'v1'], [second]: [0, 'v1'] } as const;

scenario(
  'green-deployment, good image, there and back again',
  { expected: 'green serves for good; exchanged, blue again; no failed request', timeoutMs: 240_000 },
  async (scene) => {
    await addSecond(scene);
    const there = await scene.release({ ...kept, tag: 'v2' });
    assertResult(there, 'promoted');
    assertSays(there, /NOT healed by the dead-man/u, 'before the start, that the dead-man does not heal it');
    assertStanding(scene, { serves: second, web: [0, 'v1'], [second]: [4, 'v2'] });
    const refused = await scene.release({ ...kept, tag: 'v3' });
    assertResult(refused, 'refused', /deployment-refused/u);
    assertSays(refused, /deployment: web-green, green-deployment: web/u, 'that the two are to be exchanged');
    const back = await scene.release({ ...kept, deployment: second, 'green-deployment': 'web', tag: 'v3' });
    assertResult(back, 'promoted');
    assertStanding(scene, { serves: 'web', web: [4, 'v3'], [second]: [0, 'v2'] });
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, flips, personChanged }));
    assertServing(scene, 4);
  },
);

scenario('green-deployment, half the answers are 500', { expected: 'rolled back; both as they were found' }, async (scene) => {
  await addSecond(scene);
  const run = await scene.release({ ...kept, tag: 'errors-half' });
  await noteExposure(scene, 'errors-half');
  assertResult(run, 'rolled-back', /metrics-failed/u);
  assertStanding(scene, asFound);
  assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] }, flips }));
});

scenario('green-deployment, an image that crashes at start', { expected: 'rolled back before any request reaches it' }, async (scene) => {
  await addSecond(scene);
  assertResult(await scene.release({ ...kept, tag: 'crash-at-start' }), 'rolled-back', /crash/u);
  assertNeverFlipped(scene);
  assertStanding(scene, asFound);
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

scenario('green-deployment, an image that is never ready', { expected: 'rolled back before any request reaches it' }, async (scene) => {
  await addSecond(scene);
  assertResult(await scene.release({ ...kept, tag: 'never-ready', 'ready-timeout': '15s' }), 'rolled-back');
  assertNeverFlipped(scene);
  assertStanding(scene, asFound);
  assertHolds(await scene.judge({ failures: 'none', flips }));
});

scenario('green-deployment, 500 after the fifth request', { expected: 'rolled back; both as they were found' }, async (scene) => {
  await addSecond(scene);
  const run = await scene.release({ ...kept, tag: 'fails-after-5', 'ready-timeout': '40s' });
  await noteExposure(scene, 'fails-after-5');
  assertResult(run, 'rolled-back');
  assertStanding(scene, asFound);
  assertHolds(await scene.judge({ failures: { answersOf: ['fails-after-5'] }, silenceMs: 2_000, flips }));
});

scenario(
  'green-deployment, cancelled while green serves',
  { expected: 'flipped back under load, and green as it was found; no failed request' },
  async (scene) => {
    await addSecond(scene);
    const running = scene.start({ ...kept, tag: 'v2', bake: '60s' });
    await serves(scene, second);
    await sleep(2_000);
    const sentMs = Date.now();
    void running.cancel();
    const run = await running.done;
    if ((run.outputs['result'] ?? '') === 'promoted') throw new Error('promoted although it was cancelled');
    const span = servingSpan(scene.watcher.history, 'web', (pod) => pod.startsWith(`${second}-`));
    scene.figures['seconds from SIGINT to blue'] = ((span?.toMs ?? Number.NaN) - sentMs) / 1000;
    await scene.watcher.until(
      'green as it was found',
      30_000,
      (history) => newest(history.deployments, second)?.metadata.labels?.[fenceLabel] === undefined,
    );
    assertHolds(await scene.judge({ failures: 'none', flips }));
    assertStanding(scene, asFound);
  },
);

scenario(
  'green-deployment, kill -9 while green serves',
  { expected: 'the post step finishes: green serves for good; no failed request', timeoutMs: 240_000 },
  async (scene) => {
    await addSecond(scene);
    const running = scene.start({ ...kept, tag: 'v2', bake: '12s' });
    await serves(scene, second);
    await sleep(2_000);
    running.kill('SIGKILL');
    const run = await running.done;
    if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
    assertStanding(scene, { serves: second, web: [0, 'v1'], [second]: [4, 'v2'] });
    assertHolds(await scene.judge({ failures: 'none', flips: { ...flips, stays: true }, personChanged }));
    assertServing(scene, 4);
  },
);

/** The idle Deployment of the user: its pods have another `app` than the Service selects. */
async function addSecond(scene: Scene): Promise<void> {
  await scene.api.create(scene.paths.deployments, scene.manifest({ name: second, replicas: 0 }), 'person');
  await scene.watcher.until(
    'the second Deployment',
    30_000,
    (history) => newest(history.deployments, second)?.status?.observedGeneration === 1,
  );
  await scene.takeBaseline();
}

type Standing = { readonly serves: string; readonly [deployment: string]: string | readonly [replicas: number, tag: string] };

function assertStanding(scene: Scene, { serves: wanted, ...deployments }: Standing): void {
  const { history } = scene.watcher;
  const selected = newest(history.services, 'web')?.spec.selector?.['app'];
  if (selected !== wanted) throw new Error(`the Service leads to ${selected}, wanted was ${wanted}`);
  for (const [name, [replicas, tag = '']] of Object.entries(deployments)) {
    const found = newest(history.deployments, name);
    const image = found?.spec.template.spec.containers[0]?.image;
    if (found === undefined || found.spec.replicas !== replicas || image !== scene.image(String(tag)))
      throw new Error(`${name} has ${found?.spec.replicas} replicas of ${image}, wanted were ${replicas} of ${tag}`);
    assertUnmarked(found);
  }
}

function assertNeverFlipped(scene: Scene): void {
  const flipped = scene.watcher.history.services.some(
    ({ object }) => object.spec.selector?.['app'] === second && object.metadata.name === 'web',
  );
  if (flipped) throw new Error('the Service was flipped');
}

async function serves(scene: Scene, name: string): Promise<void> {
  await scene.watcher.until(
    `${name} behind the Service`,
    60_000,
    (history) => newest(history.services, 'web')?.spec.selector?.['app'] === name,
  );
}

async function noteExposure(scene: Scene, tag: string): Promise<void> {
  const pods = podsWithImage(scene.watcher.history, scene.image(tag));
  const span = servingSpan(scene.watcher.history, 'web', (pod) => pods.has(pod));
  if (span?.toMs !== undefined) scene.figures['seconds behind the Service'] = (span.toMs - span.fromMs) / 1000;
  const stats = await scene.load.stats();
  scene.figures['errors seen'] = stats.byVersion[tag]?.failed ?? 0;
}
