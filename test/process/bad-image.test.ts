import { describe, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { describeWrite, isWrite } from './requests.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

describe.concurrent('a bad image is taken back', () => {
  test.concurrent.for([
    ['errors', { tag: 'errors', steps: '20% for 1m, 50%' }],
    ['errors-slightly', { tag: 'errors-slightly', steps: '50%', 'max-error-increase': '1x + 1%' }],
    ['crash', { tag: 'crash' }],
    ['crash-without-logs', { tag: 'crash', evidence: 'none' }],
    ['image-pull', { tag: 'missing' }],
    ['never-ready', { tag: 'never-ready', 'ready-timeout': '4s' }],
  ] as const)('%s', async ([name, inputs], { expect }) => {
    const images = { 'shop/web:errors-slightly': { version: 'errors-slightly', errorRate: 0.06, startMs: 200, readyMs: 100 } };
    await using stage = await openStage({ images });
    await expectGolden(expect, name, await stage.run(inputs));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.sandbox.traffic.clientStats().byVersion['none']).toBeUndefined();
  });
});

describe.concurrent('a tag that is moved', () => {
  const inputs = { prometheus: '', steps: '20% for 4s, 50%' };
  const move = (stage: Stage): void =>
    stage.sandbox.images.set('shop/web:v2', { version: 'v2', startMs: 200, readyMs: 100, digest: `sha256:${'e'.repeat(64)}` });

  test.concurrent('between two steps is not promoted: the canary is two images', async ({ expect }) => {
    await using stage = await openStage();
    const stop = stage.sandbox.watch(() => {
      if (isComplete(stage.sandbox, 'web-canary')) move(stage);
    });
    const done = await stage.run(inputs);
    stop();
    await expectGolden(expect, 'tag-moved-between-steps', done);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('in the instant of the promotion is taken back: what runs is not what was judged', async ({ expect }) => {
    await using stage = await openStage();
    stage.onRequest((request) => {
      if (isWrite(request) && /replace .*\/image/u.test(describeWrite(request))) move(stage);
      return undefined;
    });
    const done = await stage.run(inputs);
    await expectGolden(expect, 'tag-moved-at-the-promotion', done);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });
});
