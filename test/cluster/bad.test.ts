import { assertHolds, assertResult, assertSays, assertWithin } from './harness/assertions.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';

const rounds = Number(process.env['REPEAT'] ?? '1');

for (let round = 1; round <= rounds; round += 1) {
  scenario(
    `half the answers are 500, round ${round}`,
    {
      scrapeInterval: undefined,
      expected: 'rolled back; canary out of the endpoints within 3 s of the second scrape that holds its errors',
    },
    async (scene) => {
      const run = await scene.release({ tag: 'errors-half', steps: '20%, 50%' });
      await noteExposure(scene, 'errors-half');
      assertResult(run, 'rolled-back');
      assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] } }));
      const exposure = await scene.exposure('errors-half');
      assertWithin("from the second scrape that holds its errors to the canary's end", exposure?.afterSecondScrapeSeconds, 3);
    },
  );
}

scenario(
  '5 % errors against 0.5 % on stable',
  { image: 'errors-05pct', expected: 'rolled back with the numbers that convict it' },
  async (scene) => {
    const run = await scene.release({ tag: 'errors-5pct' });
    await noteExposure(scene, 'errors-5pct');
    assertResult(run, 'rolled-back');
    const sides = /canary [\d.]+ % errors \([\d,]+ of [\d,]+\) against stable [\d.]+ % \([\d,]+ of [\d,]+\): worse than the allowed/u;
    assertSays(run, sides, 'how many of how many requests failed on both sides');
    if (!/[\d.]+ ?%/u.test(run.summary)) throw new Error(`the summary has no numbers:\n${run.summary}`);
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-5pct', 'errors-05pct'] } }));
  },
);

scenario(
  'canary and stable both at 30 %',
  { image: 'errors-30pct-a', expected: 'an outage that both share: not convicted' },
  async (scene) => {
    const run = await scene.release({ tag: 'errors-30pct-b' });
    assertResult(run, ['promoted', 'inconclusive']);
    scene.figures['result'] = run.outputs['result'] ?? '';
    const promoted = run.outputs['result'] === 'promoted';
    const images = promoted ? { images: { web: scene.image('errors-30pct-b') } } : {};
    assertHolds(await scene.judge({ failures: { answersOf: ['errors-30pct-a', 'errors-30pct-b'] }, ...images }));
  },
);

scenario(
  'Ready first, then 500 on probe and requests after the fifth',
  { minReadySeconds: 10, expected: 'rolled back: ready is not available' },
  async (scene) => {
    const run = await scene.release({ tag: 'fails-after-5', 'ready-timeout': '40s' });
    await noteExposure(scene, 'fails-after-5');
    assertResult(run, 'rolled-back');
    assertHolds(await scene.judge({ failures: { answersOf: ['fails-after-5'] } }));
  },
);

async function noteExposure(scene: Scene, tag: string): Promise<void> {
  const exposure = await scene.exposure(tag);
  if (exposure?.exposedSeconds !== undefined) scene.figures['seconds from Ready to out'] = exposure.exposedSeconds;
  if (exposure?.afterSecondScrapeSeconds !== undefined)
    scene.figures['seconds after the second scrape'] = exposure.afterSecondScrapeSeconds;
  const stats = await scene.load.stats();
  scene.figures['errors seen'] = stats.byVersion[tag]?.failed ?? 0;
}
