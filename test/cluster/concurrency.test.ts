import { assertHolds, assertResult, assertSays } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import { readyCanaries } from './harness/timeline.ts';

scenario('a second run at the same time', { expected: 'refused, says which run holds the lock; the first is promoted' }, async (scene) => {
  const first = scene.start({ tag: 'v2', steps: '20% for 10s, 50%' });
  await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
  const second = await scene.release({ tag: 'v3' });
  assertResult(second, 'refused');
  assertSays(second, new RegExp(first.runUrl.replaceAll('.', '\\.'), 'u'), 'which run holds the lock');
  assertResult(await first.done, 'promoted');
  assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
});

scenario('two runs in the same moment', { expected: 'one is promoted, the other refused' }, async (scene) => {
  const runs = await Promise.all([scene.release({ tag: 'v2' }), scene.release({ tag: 'v3' })]);
  const winner = runs.find((run) => run.outputs['result'] === 'promoted');
  if (winner === undefined) throw new Error(`no run was promoted: ${JSON.stringify(runs.map((run) => run.outputs))}`);
  for (const run of runs) if (run !== winner) assertResult(run, 'refused');
  const image = winner === runs[0] ? scene.image('v2') : scene.image('v3');
  assertHolds(await scene.judge({ failures: 'none', images: { web: image } }));
});
