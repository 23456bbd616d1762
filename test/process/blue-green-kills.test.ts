import { describe, test } from 'vitest';
import { killAtWrite } from './kill-at-write.ts';
import { imagesOf, isComplete, namespace } from './scene.ts';
import { openStage } from './stage.ts';

const inputs = { strategy: 'blue-green', steps: '', prometheus: '', metrics: 'none', 'min-duration': '1s' };

/** The writes of a good run. */
const writes = [
  'POST jobs',
  'journal fencing',
  'fence',
  'journal green',
  'POST green',
  'POST preview',
  'journal flipping',
  'keep green',
  'fence the Service',
  'flip',
  'journal live',
  'journal updating',
  'promote',
  'journal flipping-back',
  'flip back',
  'journal draining',
  'DELETE green',
  'journal ending',
  'DELETE jobs',
  'release managedFields of the Service',
  'release the fence',
  'release managedFields',
] as const;
const moments = ['before', 'after'] as const;
const repairs = ['post', 'reconcile', 'next run'] as const;
const all = writes.flatMap((write, index) => moments.flatMap((moment) => repairs.map((repair) => ({ write, moment, repair, index }))));
// Every write each time, with each repair, in one of the two moments by turns; with ALL=1 in both.
const chosen = process.env['ALL'] === '1' ? all : all.filter(({ moment, index }) => (index % 2 === 0) === (moment === 'before'));
const staleMs = 245_000;
/** The next run releases something else: with nothing to release it would write nothing. */
const next = `sha256:${'d'.repeat(64)}`;
const flipped = writes.indexOf('flip');

describe.concurrent('a blue-green release that is killed', () => {
  test.concurrent.for(chosen)('$moment the write "$write", then $repair', async ({ moment, repair, index }, { expect }) => {
    await using stage = await openStage();
    await killAtWrite(stage, index, moment, inputs, { skipPost: repair !== 'post' });
    stage.onRequest(() => undefined);
    expect(stage.sandbox.get('services', namespace, 'web')?.spec.selector).toEqual({ app: expect.stringMatching(/^web(?:-green)?$/u) });
    if (repair === 'next run') {
      stage.sandbox.advance(staleMs);
      const { result } = await stage.run({ ...inputs, tag: next });
      expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
      expect(imagesOf(stage.sandbox)).toEqual([`shop/web@${next}`]);
    } else if (repair === 'reconcile') {
      stage.sandbox.advance(staleMs);
      const { result } = await stage.run({ command: 'reconcile', tag: '', steps: '', prometheus: '' });
      expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('done');
    }
    if (repair !== 'next run' && index > flipped) {
      expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    }
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.get('services', namespace, 'web')?.spec.selector).toEqual({ app: 'web' });
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
