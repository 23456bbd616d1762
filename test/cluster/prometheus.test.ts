import { setTimeout as sleep } from 'node:timers/promises';
import { assertHolds, assertNoWrite, assertResult, assertSays } from './harness/assertions.ts';
import { Forwarder } from './harness/forwarder.ts';
import { scenario } from './harness/scenario.ts';
import { readyCanaries } from './harness/timeline.ts';

scenario('Prometheus down from the start', { expected: 'refused before any write' }, async (scene) => {
  // Port 1 of this machine: refused at once, as by a Prometheus that is down.
  const run = await scene.release({ tag: 'v2', prometheus: 'http://127.0.0.1:1' });
  assertResult(run, 'refused');
  assertSays(run, /prometheus/iu, 'that Prometheus is the cause');
  assertNoWrite(scene);
  assertHolds(await scene.judge({ failures: 'none' }));
});

scenario('a query that finds nothing on stable', { expected: 'refused before any write' }, async (scene) => {
  const query = 'sum by (pod) (no_such_counter{namespace="$namespace",pod=~"$pods"})';
  const run = await scene.release({ tag: 'v2', 'error-query': query, 'total-query': query });
  assertResult(run, 'refused');
  assertNoWrite(scene);
  assertHolds(await scene.judge({ failures: 'none' }));
});

scenario('Prometheus down in the middle', { expected: 'inconclusive, and rolled back' }, async (scene) => {
  const forwarder = new Forwarder(scene.api);
  await forwarder.start();
  try {
    const running = scene.start({ tag: 'v2', prometheus: forwarder.address, timeout: '45s' });
    await scene.watcher.until('a ready canary', 60_000, (history) => readyCanaries(history, 'web') >= 1);
    await sleep(3_000);
    await forwarder.stop();
    const run = await running.done;
    assertResult(run, 'inconclusive');
    assertSays(run, /prometheus/iu, 'that Prometheus is the cause');
    assertHolds(await scene.judge({ failures: 'none' }));
  } finally {
    await forwarder.stop();
  }
});

scenario(
  'no Prometheus given',
  { announced: false, expected: 'judged by readiness, said in one warning and in the output' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2', prometheus: '' });
    assertResult(run, 'promoted');
    if (run.outputs['judged-by'] !== 'readiness') throw new Error(`judged-by is "${run.outputs['judged-by']}"`);
    const warnings = run.annotations.filter((annotation) => annotation.level === 'warning' && /readiness/iu.test(annotation.message));
    if (warnings.length !== 1) throw new Error(`${warnings.length} warnings say that readiness alone judges`);
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);
