import { describe, test } from 'vitest';
import { expectSafe } from './golden.ts';
import { imagesStand, leftovers } from './invariants.ts';
import { killAtWrite } from './kill-at-write.ts';
import { describeWrite, isWrite } from './requests.ts';
import { isComplete } from './scene.ts';
import { openStage } from './stage.ts';

/** The writes of a good run, as golden/metrics-none.txt has them. */
const writes = [
  'POST jobs',
  'journal fencing',
  'fence',
  'journal step 1',
  'POST deployments',
  'journal step 2',
  'scale',
  'journal promoting',
  'promote',
  'journal ending',
  'DELETE jobs',
  'release the fence',
  'release managedFields',
] as const;
const inputs = { prometheus: '', metrics: 'none' };
const moments = ['before', 'after'] as const;
const all = writes.flatMap((write, index) => moments.map((moment) => ({ write, moment, index })));
// Every write each time, in one of the two moments by turns; with ALL=1 in both.
const chosen = process.env['ALL'] === '1' ? all : all.filter((_, at) => Math.floor(at / 2) % 2 === at % 2);
/** From the promotion on, what has been sent is finished. */
const promoted = writes.indexOf('promote');

describe.concurrent('a run that is killed, and its post step', () => {
  test.concurrent.for(chosen)('$moment the write "$write"', async ({ moment, index }, { expect }) => {
    await using stage = await openStage();
    const result = await killAtWrite(stage, index, moment, inputs, { skipPost: false });
    expectSafe(expect, { result, requests: [] });
    expect(result.post?.code).toBe(0);
    const done = stage.served.requests().filter(isWrite).map(describeWrite);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    const stand = imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2']);
    expect(stand).toBe(done.some((write) => /replace .*\/image "shop\/web:v2"/u.test(write)) ? 'new' : 'old');
    if (index > promoted || (index === promoted && moment === 'after')) expect(stand).toBe('new');
    if (index < promoted - 1) expect(stand).toBe('old');
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('a machine that is lost before the promotion', () => {
  const beforePromotion = all.filter(({ moment, index }) => moment === 'after' && index < writes.indexOf('journal promoting'));
  const some = process.env['ALL'] === '1' ? beforePromotion : beforePromotion.filter(({ index }) => index % 2 === 0);
  const deadManMs = 60_000;

  test.concurrent.for(some)('after the write "$write", leaves nothing that serves or locks', async ({ moment, index }, { expect }) => {
    await using stage = await openStage();
    await killAtWrite(stage, index, moment, inputs, { skipPost: true });
    stage.sandbox.advance(deadManMs + 1_000);
    // The label waits for the next run: it serves nobody and locks nothing.
    expect(leftovers(stage.sandbox).filter((left) => !/^(?:label|our entry)/u.test(left))).toEqual([]);
    expect(imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2'])).toBe('old');
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
