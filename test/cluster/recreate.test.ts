import type { ActionResult } from '../runner/run-action.ts';
import { assertHolds, assertResult, assertSays, assertWithin } from './harness/assertions.ts';
import type { Judgement } from './harness/checker.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { canaryPods, readyEndpoints, type ServingSpan, silences } from './harness/timeline.ts';

const recreate = { strategy: 'recreate', steps: '' };
/** What the action, the watch and the endpoints say of one moment differs by this much. */
const slackSeconds = 0.7;
/** kube-proxy writes its rules once a second at most (minSyncPeriod), after it has been told: clients feel a change that much later. */
const clientSlackSeconds = 2;
const recreated = { spec: { strategy: { type: 'Recreate' } } };

scenario(
  'recreate, good image',
  { ...recreated, expected: 'promoted; the trial pod meets no client; the downtime that clients had is the one that is reported' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2', ...recreate });
    assertResult(run, 'promoted');
    assertSays(run, /downtime is inherent/u, 'that there is downtime');
    const judgement = await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, exempt: ['I1', 'I8'] });
    assertHolds(withoutDowntime(judgement));
    assertTrialUnseen(scene);
    await assertDowntime(scene, run);
  },
);

scenario(
  'recreate, an image that cannot be pulled',
  { ...recreated, expected: 'rolled back by the trial pod; no downtime at all' },
  async (scene) => {
    const run = await scene.release({ tag: 'missing', ...recreate });
    assertResult(run, 'rolled-back', /^image-pull$/u);
    assertHolds(await scene.judge({ failures: 'none' }));
    if (silencesOf(scene).length > 0) throw new Error('the Service was without an endpoint');
  },
);

scenario(
  'recreate, a second pod cannot run beside the first',
  {
    ...recreated,
    replicas: 1,
    load: false,
    podSpec: {
      containers: [{ name: 'web', image: 'sample:v1', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 8080, hostPort: 18081 }] }],
    },
    expected: 'the trial pod only pulls: a missing image changes nothing, a good one is released',
  },
  async (scene) => {
    const readiness = { prometheus: '', metrics: 'none', 'min-duration': '3s' };
    const missing = await scene.release({ tag: 'missing', ...recreate, ...readiness });
    assertResult(missing, 'rolled-back', /^image-pull$/u);
    assertSays(missing, /a trial pod that only pulls the image/u, 'what the trial pod does');
    const run = await scene.release({ tag: 'v2', ...recreate, ...readiness });
    assertResult(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, exempt: ['I1', 'I8'] }));
  },
);

for (const { tag, what, inputs, reason } of [
  { tag: 'crash-at-start', what: 'crash at start', inputs: {}, reason: /^crash$/u },
  {
    tag: 'never-ready',
    what: 'never ready',
    inputs: { 'ready-timeout': '5s', 'min-duration': '3s' },
    reason: /^(?:probe-failed|not-ready)$/u,
  },
]) {
  scenario(
    `recreate, ${what}`,
    { ...recreated, expected: 'rolled back by the trial pod; the Deployment is never touched; no downtime at all' },
    async (scene) => {
      const run = await scene.release({ tag, ...recreate, ...inputs });
      assertResult(run, 'rolled-back', reason);
      assertSays(run, /the trial pod/u, 'that the trial pod has shown it');
      // No image but the old one is allowed to have stood.
      assertHolds(await scene.judge({ failures: 'none' }));
      assertTrialUnseen(scene);
      if (silencesOf(scene).length > 0) throw new Error('the Service was without an endpoint');
    },
  );
}

scenario(
  'recreate, half the answers are 500',
  {
    ...recreated,
    expected: 'rolled back by its errors, with nobody beside it; clients failed in the two downtimes only, which are reported',
  },
  async (scene) => {
    const run = await scene.release({ tag: 'errors-half', ...recreate, 'min-duration': '5s' });
    assertResult(run, 'rolled-back', /^metrics-failed$/u);
    assertSays(run, /before\/after: /u, 'that it was judged against the time before');
    await assertTakenBack(scene, 'errors-half');
    assertTrialUnseen(scene);
    const spells = silencesOf(scene);
    if (spells.length !== 2) throw new Error(`the Service was without an endpoint ${spells.length} times`);
    assertReported(scene, run, spells);
  },
);

scenario(
  'recreate, 500 on probe and requests after the fifth',
  {
    ...recreated,
    expected: 'rolled back; nobody asks the trial pod, so clients see it; they failed by the bad version or in the downtimes only',
  },
  async (scene) => {
    const run = await scene.release({ tag: 'fails-after-5', ...recreate, 'min-duration': '5s', 'ready-timeout': '20s' });
    assertResult(run, 'rolled-back', /^(?:metrics-failed|probe-failed|not-ready)$/u);
    await assertTakenBack(scene, 'fails-after-5');
    assertTrialUnseen(scene);
  },
);

