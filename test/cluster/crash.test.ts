import { setTimeout as sleep } from 'node:timers/promises';
import { assertHolds, assertResult, assertWithin, canaryGoneAtMs } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { canaryPods, newest, readyCanaries, servingSpan } from './harness/timeline.ts';

const longStep = { steps: '20% for 60s, 50%', 'dead-man': '15s' };
const deadManMs = 15_000;

scenario(
  'kill -9 in the middle of a step, with the whole machine',
  { expected: "canary gone at the dead-man's time + 1 s, stable untouched; the next run works", timeoutMs: 240_000 },
  async (scene) => {
    const running = scene.start({ tag: 'errors-05pct', ...longStep }, { skipPost: true });
    await inTheMiddle(scene);
    const killedMs = Date.now();
    running.kill('SIGKILL');
    await running.done;
    await canaryGone(scene, deadManMs + 10_000);
    const goneMs = canaryGoneAtMs(scene) ?? Number.NaN;
    scene.figures['seconds from kill to out'] = (goneMs - killedMs) / 1000;
    assertWithin("from kill -9 to the canary's end", (goneMs - killedMs) / 1000, deadManMs / 1000 + 1);
    const late = (goneMs - lastDeadlineMs(scene)) / 1000;
    scene.figures['seconds after the last deadline'] = late;
    assertWithin("from the Job's deadline to the canary's end", late, 1);
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-05pct'] }, exempt: ['I7'] }));
    assertResult(await scene.release({ tag: 'v2', steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-05pct'] }, images: { web: scene.image('v2') } }));
  },
);

scenario('kill -9 of the action alone', { expected: 'the post step removes the canary at once; says what is left' }, async (scene) => {
  const running = scene.start({ tag: 'v2', ...longStep, 'dead-man': '4m' });
  await inTheMiddle(scene);
  const killedMs = Date.now();
  running.kill('SIGKILL');
  const run = await running.done;
  await canaryGone(scene, 20_000);
  const seconds = ((canaryGoneAtMs(scene) ?? Number.NaN) - killedMs) / 1000;
  scene.figures['seconds from kill to out'] = seconds;
  assertWithin("from kill -9 to the canary's end by post", seconds, 5);
  if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
  assertHolds(await scene.judge({ failures: 'none' }));
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  scenario(`${signal} in the middle of a step`, { expected: 'gone within 3 s; nothing of ours left' }, async (scene) => {
    const running = scene.start({ tag: 'v2', ...longStep, 'dead-man': '4m' });
    await inTheMiddle(scene);
    const sentMs = Date.now();
    if (signal === 'SIGINT') void running.cancel();
    else running.kill(signal);
    const run = await running.done;
    await canaryGone(scene, 20_000);
    const seconds = ((canaryGoneAtMs(scene) ?? Number.NaN) - sentMs) / 1000;
    scene.figures['seconds from signal to out'] = seconds;
    scene.figures['seconds from signal to exit'] = (run.endedAtMs - sentMs) / 1000;
    assertWithin(`from ${signal} to the canary's end`, seconds, 3);
    assertResult(run, ['rolled-back', 'failed']);
    assertWithin(`from ${signal} to the exit`, (run.endedAtMs - sentMs) / 1000, 7.5);
    assertHolds(await scene.judge({ failures: 'none' }));
  });
}

scenario(
  'an application that exits at once on SIGTERM, canary of 4 pods',
  { image: 'exit-at-once-v1', expected: 'no failed request at the end of the canary' },
  async (scene) => {
    const running = scene.start({ tag: 'exit-at-once-v2', steps: '50% for 60s' });
    await scene.watcher.until('4 ready canary pods', 60_000, (history) => readyCanaries(history, 'web') === 4);
    await sleep(3_000);
    void running.cancel();
    await running.done;
    await canaryGone(scene, 20_000);
    assertHolds(await scene.judge({ failures: 'none' }, 6_000));
  },
);

/** Serving for a moment already, and far from the step's end. */
async function inTheMiddle(scene: Scene): Promise<void> {
  await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
  await sleep(4_000);
}

async function canaryGone(scene: Scene, limitMs: number): Promise<void> {
  await scene.watcher.until('no canary pod among the ready endpoints', limitMs, (history) => {
    const canaries = canaryPods(history);
    return servingSpan(history, 'web', (pod) => canaries.has(pod))?.toMs !== undefined && newest(history.jobs, 'web-rollout') === undefined;
  });
}

function lastDeadlineMs(scene: Scene): number {
  const job = scene.watcher.history.jobs.filter((seen) => seen.object.status?.startTime !== undefined).at(-1)?.object;
  return Date.parse(job?.status?.startTime ?? '') + (job?.spec.activeDeadlineSeconds ?? Number.NaN) * 1000;
}
