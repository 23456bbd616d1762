import { describe, test } from 'vitest';
import { expectSafe } from './golden.ts';
import { imagesStand } from './invariants.ts';
import { killAtWrite } from './kill-at-write.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage } from './stage.ts';

/** The writes of a good run, as golden/rolling-good.txt has them. */
const writes = [
  'POST jobs',
  'journal fencing',
  'fence',
  'journal rolling',
  'the patch',
  'journal baking',
  'journal ending',
  'DELETE jobs',
  'release the fence',
  'release managedFields',
] as const;
const all = writes.flatMap((write, index) => (['before', 'after'] as const).map((moment) => ({ write, moment, index })));
// Both moments with the post step, one with each of the other two; with ALL=1 both with each.
const each = process.env['ALL'] === '1';
const patch = writes.indexOf('the patch');
const isSent = (index: number, moment: 'before' | 'after'): boolean => index > patch || (index === patch && moment === 'after');
const inputs = { strategy: 'rolling', steps: '', prometheus: '', metrics: 'none' };
const staleMs = 241_000;

describe.concurrent('a rolling update that is killed, and its post step', () => {
  test.concurrent.for(all)('$moment the write "$write"', async ({ moment, index }, { expect }) => {
    await using stage = await openStage();
    const result = await killAtWrite(stage, index, moment, inputs, { skipPost: false });
    expectSafe(expect, { result, requests: [] });
    expect(result.post?.code).toBe(0);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2'])).toBe(isSent(index, moment) ? 'new' : 'old');
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('a rolling update whose machine is lost, and the next run', () => {
  test.concurrent.for(all.filter(({ moment }) => each || moment === 'after'))(
    '$moment the write "$write"',
    async ({ moment, index }, { expect }) => {
      await using stage = await openStage({ images: { 'shop/web:v3': { version: 'v3', startMs: 200, readyMs: 100 } } });
      await killAtWrite(stage, index, moment, inputs, { skipPost: true });
      stage.onRequest(() => undefined);
      stage.sandbox.advance(staleMs);
      const { result } = await stage.run({ ...inputs, tag: 'v3' });
      expect(result.outputs).toMatchObject({ result: 'promoted', reason: 'gates-passed' });
      expect(stage.left()).toEqual([]);
      expect(stage.broken()).toEqual([]);
      expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v3']);
      expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    },
  );
});

describe.concurrent('a rolling update whose machine is lost, and reconcile', () => {
  test.concurrent.for(all.filter(({ moment }) => each || moment === 'before'))(
    '$moment the write "$write"',
    async ({ moment, index }, { expect }) => {
      await using stage = await openStage();
      await killAtWrite(stage, index, moment, inputs, { skipPost: true });
      stage.onRequest(() => undefined);
      stage.sandbox.advance(staleMs);
      const { result } = await stage.run({ command: 'reconcile', tag: '', strategy: '', steps: '', prometheus: '' });
      expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('done');
      expect(stage.left()).toEqual([]);
      expect(stage.broken()).toEqual([]);
      expect(imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2'])).toBe(isSent(index, moment) ? 'new' : 'old');
      expect(isComplete(stage.sandbox, 'web')).toBe(true);
      expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    },
  );
});
