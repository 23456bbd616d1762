import { assertHolds, assertNoWrite, assertResult, assertSays } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import { canaryPods } from './harness/timeline.ts';

scenario(
  'good image, 4 replicas',
  { expected: 'promoted; no failed request; nothing of ours left; only the image differs' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2' });
    assertResult(run, 'promoted');
    const judgement = await scene.judge({ failures: 'none', images: { web: scene.image('v2') } });
    assertHolds(judgement);
    assertScaledTo(scene, [1, 4]);
    const said = { image: run.outputs['image'], previous: run.outputs['previous-image'] };
    if (said.image !== scene.image('v2') || said.previous !== scene.image('v1'))
      throw new Error(`the outputs name other images: ${JSON.stringify(said)}`);
    if (run.summary.trim() === '') throw new Error('there is no job summary');
  },
);

scenario(
  'good image, 10 replicas, 10%',
  { replicas: 10, expected: '1 pod of 11, said so; promoted; no failed request; nothing of ours left', timeoutMs: 200_000 },
  async (scene) => {
    // One pod of 11 gets 9 requests a second: against the default limit it would take a minute and a half to prove itself.
    const run = await scene.release({ tag: 'v2', steps: '10%', 'max-error-increase': '1.25x + 2%' });
    assertResult(run, 'promoted');
    assertSays(run, /1\D{0,12}\bof 11\b/u, 'that the canary is 1 pod of 11');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
    assertScaledTo(scene, [1]);
    const pods = canaryPods(scene.watcher.history).size;
    if (pods !== 1) throw new Error(`there were ${pods} canary pods`);
  },
);

scenario('plan, then the image that runs already', { expected: 'planned, unchanged; exit code 0; no write' }, async (scene) => {
  const plan = await scene.release({ tag: 'v2', command: 'plan' });
  assertResult(plan, 'planned');
  assertSays(plan, /1\D{0,12}\bof 5\b/u, 'that 20 % of 4 replicas is 1 pod of 5');
  const same = await scene.release({ tag: 'v1' });
  assertResult(same, 'unchanged');
  assertNoWrite(scene);
  assertHolds(await scene.judge({ failures: 'none' }));
});

/** The sizes that the canary was given, in this order; the way back to nothing is not asked for. */
function assertScaledTo(scene: Scene, sizes: readonly number[]): void {
  const seen: number[] = [];
  for (const { object, type } of scene.watcher.history.deployments) {
    const { name } = object.metadata;
    if (name !== 'web-canary' || type === 'DELETED' || object.spec.replicas === 0) continue;
    if (seen.at(-1) !== object.spec.replicas) seen.push(object.spec.replicas);
  }
  if (JSON.stringify(seen) !== JSON.stringify(sizes))
    throw new Error(`the canary had ${seen.join(', ')} replicas, planned were ${sizes.join(', ')}`);
}
