import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionResult, RunningAction } from '../runner/run-action.ts';
import { assertHolds, assertResult, assertSays, assertWithin } from './harness/assertions.ts';
import { imagesOf } from './harness/judge-objects.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { makeStale } from './harness/stale-record.ts';
import { canaryPods, newest, readyEndpoints, silences } from './harness/timeline.ts';

const rolling = { strategy: 'rolling', steps: '' };
const recreate = { strategy: 'recreate', steps: '' };

const bounds: readonly (readonly [number | string, number | string])[] = [
  [0, 1],
  [1, 0],
  ['100%', 0],
  ['25%', '25%'],
];

for (const [maxSurge, maxUnavailable] of bounds) {
  scenario(
    `rolling, good image, maxSurge ${maxSurge}, maxUnavailable ${maxUnavailable}`,
    {
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
      expected: 'promoted; no failed request; never below maxUnavailable; only the image differs',
    },
    async (scene) => {
      const run = await scene.release({ tag: 'v2', ...rolling });
      assertResult(run, 'promoted');
      assertSays(run, /before\/after: an outage convicts/u, 'that the last test is absolute');
      assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
    },
  );
}

scenario('rolling, half the answers are 500', { expected: 'rolled back by its errors; the old image stands' }, async (scene) => {
  const run = await scene.release({ tag: 'errors-half', ...rolling });
  assertResult(run, 'rolled-back', /^metrics-failed$/u);
  await noteExposure(scene, 'errors-half');
  assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] }, passing: { web: [scene.image('errors-half')] } }));
});

scenario('rolling, crash at start', { expected: 'rolled back; no failed request' }, async (scene) => {
  const run = await scene.release({ tag: 'crash-at-start', ...rolling });
  assertResult(run, 'rolled-back', /^crash$/u);
  assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('crash-at-start')] } }));
});

scenario('rolling, never ready', { expected: 'rolled back at ready-timeout; no failed request' }, async (scene) => {
  const run = await scene.release({ tag: 'never-ready', 'ready-timeout': '8s', ...rolling });
  assertResult(run, 'rolled-back', /^(?:probe-failed|not-ready)$/u);
  assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('never-ready')] } }));
});

scenario(
  'rolling, 500 on probe and requests after the fifth',
  { minReadySeconds: 10, expected: 'rolled back: ready is not available; the other pods carry on' },
  async (scene) => {
    const run = await scene.release({ tag: 'fails-after-5', 'ready-timeout': '40s', ...rolling });
    await noteExposure(scene, 'fails-after-5');
    assertResult(run, 'rolled-back');
    assertHolds(await scene.judge({ failures: { answersOf: ['fails-after-5'] }, passing: { web: [scene.image('fails-after-5')] } }));
  },
);

scenario(
  'rolling, kill -9 of the action in the middle',
  { minReadySeconds: 3, expected: 'the post step finishes it by readiness; nothing of ours left; no failed request' },
  async (scene) => {
    const running = await startToRoll(scene);
    running.kill('SIGKILL');
    const run = await running.done;
    if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

scenario(
  'rolling, the machine is lost in the middle, then the next run',
  { minReadySeconds: 3, expected: 'refused while the record is fresh, then it is taken over and finished first', timeoutMs: 420_000 },
  async (scene) => {
    const running = await startToRoll(scene, { skipPost: true });
    running.kill('SIGKILL');
    await running.done;
    assertResult(await scene.release({ tag: 'v3', ...rolling }), 'refused');
    await makeStale(scene);
    const run = await scene.release({ tag: 'v3', ...rolling });
    assertResult(run, 'promoted');
    assertSays(run, /taken over/u, 'that it has taken a record over');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, passing: { web: [scene.image('v2')] } }));
  },
);

scenario(
  'rolling, SIGINT in the middle',
  { minReadySeconds: 3, expected: 'the old image is put back; no failed request' },
  async (scene) => {
    const running = await startToRoll(scene);
    void running.cancel();
    await running.done;
    await scene.watcher.until('web to be whole', 60_000, (history) => isWhole(newest(history.deployments, 'web')));
    const image = imageOfWeb(newest(scene.watcher.history.deployments, 'web'));
    if (image !== scene.image('v1')) throw new Error(`the image at the end is ${image}`);
    assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('v2')] } }));
  },
);

