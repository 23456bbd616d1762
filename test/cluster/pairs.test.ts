import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionResult } from '../runner/run-action.ts';
import { assertHolds, assertResult, assertSays, assertServing, assertUnmarked } from './harness/assertions.ts';
import type { Expectation } from './harness/expectation.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { newest, podsWithImage, readyEndpoints } from './harness/timeline.ts';

const second = 'web-v2';
const setting = { replicas: 10, podLabels: { set: 'a' }, timeoutMs: 240_000 };
const probeUrl = (scene: Scene): string => `service://${scene.namespace}/web:80/`;
const personChanged = ['spec.replicas'];

type ProbeNumbers = { readonly questions: number; readonly failed: number; readonly unknown: number; readonly longestGapMs: number };

scenario(
  'a pair of Deployments, good image, 10 replicas, and back again',
  {
    ...setting,
    expected: 'all replicas at the second one; then, exchanged, at the first one; no failed request; the probe saw none either',
  },
  async (scene) => {
    await addSecond(scene);
    const inputs = {
      'canary-deployment': second,
      steps: '10%, 50% for 5s, 80%',
      'max-error-increase': '1.25x + 2%',
      'probe-url': probeUrl(scene),
    };
    const there = await scene.release({ ...inputs, tag: 'v2' });
    assertResult(there, 'promoted');
    assertSays(there, /NOT healed by the dead-man/u, 'before the start, that the dead-man does not heal a pair');
    assertStanding(scene, { web: [0, 'v1'], [second]: [10, 'v2'] });
    const refused = await scene.release({ ...inputs, tag: 'v3' });
    assertResult(refused, 'refused', /deployment-refused/u);
    assertSays(refused, /deployment: web-v2, canary-deployment: web/u, 'that the two are to be exchanged');
    const back = await scene.release({ ...inputs, deployment: second, 'canary-deployment': 'web', tag: 'v3' });
    assertResult(back, 'promoted');
    assertStanding(scene, { web: [10, 'v3'], [second]: [0, 'v2'] });
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, personChanged }));
    assertServing(scene, 8);
    for (const run of [there, back])
      noteProbe(scene, run, ({ failed }) => failed === 0, 'no failed question, as the clients had no failed request');
  },
);

scenario(
  'a pair of Deployments, half the answers are 500',
  { ...setting, expected: 'rolled back: 10 and 0 again, the old image; only the bad version failed' },
  async (scene) => {
    await addSecond(scene);
    const inputs = { 'canary-deployment': second, steps: '50%, 80%', 'probe-url': probeUrl(scene) };
    const run = await scene.release({ ...inputs, tag: 'errors-half' });
    assertResult(run, 'rolled-back', /metrics-failed/u);
    assertStanding(scene, { web: [10, 'v1'], [second]: [0, 'v1'] });
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] }, personChanged }));
    assertServing(scene, 8);
  },
);

const few = { ...setting, replicas: 4 };
const inFour = { 'canary-deployment': second, steps: '25%, 50%' };

scenario(
  'a pair of Deployments, crash at start',
  { ...few, expected: 'rolled back: 4 and 0 again, the old image; no failed request' },
  async (scene) => {
    await addSecond(scene);
    const run = await scene.release({ ...inFour, tag: 'crash-at-start' });
    assertResult(run, 'rolled-back', /^crash$/u);
    assertSays(run, /cannot open the database/u, 'the last log line of the container that died');
    await assertUntouched(scene, 'none');
  },
);

scenario(
  'a pair of Deployments, never ready',
  { ...few, expected: 'rolled back at ready-timeout: 4 and 0 again, the old image; no failed request' },
  async (scene) => {
    await addSecond(scene);
    const run = await scene.release({ ...inFour, tag: 'never-ready', 'ready-timeout': '8s' });
    assertResult(run, 'rolled-back', /^(?:probe-failed|not-ready)$/u);
    await assertUntouched(scene, 'none');
  },
);

scenario(
  'a pair of Deployments, 500 on probe and requests after the fifth',
  { ...few, expected: 'rolled back: 4 and 0 again, the old image; only the bad version failed' },
  async (scene) => {
    await addSecond(scene);
    const run = await scene.release({ ...inFour, tag: 'fails-after-5', 'ready-timeout': '20s' });
    assertResult(run, 'rolled-back', /^(?:metrics-failed|probe-failed|not-ready)$/u);
    scene.figures['errors seen'] = (await scene.load.stats()).byVersion['fails-after-5']?.failed ?? 0;
    await assertUntouched(scene, { answersOf: ['fails-after-5'] });
  },
);

