import type { RunningAction } from '../runner/run-action.ts';
import { assertHolds, assertResult } from './harness/assertions.ts';
import { imagesOf } from './harness/judge-objects.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { newest } from './harness/timeline.ts';

const wanted = 'all old or all new, as post says; nothing of ours left; no failed request';

scenario('kill -9 of the action during the promotion', { minReadySeconds: 3, expected: wanted }, async (scene) => {
  const running = await startToPromotion(scene);
  running.kill('SIGKILL');
  const run = await running.done;
  if ((run.post?.log ?? []).length === 0) throw new Error('the post step says nothing');
  await assertWhole(scene);
});

scenario('SIGINT during the promotion', { minReadySeconds: 3, expected: wanted }, async (scene) => {
  const running = await startToPromotion(scene);
  void running.cancel();
  await running.done;
  await assertWhole(scene);
});

scenario(
  'a second run after the machine was lost during the promotion',
  { minReadySeconds: 3, expected: 'refused while the record is fresh, with who holds it; no failed request' },
  async (scene) => {
    const running = await startToPromotion(scene, { skipPost: true });
    running.kill('SIGKILL');
    await running.done;
    assertResult(await scene.release({ tag: 'v3' }), 'refused');
    await scene.watcher.until('the promotion to go on by itself', 60_000, (history) => {
      const web = newest(history.deployments, 'web');
      return web?.status?.availableReplicas === 4 && web.status.observedGeneration === web.metadata.generation;
    });
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, exempt: ['I7'] }));
  },
);

async function startToPromotion(scene: Scene, options: { readonly skipPost?: boolean } = {}): Promise<RunningAction> {
  const running = scene.start({ tag: 'v2', steps: '50%' }, options);
  await scene.watcher.until('the promotion', 120_000, (history) => imageOfWeb(newest(history.deployments, 'web')) === scene.image('v2'));
  return running;
}

async function assertWhole(scene: Scene): Promise<void> {
  await scene.watcher.until('web to be whole', 60_000, (history) => {
    const web = newest(history.deployments, 'web');
    return web?.status?.availableReplicas === 4 && web.status.observedGeneration === web.metadata.generation;
  });
  const image = imageOfWeb(newest(scene.watcher.history.deployments, 'web'));
  scene.figures['image at the end'] = image ?? 'none';
  const promoted = image === scene.image('v2');
  assertHolds(
    await scene.judge({
      failures: 'none',
      ...(promoted ? { images: { web: scene.image('v2') } } : { passing: { web: [scene.image('v2')] } }),
    }),
  );
}

function imageOfWeb(web: Deployment | undefined): string | undefined {
  return web === undefined ? undefined : imagesOf(web)['web'];
}
