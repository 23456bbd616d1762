import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningAction } from '../runner/run-action.ts';
import { assertHolds, assertResult, assertSays } from './harness/assertions.ts';
import { imagesOf } from './harness/judge-objects.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { makeStale } from './harness/stale-record.ts';
import { newest } from './harness/timeline.ts';

const rolling = { strategy: 'rolling', steps: '' };

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
