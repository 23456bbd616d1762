import { describe, test } from 'vitest';
import { openKept, readinessInputs } from './kept-green-stage.ts';
import { killAtWrite } from './kill-at-write.ts';

/** The writes of a good run. */
const writes = [
  'POST jobs',
  'journal fencing',
  'fence blue',
  'fence green',
  'journal kept-green',
  'image of green',
  'scale green',
  'POST preview',
  'journal flipping',
  'fence the Service',
  'flip',
  'journal live',
  'journal exchanging',
  'release the Service',
  'scale blue',
  'journal ending',
  'DELETE jobs',
  'release managedFields of the Service',
  'release the fence of blue',
  'release managedFields of blue',
  'release the fence of green',
  'release managedFields of green',
] as const;
const moments = ['before', 'after'] as const;
const repairs = ['post', 'next run', 'reconcile'] as const;
const all = writes.flatMap((write, index) => moments.flatMap((moment) => repairs.map((repair) => ({ write, moment, repair, index }))));
// Every write each time, with two repairs, in one of the two moments by turns; with ALL=1 with all of them in both.
const chosen =
  process.env['ALL'] === '1'
    ? all
    : all.filter(({ moment, repair, index }) => (index % 2 === 0) === (moment === 'before') && (repair !== 'reconcile' || index % 3 === 0));
const staleMs = 245_000;
/** The next run releases something else: with nothing to release it would write nothing. */
const next = `sha256:${'d'.repeat(64)}`;
const old = 'web: web 4 shop/web:v1, web-2 1 shop/web:v0';
const fresh = 'web-2: web 1 shop/web:v1, web-2 4 shop/web:v2';
const command = { command: 'reconcile', strategy: 'blue-green', 'green-deployment': 'web-2' };
const left = { prometheus: '', steps: '', 'min-duration': '', tag: '' };

/** What the first run has come to, whoever ended it. */
function reached(index: number, moment: 'before' | 'after', repair: (typeof repairs)[number]): readonly string[] {
  const written = index + (moment === 'after' ? 1 : 0);
  // From the journalled flip on a healthy green goes on to serve.
  if (written > writes.indexOf('journal flipping')) return [fresh];
  // The Job goes at its deadline, and what was not begun leaves nothing.
  if (repair === 'reconcile' || repair === 'next run' || repair === 'post') return [old];
  return [];
}

describe.concurrent('a flip between two Deployments of the user that is killed', () => {
  test.concurrent.for(chosen)('$moment the write "$write", then $repair', async ({ moment, repair, index }, { expect }) => {
    await using stage = await openKept(1);
    await killAtWrite(stage, index, moment, readinessInputs, { skipPost: repair !== 'post' });
    stage.onRequest(() => undefined);
    if (repair !== 'post') stage.sandbox.advance(staleMs);
    if (repair === 'reconcile') {
      const { result } = await stage.run({ ...command, ...left });
      expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('done');
    }
    const expected = reached(index, moment, repair);
    if (repair === 'next run') {
      // The same inputs again: either nothing was flipped, and they release; or they are told to exchange the two.
      const { result } = await stage.run({ ...readinessInputs, tag: next });
      const said = result.log.map(({ line }) => line).join('\n');
      if (expected.includes(fresh)) {
        expect(result.outputs['result'], said).toBe('refused');
        expect(said).toContain('deployment: web-2, green-deployment: web');
        const back = await stage.run({ ...readinessInputs, deployment: 'web-2', 'green-deployment': 'web', tag: next });
        expect(back.result.outputs['result'], back.result.log.map(({ line }) => line).join('\n')).toBe('promoted');
        expect(stage.standing()).toBe(`web: web 4 shop/web@${next}, web-2 1 shop/web:v2`);
      } else {
        expect(result.outputs['result'], said).toBe('promoted');
        expect(stage.standing()).toBe(`web-2: web 1 shop/web:v1, web-2 4 shop/web@${next}`);
      }
    } else expect(expected).toContain(stage.standing());
    expect(stage.ours()).toEqual([]);
    expect(stage.fewest()).toBeGreaterThanOrEqual(4);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
