import { describe, test } from 'vitest';
import { expectGolden, expectSafe } from './golden.ts';
import { leftovers, readyEndpoints } from './invariants.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

const long = { 'min-duration': '5m', steps: '20%', prometheus: '' };
const oneHourMs = 3_600_000;

const canaryServes = (stage: Stage) => stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
const promotionSent = (stage: Stage) => stage.until('the promotion is sent', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
const since = (stage: Stage, result: Awaited<ReturnType<Stage['run']>>['result']) => ({ result, requests: stage.served.requests() });

/**
 * The signal comes while an answer is awaited: another moment takes another way, with one look at the cluster more. And right after a
 * heartbeat: the patience with the garbage collector is counted from there.
 */
async function duringRead(stage: Stage, send: () => void): Promise<void> {
  await canaryServes(stage);
  let beaten = false;
  let sent = false;
  stage.onRequest(({ method, path }) => {
    if (sent || !path.endsWith('/jobs/web-rollout')) return undefined;
    beaten = beaten || method === 'PATCH';
    if (!beaten || method !== 'GET') return undefined;
    sent = true;
    send();
    return { delayMs: 1_000 };
  });
}

describe.concurrent('a run that is cancelled in a step', () => {
  test.concurrent('by SIGINT, takes the canary back at once', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start(long);
    let fromMs = 0;
    await duringRead(stage, () => {
      fromMs = Date.now();
      void action.cancel();
    });
    const result = await action.done;
    await expectGolden(expect, 'cancel-sigint', since(stage, result));
    expect(result.endedAtMs - fromMs).toBeLessThan(7_500);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('by SIGTERM, too', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start(long);
    await duringRead(stage, () => action.kill('SIGTERM'));
    await expectGolden(expect, 'cancel-sigterm', since(stage, await action.done));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('at any moment, ends the same way', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start(long);
    await canaryServes(stage);
    await action.cancel();
    const result = await action.done;
    expectSafe(expect, since(stage, result));
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'cancelled' });
    expect(result.code).toBe(1);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('during the promotion, puts the old image back', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ prometheus: '' });
    await promotionSent(stage);
    action.kill('SIGINT');
    const result = await action.done;
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'cancelled' });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });
});

describe.concurrent('a run that dies', () => {
  test.concurrent('in a step, is undone by its post step', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start(long);
    await canaryServes(stage);
    action.kill('SIGKILL');
    await expectGolden(expect, 'killed-in-a-step', since(stage, await action.done));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('with its machine, is undone by the dead-man, and the next run works', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ ...long, 'dead-man': '30s' }, { skipPost: true });
    await canaryServes(stage);
    action.kill('SIGKILL');
    await action.done;
    stage.sandbox.advance(5_000);
    expect(leftovers(stage.sandbox)).toContain('Deployment web-canary');
    stage.sandbox.advance(30_000);
    const label = 'label gated-rollout.github.io/rollout';
    expect(leftovers(stage.sandbox)).toEqual([label, 'our entry in managedFields']);
    expect(readyEndpoints(stage.sandbox)).toBe(4);
    const next = await stage.run({ prometheus: '' });
    await expectGolden(expect, 'after-the-dead-man', next);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('during the promotion, is finished by its post step', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ prometheus: '' });
    await promotionSent(stage);
    action.kill('SIGKILL');
    await expectGolden(expect, 'killed-in-the-promotion', since(stage, await action.done));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });
});

describe.concurrent('a machine that is lost during the promotion', () => {
  async function lost(stage: Stage, tag: string): Promise<void> {
    const action = stage.start({ prometheus: '', tag }, { skipPost: true });
    await stage.until('the promotion is sent', () => imagesOf(stage.sandbox)[0] === `shop/web:${tag}`);
    action.kill('SIGKILL');
    await action.done;
  }

  test.concurrent('leaves a record that the next run respects, and takes over after four minutes', async ({ expect }) => {
    await using stage = await openStage();
    await lost(stage, 'v2');
    await expectGolden(expect, 'record-held', await stage.run({ prometheus: '' }));
    stage.sandbox.advance(241_000);
    await expectGolden(expect, 'record-taken-over', await stage.run({ prometheus: '' }));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('whose image turns out bad, is undone by the next run', async ({ expect }) => {
    await using stage = await openStage();
    await lost(stage, 'v2');
    // The same tag, another image: the pods that start from now on do not become ready.
    stage.sandbox.images.set('shop/web:v2', { version: 'v2', crashAtStart: true });
    for (const pod of stage.sandbox.list('pods', 'shop')) {
      if (pod.spec.containers[0]?.image === 'shop/web:v2') stage.sandbox.remove('pods', 'shop', pod.metadata.name);
    }
    stage.sandbox.advance(241_000);
    const next = await stage.run({ prometheus: '', tag: 'v1' });
    expect(next.result.log.map(({ line }) => line).join('\n')).toMatch(/earlier release.*rolled-back/u);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('and is never looked after again, leaves the new image and no Job after an hour', async ({ expect }) => {
    await using stage = await openStage({ ratePerSecond: 1 });
    await lost(stage, 'v2');
    stage.sandbox.advance(oneHourMs + 60_000);
    expect(leftovers(stage.sandbox).filter((left) => !/label|entry/u.test(left))).toEqual([]);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
  });
});
