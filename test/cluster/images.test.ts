import { assertHolds, assertResult } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import { readyCanaries } from './harness/timeline.ts';
import { retag } from './images.ts';

const team = 'registry.example:5000/team/sample';

scenario(
  'two containers, one changed',
  {
    containers: [
      { name: 'proxy', image: 'sidecar:v1', port: 9090 },
      { name: 'web', image: 'sample:v1', port: 8080 },
    ],
    expected: 'the right image in the right container, the other untouched',
  },
  async (scene) => {
    const both = await scene.release({ tag: 'v2' });
    assertResult(both, ['refused', 'failed']);
    const run = await scene.release({ tag: 'v2', containers: 'web' });
    assertResult(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

scenario(
  'image without a tag, then a digest',
  { containers: [{ name: 'web', image: 'sample', port: 8080 }], expected: 'sample:v2, then sample@sha256:…', timeoutMs: 240_000 },
  async (scene) => {
    assertResult(await scene.release({ tag: 'v2', steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: 'sample:v2' } }));
    const digest = scene.target.images['digest'];
    if (digest === undefined) return;
    await scene.takeBaseline();
    assertResult(await scene.release({ tag: digest.slice(digest.indexOf('@') + 1), steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: digest } }));
  },
);

scenario(
  'registry with a port',
  { expected: 'the whole reference stands, and another tag of it keeps the port', timeoutMs: 240_000 },
  async (scene) => {
    assertResult(await scene.release({ image: `${team}:v2`, steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: `${team}:v2` } }));
    if (!scene.target.own) return;
    await retag(`${team}:v2`, `${team}:v3`);
    await scene.takeBaseline();
    assertResult(await scene.release({ tag: 'v3', steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: `${team}:v3` } }));
  },
);

for (const [when, steps] of [
  ['while the whole canary runs', '50%'],
  ['between two steps', '20% for 5s, 50%'],
] as const) {
  scenario(
    `tag moved ${when}`,
    { expected: 'what was judged is not what the tag names now: rolled back, image-changed', ownOnly: true },
    async (scene) => {
      const moving = `sample:moves-${scene.namespace.slice(-6)}`;
      await retag('sample:v2', moving);
      const running = scene.start({ image: moving, steps });
      const size = steps === '50%' ? 4 : 1;
      await scene.watcher.until(`${size} ready canary pods`, 60_000, (history) => readyCanaries(history, 'web') >= size);
      await retag('sample:v3', moving);
      const run = await running.done;
      assertResult(run, 'rolled-back', /^image-changed/u);
      assertHolds(await scene.judge({ failures: 'none', passing: { web: [moving] } }));
    },
  );
}
