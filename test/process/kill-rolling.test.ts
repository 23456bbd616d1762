import { describe, test, vi } from 'vitest';
import type { ActionResult, RunningAction } from '../runner/run-action.ts';
import { expectSafe } from './golden.ts';
import { imagesStand } from './invariants.ts';
import { heartbeatFilter, isWrite } from './requests.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 8, testTimeout: 90_000 });

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
const patch = writes.indexOf('the patch');
const inputs = { strategy: 'rolling', steps: '', prometheus: '', metrics: 'none' };
const staleMs = 241_000;

/** Ends the process in the moment of its nth write. */
async function killAt(stage: Stage, index: number, moment: 'before' | 'after', skipPost: boolean): Promise<ActionResult> {
  let action: RunningAction | undefined;
  let seen = -1;
  const isHeartbeat = heartbeatFilter();
  stage.onRequest((request) => {
    if (!isWrite(request) || isHeartbeat(request) || seen >= index) return undefined;
    seen += 1;
    if (seen < index) return undefined;
    action?.kill('SIGKILL');
    return moment === 'before' ? 'drop-before' : 'drop-after';
  });
  action = stage.start(inputs, { skipPost });
  const result = await action.done;
  if (result.signal !== 'SIGKILL') throw new Error(`the run ended before its write ${index}`);
  return result;
}

describe.concurrent('a rolling update that is killed, and its post step', () => {
  test.concurrent.for(all)('$moment the write "$write"', async ({ moment, index }, { expect }) => {
    await using stage = await openStage();
    const result = await killAt(stage, index, moment, false);
    expectSafe(expect, { result, requests: [] });
    expect(result.post?.code).toBe(0);
    const sent = index > patch || (index === patch && moment === 'after');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2'])).toBe(sent ? 'new' : 'old');
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('a rolling update whose machine is lost, and the next run', () => {
  test.concurrent.for(all.filter(({ moment }) => moment === 'after'))('after the write "$write"', async ({ moment, index }, { expect }) => {
    await using stage = await openStage({ images: { 'shop/web:v3': { version: 'v3', startMs: 200, readyMs: 100 } } });
    await killAt(stage, index, moment, true);
    stage.onRequest(() => undefined);
    stage.sandbox.advance(staleMs);
    const { result } = await stage.run({ ...inputs, tag: 'v3' });
    expect(result.outputs).toMatchObject({ result: 'promoted', reason: 'gates-passed' });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v3']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