scenario(
  'rolling, with an autoscaler and a disruption budget',
  { expected: 'promoted; replicas are never ours to write' },
  async (scene) => {
    await scene.api.create(
      `/apis/autoscaling/v2/namespaces/${scene.namespace}/horizontalpodautoscalers`,
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web' },
        spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 2, maxReplicas: 8 },
      },
      'person',
    );
    const selector = { matchLabels: { app: 'web' } };
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec: { minAvailable: 3, selector } };
    await scene.api.create(scene.paths.budgets, budget, 'person');
    assertResult(await scene.release({ tag: 'v2', ...rolling }), 'promoted');
    // Byte for byte the same spec.replicas at every instant: judged by I2.
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

scenario(
  'rolling, a quota without room for the surge',
  {
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    expected: 'warned; inconclusive at ready-timeout; the old image is put back; no failed request',
  },
  async (scene) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard: { pods: '5' } } };
    await scene.api.create(`${scene.paths.namespace}/resourcequotas`, quota, 'person');
    await sleep(2_000);
    const run = await scene.release({ tag: 'v2', 'ready-timeout': '8s', ...rolling });
    assertResult(run, 'inconclusive', /^quota$/u);
    assertSays(run, /ResourceQuota \S+ leaves room for 0 of the 1 additional pods/u, 'that the quota has no room');
    assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('v2')] } }));
  },
);

scenario('canary, then a bake', { expected: 'promoted after the bake; the canary goes before it; no failed request' }, async (scene) => {
  const run = await scene.release({ tag: 'v2', steps: '50%', bake: '10s' });
  assertResult(run, 'promoted');
  assertSays(run, /Watch the new version/u, 'that it bakes');
  assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
});

const recreated = { spec: { strategy: { type: 'Recreate' } } };

scenario(
  'recreate, good image',
  { ...recreated, expected: 'promoted; the trial pod meets no client; the downtime that clients had is the one that is reported' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2', ...recreate });
    assertResult(run, 'promoted');
    assertSays(run, /downtime is inherent/u, 'that there is downtime');
    const judgement = await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, exempt: ['I1', 'I8'] });
    assertHolds({ ...judgement, problems: judgement.problems.filter((problem) => !problem.startsWith('clients:')) });
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
    if (silences(scene.watcher.history, 'web').length > 0) throw new Error('the Service was without an endpoint');
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

async function startToRoll(scene: Scene, options: { readonly skipPost?: boolean } = {}): Promise<RunningAction> {
  const running = scene.start({ tag: 'v2', ...rolling }, options);
  await scene.watcher.until('the patch', 120_000, (history) => imageOfWeb(newest(history.deployments, 'web')) === scene.image('v2'));
  await sleep(1_000);
  return running;
}

function imageOfWeb(web: Deployment | undefined): string | undefined {
  return web === undefined ? undefined : imagesOf(web)['web'];
}

function isWhole(web: Deployment | undefined): boolean {
  return web?.status?.availableReplicas === 4 && web.status.observedGeneration === web.metadata.generation;
}

async function noteExposure(scene: Scene, tag: string): Promise<void> {
  const exposure = await scene.exposure(tag);
  if (exposure?.exposedSeconds !== undefined) scene.figures['seconds from Ready to out'] = exposure.exposedSeconds;
  const stats = await scene.load.stats();
  scene.figures['errors seen'] = stats.byVersion[tag]?.failed ?? 0;
}

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
  const { downtime } = JSON.parse(run.outputs['json'] ?? '{}') as { downtime?: { atMostMs: number; atLeastMs: number } };
  const [silence] = silences(scene.watcher.history, 'web');
  const endpointsMs = silence?.toMs === undefined ? Number.NaN : silence.toMs - silence.fromMs;
  scene.figures['ms without an endpoint'] = endpointsMs;
  scene.figures['ms between the first and the last failed request'] = clientsMs;
  scene.figures['ms reported at most'] = downtime?.atMostMs ?? 'none';
  scene.figures['ms reported at least'] = downtime?.atLeastMs ?? 'none';
  if (downtime === undefined) throw new Error('no downtime is reported');
  assertWithin('the reported minimum above what the endpoints show', (downtime.atLeastMs - endpointsMs) / 1000, 0.7);
  assertWithin('what the endpoints show above the reported maximum', (endpointsMs - downtime.atMostMs) / 1000, 0.7);
  // Less for clients: with no ready endpoint, kube-proxy still sends to pods that are going and still answer.
  assertWithin('the time in which clients failed above the reported maximum', (clientsMs - downtime.atMostMs) / 1000, 0.7);
  assertSays(run, /no pod was ready for at most \d+ ms/u, 'how long the downtime was');
}
