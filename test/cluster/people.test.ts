import type { ActionResult, RunningAction } from '../runner/run-action.ts';
import { assertHolds, assertResult, assertSays, tail } from './harness/assertions.ts';
import { kubectl, kubectlOrThrow } from './harness/kubectl.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { newest, readyCanaries } from './harness/timeline.ts';

const longStep = { tag: 'v2', steps: '20% for 15s, 50%' };

scenario('a person changes the image during the canary', { expected: 'our objects removed, theirs left, and said' }, async (scene) => {
  const running = await startToCanary(scene);
  await kubectlOrThrow(scene.target, ['set', 'image', 'deploy/web', `web=${scene.image('v3')}`, '-n', scene.namespace]);
  const run = await running.done;
  assertNotPromoted(run);
  assertSays(run, /sample:v3/u, 'the image that the person set');
  assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') } }));
  const touched = scene.watcher.history.deployments.some(
    (seen) => seen.object.metadata.name === 'web' && imageOfWeb(seen.object) === scene.image('v2'),
  );
  if (touched) throw new Error('our image was written over theirs');
});

scenario(
  'a person scales during the canary',
  { expected: 'the canary follows the new count; promoted; their count stays' },
  async (scene) => {
    const running = await startToCanary(scene);
    await kubectlOrThrow(scene.target, ['scale', 'deploy/web', '--replicas=6', '-n', scene.namespace]);
    const run = await running.done;
    assertResult(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, personChanged: ['spec.replicas'] }));
    const largest = Math.max(
      ...scene.watcher.history.deployments
        .filter((seen) => seen.object.metadata.name === 'web-canary')
        .map((seen) => seen.object.spec.replicas),
    );
    if (largest !== 6) throw new Error(`at 50 % of 6 replicas the canary had ${largest} at most`);
    const replicas = newest(scene.watcher.history.deployments, 'web')?.spec.replicas;
    if (replicas !== 6) throw new Error(`the Deployment has ${replicas} replicas at the end`);
  },
);

scenario('a person applies another environment variable during the canary', { expected: 'not promoted; theirs stands' }, async (scene) => {
  const running = await startToCanary(scene);
  const container = { name: 'web', image: scene.image('v1'), port: 8080, env: { GREETING: 'hello' } };
  await kubectlOrThrow(
    scene.target,
    ['apply', '-n', scene.namespace, '-f', '-'],
    JSON.stringify(scene.manifest({ containers: [container] })),
  );
  const run = await running.done;
  assertNotPromoted(run);
  const path = 'spec.template.spec.containers.0.env';
  assertHolds(await scene.judge({ failures: 'none', personChanged: [path] }));
  const web = await scene.api.get<Deployment>(scene.paths.deployment('web'));
  if (!JSON.stringify(web.spec).includes('hello')) throw new Error("the person's environment variable is gone");
});

scenario(
  'apply --server-side of a new image after our release',
  { created: 'apply-server-side', expected: 'no conflict with us' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2', steps: '50%' });
    assertResult(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
    const container = { name: 'web', image: scene.image('v3'), port: 8080 };
    const manifest = JSON.stringify(scene.manifest({ containers: [container] }));
    const applied = await kubectl(scene.target, ['apply', '--server-side', '-n', scene.namespace, '-f', '-'], manifest);
    if (applied.code !== 0) throw new Error(`the user's own apply fails: ${applied.stderr}`);
    await kubectlOrThrow(scene.target, ['rollout', 'status', 'deploy/web', '--timeout=60s', '-n', scene.namespace]);
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, passing: { web: [scene.image('v2')] } }));
  },
);

scenario('kubectl delete deploy web during the canary', { expected: 'everything of ours gone' }, async (scene) => {
  const running = await startToCanary(scene);
  await kubectlOrThrow(scene.target, ['delete', 'deploy', 'web', '-n', scene.namespace]);
  const goneMs = Date.now();
  const run = await running.done;
  assertNotPromoted(run);
  scene.figures['seconds from delete to exit'] = (run.endedAtMs - goneMs) / 1000;
  const judgement = await scene.judge({ failures: 'none', exempt: ['I1', 'I2', 'I3', 'I8'] });
  // Without the Deployment nobody answers; that is the person's doing.
  assertHolds({ ...judgement, problems: judgement.problems.filter((problem) => !problem.startsWith('clients:')) });
  if (newest(scene.watcher.history.deployments, 'web') !== undefined) throw new Error('the Deployment was made again');
});

scenario(
  'the Job deleted by hand with --cascade=orphan, then a new run',
  { expected: 'the first run ends and writes nothing more; the leftover is found by name and removed', timeoutMs: 240_000 },
  async (scene) => {
    const running = await startToCanary(scene);
    await kubectlOrThrow(scene.target, ['delete', 'job', 'web-rollout', '--cascade=orphan', '-n', scene.namespace]);
    const first = await running.done;
    assertNotPromoted(first);
    const second = await scene.release({ tag: 'v3', steps: '50%' });
    assertResult(second, 'promoted');
    assertSays(second, /web-canary/u, 'the leftover that it removed');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') } }));
  },
);

async function startToCanary(scene: Scene): Promise<RunningAction> {
  const running = scene.start(longStep);
  await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
  return running;
}

function assertNotPromoted(run: ActionResult): void {
  const result = run.outputs['result'];
  if (run.code !== 1 || result === undefined || result === 'promoted')
    throw new Error(`exit code ${run.code}, result ${result}, expected a failure that was noticed\n${tail(run)}`);
}

function imageOfWeb(deployment: Deployment): string | undefined {
  return deployment.spec.template.spec.containers.find((container) => container.name === 'web')?.image;
}
