import { assertHolds, assertResult, assertSays, assertWithin, jobGoneAtMs } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { ContainerStatus, EventObject, Pod } from './harness/shapes.ts';
import { canaryPods } from './harness/timeline.ts';

const cutMs = 10_000;

scenario(
  'crash at start',
  { expected: 'rolled back within 10 s of the second crash, with exit code and last words; no client error' },
  async (scene) => {
    const run = await scene.release({ tag: 'crash-at-start' });
    assertResult(run, 'rolled-back');
    assertSays(run, /exit(?:ed)?\D{0,20}\b3\b/iu, 'the exit code 3');
    assertSays(run, /cannot open the database/u, 'the last log line of the container that died');
    assertHolds(await scene.judge({ failures: 'none' }));
    assertEndedSoon(scene, 'the second crash', momentOf(scene, 2, isCrashed));
  },
);

scenario('never ready', { expected: 'rolled back within 10 s of ready-timeout, cause named; no client error' }, async (scene) => {
  const run = await scene.release({ tag: 'never-ready', 'ready-timeout': '20s' });
  assertResult(run, 'rolled-back');
  assertSays(run, /readiness|not ready/iu, 'that readiness is the cause');
  assertSays(run, /503/u, 'what the probe got');
  assertHolds(await scene.judge({ failures: 'none' }));
  const canary = scene.watcher.history.deployments.find((seen) => seen.object.metadata.name === 'web-canary')?.atMs;
  assertEndedSoon(scene, 'ready-timeout', canary === undefined ? undefined : canary + 20_000);
});

scenario(
  'image that does not exist',
  { expected: 'rolled back within 10 s of the second pull error, cause named; no client error' },
  async (scene) => {
    const run = await scene.release({ tag: 'no-such-tag' });
    assertResult(run, 'rolled-back');
    assertSays(run, /pull/iu, 'that the image cannot be pulled');
    assertSays(run, /no-such-tag/u, 'which image');
    assertHolds(await scene.judge({ failures: 'none' }));
    assertEndedSoon(scene, 'the second pull error', await secondPullError(scene));
  },
);

scenario(
  'last words that are workflow commands',
  {
    env: { VERSION: 'x\n::error title=hello::INJECTED\n::add-mask::web\ntext ##[error]INJECTED TOO' },
    expected: 'shown as text, obeyed by nobody',
  },
  async (scene) => {
    const run = await scene.release({ tag: 'crash-at-start' });
    assertResult(run, 'rolled-back');
    assertSays(run, /INJECTED/u, 'the last log lines');
    const obeyed = run.annotations.find((annotation) => annotation.message.startsWith('INJECTED'));
    if (obeyed !== undefined) throw new Error(`the runner obeyed the pod: ${JSON.stringify(obeyed)}`);
    if (run.log.some((line) => line.line.includes('***'))) throw new Error('the pod made the runner mask a word');
    assertHolds(await scene.judge({ failures: 'none' }));
  },
);

function assertEndedSoon(scene: Scene, what: string, sinceMs: number | undefined): void {
  const goneMs = jobGoneAtMs(scene);
  if (sinceMs === undefined) {
    // It was over before that moment came.
    scene.figures[`seconds from ${what}`] = 'before it';
    return;
  }
  const seconds = goneMs === undefined ? undefined : (goneMs - sinceMs) / 1000;
  scene.figures[`seconds from ${what}`] = seconds ?? 'never';
  assertWithin(`from ${what} to the rollback`, seconds, cutMs / 1000);
}

/** When, counted over all canary pods, something happened for the n-th time: it is counted when it begins, and once for each restart. */
function momentOf(scene: Scene, n: number, happens: (status: ContainerStatus) => boolean): number | undefined {
  const canaries = canaryPods(scene.watcher.history);
  const before = new Map<string, boolean>();
  let count = 0;
  for (const { object, atMs } of scene.watcher.history.pods) {
    if (!canaries.has(object.metadata.name)) continue;
    for (const status of statusesOf(object)) {
      const key = `${object.metadata.name}/${status.name}/${status.restartCount}`;
      const happensNow = happens(status);
      if (happensNow && before.get(key) !== true) count += 1;
      before.set(key, happensNow);
      if (count >= n) return atMs;
    }
  }
  return undefined;
}

function statusesOf(pod: Pod): readonly ContainerStatus[] {
  return pod.status?.containerStatuses ?? [];
}

function isCrashed(status: ContainerStatus): boolean {
  return status.state?.terminated !== undefined || status.state?.waiting?.reason === 'CrashLoopBackOff';
}

/** By the kubelet's own event, to the second: the state of the pod may show both attempts as one. */
async function secondPullError(scene: Scene): Promise<number | undefined> {
  const events = await scene.api.list<EventObject>(scene.paths.events);
  const failed = events.filter((event) => event.message?.startsWith('Failed to pull image') === true && (event.count ?? 1) >= 2);
  const moments = failed.map((event) => Date.parse(event.lastTimestamp ?? ''));
  return moments.length === 0 ? undefined : Math.min(...moments);
}