/** No Service has ever sent it a request. */
function assertTrialUnseen(scene: Scene): void {
  const trials = canaryPods(scene.watcher.history);
  if (trials.size !== 1) throw new Error(`there were ${trials.size} trial pods`);
  for (const { pods } of readyEndpoints(scene.watcher.history, 'web'))
    for (const pod of pods) if (trials.has(pod)) throw new Error(`the trial pod ${pod} was an endpoint of the Service`);
}

async function assertDowntime(scene: Scene, run: ActionResult): Promise<void> {
  const stats = await scene.load.stats();
  const at = stats.failures.map((failure) => failure.atMs);
  const clientsMs = at.length === 0 ? 0 : Math.max(...at) - Math.min(...at);
  scene.figures['ms between the first and the last failed request'] = clientsMs;
  const atMostMs = assertReported(scene, run, silencesOf(scene));
  // Less for clients: with no ready endpoint, kube-proxy still sends to pods that are going and still answer.
  assertWithin('the time in which clients failed above the reported maximum', (clientsMs - atMostMs) / 1000, clientSlackSeconds);
  assertSays(run, /no pod was ready for at most \d+ ms/u, 'how long the downtime was');
}

/** The downtime that the report gives is the one that the endpoints show, all spells together; answers what it was at most, in ms. */
function assertReported(scene: Scene, run: ActionResult, spells: readonly ServingSpan[]): number {
  const { downtime } = JSON.parse(run.outputs['json'] ?? '{}') as { downtime?: { atMostMs: number; atLeastMs: number } };
  const endpointsMs = spells.reduce((sum, { fromMs, toMs = Number.NaN }) => sum + toMs - fromMs, 0);
  scene.figures['ms without an endpoint'] = endpointsMs;
  scene.figures['ms reported at most'] = downtime?.atMostMs ?? 'none';
  scene.figures['ms reported at least'] = downtime?.atLeastMs ?? 'none';
  if (downtime === undefined) throw new Error('no downtime is reported');
  const slack = spells.length * slackSeconds;
  assertWithin('the reported minimum above what the endpoints show', (downtime.atLeastMs - endpointsMs) / 1000, slack);
  assertWithin('what the endpoints show above the reported maximum', (endpointsMs - downtime.atMostMs) / 1000, slack);
  return downtime.atMostMs;
}

/** Recreated and recreated back: the old image stands, and clients failed by nothing but the bad version and the downtimes. */
async function assertTakenBack(scene: Scene, tag: string): Promise<void> {
  const passing = { web: [scene.image(tag)] };
  const judgement = await scene.judge({ failures: { answersOf: [tag] }, passing, exempt: ['I1', 'I8'] });
  const { failures, byVersion } = await scene.load.stats();
  scene.figures['errors seen'] = byVersion[tag]?.failed ?? 0;
  assertHolds(withoutDowntime(judgement));
  const spells = silencesOf(scene);
  const outside = failures.filter(({ kind, atMs }) => !kind.startsWith('http-') && secondsFrom(spells, atMs) > clientSlackSeconds);
  if (outside.length > 0) {
    const told = outside.map(
      ({ kind, atMs, tookMs, detail }) =>
        `${kind} ${secondsFrom(spells, atMs).toFixed(2)} s from the nearest downtime, after ${tookMs} ms: ${detail}`,
    );
    throw new Error(`${outside.length} requests failed while there was an endpoint: ${told.slice(0, 3).join(', ')}`);
  }
}

/** From a moment to the nearest of the spells; 0 within one. */
function secondsFrom(spells: readonly ServingSpan[], atMs: number): number {
  return Math.min(...spells.map(({ fromMs, toMs = Number.POSITIVE_INFINITY }) => Math.max(fromMs - atMs, atMs - toMs, 0))) / 1000;
}

/** Requests that nobody answered are the downtime's; answers that are errors stay a problem. */
function withoutDowntime(judgement: Judgement): Judgement {
  const unanswered = /^clients: .* requests failed \((?:connect|reset|timeout)\)/u;
  return { ...judgement, problems: judgement.problems.filter((problem) => !unanswered.test(problem)) };
}

function silencesOf(scene: Scene): readonly ServingSpan[] {
  return silences(scene.watcher.history, 'web').filter(({ fromMs }) => fromMs >= scene.baseline.atMs);
}