scenario(
  'the probe beside the clients, all answers of a canary of half the pods slightly wrong',
  { expected: 'promoted on purpose; probe and clients saw about the same share of failed answers', timeoutMs: 200_000 },
  async (scene) => {
    // Readiness alone, on purpose: somebody must see the failures, and it is not a gate.
    const inputs = { prometheus: '', metrics: 'none', steps: '50% for 30s', 'probe-url': probeUrl(scene) };
    const before = await scene.load.stats();
    const run = await scene.release({ ...inputs, tag: 'errors-half' });
    assertResult(run, 'promoted');
    const stats = await scene.load.stats();
    const share = (stats.failed - before.failed) / (stats.sent - before.sent);
    scene.figures['clients: failed share'] = Number(share.toFixed(3));
    noteProbe(
      scene,
      run,
      ({ failed, questions }) => Math.abs(failed / questions - share) <= 4 * Math.sqrt((share * (1 - share)) / questions),
      `about ${(100 * share).toFixed(1)} % failed questions, as the clients had`,
    );
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] }, images: { web: scene.image('errors-half') } }));
  },
);

scenario(
  'a pair of Deployments, kill -9 between two shares',
  { ...setting, expected: 'the post step puts 10 and 0 and the old image back; no failed request' },
  async (scene) => {
    await addSecond(scene);
    const running = scene.start({ 'canary-deployment': second, steps: '30% for 60s, 50%', tag: 'v2' });
    await scene.watcher.until('3 ready pods of the second Deployment', 90_000, (history) => {
      const fresh = podsWithImage(history, scene.image('v2'));
      return [...(readyEndpoints(history, 'web').at(-1)?.pods ?? [])].filter((pod) => fresh.has(pod)).length === 3;
    });
    await sleep(3_000);
    running.kill('SIGKILL');
    const run = await running.done;
    if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
    assertStanding(scene, { web: [10, 'v1'], [second]: [0, 'v1'] });
    assertHolds(await scene.judge({ failures: 'none', personChanged }));
    assertServing(scene, 8);
  },
);

/** The second Deployment behind the Service of the first one, with no replicas. */
async function addSecond(scene: Scene): Promise<void> {
  const manifest = scene.manifest({ name: second, replicas: 0, podLabels: { app: 'web', set: 'b' } });
  await scene.api.create(scene.paths.deployments, manifest, 'person');
  await scene.watcher.until(
    'the second Deployment',
    30_000,
    (history) => newest(history.deployments, second)?.status?.observedGeneration === 1,
  );
  await scene.takeBaseline();
}

/** As before the release: who serves, with which image, how many. Its replicas are the first one's own only between two shares. */
async function assertUntouched(scene: Scene, failures: Expectation['failures']): Promise<void> {
  assertStanding(scene, { web: [4, 'v1'], [second]: [0, 'v1'] });
  assertHolds(await scene.judge({ failures, personChanged }));
  assertServing(scene, 3);
}

function assertStanding(scene: Scene, wanted: Readonly<Record<string, readonly [replicas: number, tag: string]>>): void {
  for (const [name, [replicas, tag]] of Object.entries(wanted)) {
    const found = newest(scene.watcher.history.deployments, name);
    const image = found?.spec.template.spec.containers[0]?.image;
    const available = found?.status?.availableReplicas ?? 0;
    if (found?.spec.replicas !== replicas || available !== replicas || image !== scene.image(tag))
      throw new Error(
        `${name} has ${available} of ${found?.spec.replicas} replicas of ${image}, wanted were ${replicas} of ${scene.image(tag)}`,
      );
    assertUnmarked(found);
  }
}

function noteProbe(scene: Scene, run: ActionResult, holds: (numbers: ProbeNumbers) => boolean, what: string): void {
  const { probe } = JSON.parse(run.outputs['json'] ?? '{}') as { readonly probe?: ProbeNumbers };
  if (probe === undefined) throw new Error('there are no numbers of the probe');
  scene.figures['probe: questions'] = probe.questions;
  scene.figures['probe: failed'] = probe.failed;
  scene.figures['probe: longest gap in ms'] = probe.longestGapMs;
  if (probe.questions < 10 || probe.unknown > probe.questions / 10 || !holds(probe))
    throw new Error(`the probe saw ${JSON.stringify(probe)}, expected was ${what}`);
}
