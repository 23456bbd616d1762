import { describe, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { isWrite } from './requests.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage } from './stage.ts';

describe.concurrent('Prometheus', () => {
  test.concurrent.for([
    ['down', { answer: 'down' }],
    ['error', { answer: 'error' }],
    ['empty', { answer: 'empty' }],
  ] as const)('that is %s at the start, is a reason to refuse', async ([name, faults], { expect }) => {
    await using stage = await openStage();
    Object.assign(stage.sandbox.prometheusFaults, faults);
    const done = await stage.run();
    await expectGolden(expect, `prometheus-${name}`, done);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('that nobody listens for, is a reason to refuse', async ({ expect }) => {
    await using stage = await openStage();
    const done = await stage.run({ prometheus: 'http://127.0.0.1:9' });
    await expectGolden(expect, 'prometheus-nobody', done);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('that goes down in the middle, gives no verdict: rolled back', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.run({ timeout: '20s', steps: '50%' });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    stage.sandbox.prometheusFaults.answer = 'down';
    const done = await action;
    await expectGolden(expect, 'prometheus-lost', done);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('that goes down in the middle, promotes only where the user said so', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.run({ timeout: '20s', steps: '50%', 'on-inconclusive': 'promote' });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    stage.sandbox.prometheusFaults.answer = 'down';
    const done = await action;
    expect(done.result.outputs).toMatchObject({ result: 'promoted', reason: 'unproved' });
    expect(done.result.code).toBe(0);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent.for([
    ['prometheus_replica', /: (?:49|50)\d(?:\.\d)? requests\/s/, 0],
    ['replica', /: (?:99|100)\d(?:\.\d)? requests\/s/, 1],
  ] as const)('that runs twice, its series told apart by %s', async ([replicaLabel, rate, warned], { expect }) => {
    await using stage = await openStage({ replicaLabel });
    const { result } = await stage.run({ command: 'plan' });
    expect(result.outputs['result']).toBe('planned');
    expect(result.log.map(({ line }) => line).join('\n')).toMatch(rate);
    const warnings = result.annotations.filter(({ level }) => level === 'warning');
    expect(warnings).toHaveLength(warned);
    for (const { message } of warnings) expect(message).toMatch(/come with 2 values of the label replica: .* verdicts come too early\./);
  });

  test.concurrent('that counts too little traffic for a verdict, is a reason to refuse', async ({ expect }) => {
    await using stage = await openStage({ ratePerSecond: 2 });
    const done = await stage.run({ timeout: '1m' });
    await expectGolden(expect, 'too-little-traffic', done);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });
});
