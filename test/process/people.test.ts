import { describe, test } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { describeWrite, isWrite } from './requests.ts';
import { deploymentManifest, deploymentName, imagesOf, isComplete, namespace, type SceneOptions } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

const apply = (options: SceneOptions) => (sandbox: Sandbox) => void sandbox.apply(deploymentManifest(options));
const environment = { containers: [{ name: 'app', image: 'shop/web:v1', env: [{ name: 'COLOUR', value: 'blue' }] }] };

async function runWith(stage: Stage, act: (sandbox: Sandbox) => void) {
  // Long enough that a person comes in the middle of a step, whatever the machine does meanwhile.
  const action = stage.run({ prometheus: '', 'min-duration': '16s' });
  await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
  act(stage.sandbox);
  return action;
}

describe.concurrent('a person who, during the canary,', () => {
  test.concurrent.for<readonly [string, (sandbox: Sandbox) => void, string]>([
    ['changes-image', apply({ image: 'shop/web:other' }), 'shop/web:other'],
    ['changes-environment', apply({ pod: environment }), 'shop/web:v1'],
    ['pauses', apply({ spec: { paused: true } }), 'shop/web:v1'],
    ['scales-to-zero', apply({ replicas: 0 }), 'shop/web:v1'],
    ['deletes-the-job', (sandbox) => sandbox.remove('jobs', namespace, 'web-rollout'), 'shop/web:v1'],
  ])('%s: the canary goes, and the change stands', async ([name, act, image], { expect }) => {
    await using stage = await openStage({ images: { 'shop/web:other': { version: 'other' } } });
    const done = await runWith(stage, act);
    await expectGolden(expect, `person-${name}`, done);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual([image]);
    expect(done.result.code).toBe(1);
  });

  test.concurrent('scales: the canary follows', async ({ expect }) => {
    await using stage = await openStage();
    let most = 0;
    stage.sandbox.watch(({ resource, object }) => {
      if (resource !== 'deployments' || object.metadata.name !== 'web-canary') return;
      most = Math.max(most, (object as { spec: { replicas: number } }).spec.replicas);
    });
    const done = await runWith(stage, apply({ replicas: 6 }));
    expect(done.result.outputs).toMatchObject({ result: 'promoted' });
    expect(most).toBe(6);
    expect(stage.sandbox.get('deployments', namespace, 'web')?.spec.replicas).toBe(6);
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('deletes the Deployment: everything of ours goes with it', async ({ expect }) => {
    await using stage = await openStage();
    const done = await runWith(stage, (sandbox) => sandbox.remove('deployments', namespace, 'web'));
    expectSafe(expect, done);
    // Which of the two goes first from the action's view is a race.
    expect(done.result.outputs['reason']).toMatch(/^(?:lock-lost|deployment-deleted)$/u);
    expect(done.result.code).toBe(1);
    expect(stage.left()).toEqual([]);
    expect(stage.sandbox.list('deployments', namespace)).toEqual([]);
  });
});

describe.concurrent('in the instant of the promotion, before it arrives,', () => {
  const label = 'gated-rollout.github.io/rollout';
  const relabelled = { ...deploymentManifest(), metadata: { name: deploymentName, namespace, labels: { [label]: 'another-rollout' } } };

  test.concurrent.for<readonly [string, (sandbox: Sandbox) => void, string]>([
    ['somebody applies another environment variable: it is not promoted untested', apply({ pod: environment }), 'shop/web:v1'],
    ['somebody applies another image: theirs stands', apply({ image: 'shop/web:other' }), 'shop/web:other'],
    ['another rollout takes the fence: ours has no say any more', (sandbox) => void sandbox.apply(relabelled), 'shop/web:v1'],
  ])('%s', async ([, act, image], { expect }) => {
    await using stage = await openStage({ images: { 'shop/web:other': { version: 'other' } } });
    let acted = false;
    stage.onRequest((request) => {
      if (acted || !isWrite(request) || !/replace .*\/image/u.test(describeWrite(request))) return undefined;
      acted = true;
      act(stage.sandbox);
      return undefined;
    });
    const done = await stage.run({ prometheus: '' });
    expect(acted).toBe(true);
    expectSafe(expect, done);
    expect(done.result.code).toBe(1);
    expect(['rolled-back', 'failed']).toContain(done.result.outputs['result']);
    expect(imagesOf(stage.sandbox)).toEqual([image]);
    // The other rollout's label stands, and our name in managedFields is its name too.
    expect(stage.left().filter((left) => !/^(?:label|our entry)/u.test(left))).toEqual([]);
    const kept = stage.sandbox.get('deployments', namespace, deploymentName)?.metadata.labels?.[label];
    expect([undefined, 'another-rollout']).toContain(kept);
  });
});
