import { describe, test } from 'vitest';
import type { ImageBehaviour } from '../../sandbox/sandbox.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { describeWrite, isWrite } from './requests.ts';
import { imagesOf, isComplete, type Manifest } from './scene.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

const rolling = { strategy: 'rolling', steps: '', 'max-error-rate': '5%' };
const recreate = { ...rolling, strategy: 'recreate' };
const readiness = { prometheus: '', metrics: 'none', 'max-error-rate': '' };
const images: Readonly<Record<string, ImageBehaviour>> = {
  'shop/web:fails-after-5': { version: 'fails-after-5', startMs: 200, readyMs: 100, failAfterRequests: 5 },
};

function rollingSpec(maxSurge: number | string, maxUnavailable: number | string): Manifest {
  return { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } };
}
const recreated: StageOptions = { spec: { strategy: { type: 'Recreate' } } };

/** How often each image was written to the user's Deployment. */
function imageWrites(stage: Stage): readonly string[] {
  return stage.served
    .requests()
    .filter(isWrite)
    .map(describeWrite)
    .flatMap((write) => /replace .*\/image "([^"]+)"/u.exec(write)?.[1] ?? []);
}

describe.concurrent('rolling', () => {
  test.concurrent('a good image', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'rolling-good', await stage.run(rolling));
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent.for([
    [0, 1],
    [1, 0],
    ['100%', 0],
    ['25%', '25%'],
  ] as const)('maxSurge %s, maxUnavailable %s', async ([maxSurge, maxUnavailable], { expect }) => {
    await using stage = await openStage({ spec: rollingSpec(maxSurge, maxUnavailable) });
    const { result } = await stage.run({ ...rolling, ...readiness });
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.left()).toEqual([]);
    // `broken` knows the default bounds only, and these are within them.
    expect(stage.broken()).toEqual([]);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(imageWrites(stage)).toEqual(['shop/web:v2']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent.for([
    ['errors', { tag: 'errors' }, 'metrics-failed'],
    ['crash', { tag: 'crash', ...readiness }, 'crash'],
    ['never-ready', { tag: 'never-ready', 'ready-timeout': '4s', ...readiness }, 'not-ready'],
    ['missing', { tag: 'missing', ...readiness }, 'image-pull'],
    ['fails-after-5', { tag: 'fails-after-5', ...readiness }, 'probe-failed'],
  ] as const)('takes a bad image back: %s', async ([, inputs, reason], { expect }) => {
    await using stage = await openStage({ images });
    const done = await stage.run({ ...rolling, ...inputs });
    expectSafe(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back' });
    expect([reason, 'crash', 'probe-failed']).toContain(done.result.outputs['reason']);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(imageWrites(stage)).toEqual([`shop/web:${inputs.tag}`, 'shop/web:v1']);
  });

  test.concurrent('where a quota has no room, waits, and goes back as inconclusive', async ({ expect }) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods', namespace: 'shop' }, spec: { hard: { pods: '4' } } };
    await using stage = await openStage({ spec: rollingSpec(1, 0), prepare: (sandbox) => sandbox.apply(quota) });
    const { result } = await stage.run({ ...rolling, ...readiness, 'ready-timeout': '4s' });
    expect(result.outputs).toMatchObject({ result: 'inconclusive', reason: 'quota' });
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('with a disruption budget over all its pods, which binds evictions and not a rolling update', async ({ expect }) => {
    const selector = { matchLabels: { app: 'web' } };
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace: 'shop' } };
    const prepare: StageOptions['prepare'] = (sandbox) => sandbox.apply({ ...budget, spec: { minAvailable: 4, selector } });
    await using stage = await openStage({ prepare });
    const { result } = await stage.run({ ...rolling, ...readiness });
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('follows somebody, or an autoscaler, who scales meanwhile, and never writes replicas', async ({ expect }) => {
    await using stage = await openStage();
    const run = stage.run({ ...rolling, ...readiness, 'min-duration': '3s' });
    await stage.until('the patch', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
    const web = stage.sandbox.get('deployments', 'shop', 'web');
    stage.sandbox.apply({ ...web, spec: { ...web?.spec, replicas: 6 } } as Manifest);
    const { result } = await run;
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.sandbox.get('deployments', 'shop', 'web')?.spec.replicas).toBe(6);
    const writes = stage.served.requests().filter(isWrite).map(describeWrite);
    expect(writes.filter((write) => /replicas/u.test(write))).toEqual([]);
  });

  test.concurrent('is refused where the Deployment recreates', async ({ expect }) => {
    await using stage = await openStage(recreated);
    const { result } = await stage.run({ ...rolling, ...readiness });
    expect(result.outputs).toMatchObject({ result: 'refused', reason: 'deployment-refused' });
    expect(result.log.map(({ line }) => line).join('\n')).toContain('strategy: recreate');
  });

  test.concurrent('a cancel puts the old images back', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ ...rolling, ...readiness, 'min-duration': '60s' });
    await stage.until(
      'the new version to be watched',
      () => isComplete(stage.sandbox, 'web') && imagesOf(stage.sandbox)[0] === 'shop/web:v2',
    );
    void action.cancel();
    const result = await action.done;
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'cancelled' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.left()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('a bake', () => {
  test.concurrent('after a canary: what fails only then is put back', async ({ expect }) => {
    // Good for its first seconds, as a memory leak or a cold cache would be.
    const late = { version: 'late', startMs: 200, readyMs: 100, crashAfterMs: 30_000, exitCode: 7 };
    await using stage = await openStage({ images: { 'shop/web:late': late } });
    const done = await stage.run({ ...readiness, tag: 'late', steps: '50%', bake: '60s' });
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back' });
    expect(imageWrites(stage)).toEqual(['shop/web:late', 'shop/web:v1']);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('after a canary: a good image is watched without the canary, and stays', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'canary-bake', await stage.run({ steps: '50%', bake: '2s' }));
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('recreate', () => {
  test.concurrent('a good image: a trial pod that no client meets, and a downtime that is told', async ({ expect }) => {
    // Long enough to be seen between two looks on a busy machine, too.
    await using stage = await openStage({ ...recreated, images: { 'shop/web:v2': { version: 'v2', startMs: 200, readyMs: 2_000 } } });
    const served = new Set<string>();
    const stop = stage.sandbox.watch(() => {
      const slices = stage.sandbox.list('endpointslices', 'shop').flatMap((slice) => slice.endpoints);
      for (const endpoint of slices) served.add(endpoint.targetRef?.name ?? '');
    });
    const done = await stage.run(recreate);
    stop();
    await expectGolden(expect, 'recreate-good', done);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect([...served].filter((name) => name.startsWith('web-canary'))).toEqual([]);
    const { downtime } = JSON.parse(done.result.outputs['json'] ?? '{}') as { downtime?: { atMostMs: number } };
    expect(downtime?.atMostMs).toBeGreaterThan(100);
  });

  test.concurrent.for([
    ['missing', 'image-pull'],
    ['crash', 'crash'],
    ['never-ready', 'not-ready'],
  ] as const)('a bad image is found by the trial pod, without any downtime: %s', async ([tag, reason], { expect }) => {
    await using stage = await openStage(recreated);
    const { result } = await stage.run({ ...recreate, ...readiness, tag, 'ready-timeout': '4s' });
    expect(result.outputs['result']).toBe('rolled-back');
    expect([reason, 'probe-failed']).toContain(result.outputs['reason']);
    expect(imageWrites(stage)).toEqual([]);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('with host ports the trial only pulls, and a missing image costs nothing', async ({ expect }) => {
    const app = { name: 'app', image: 'shop/web:v1', ports: [{ containerPort: 8080, hostPort: 18080 }] };
    await using stage = await openStage({ ...recreated, replicas: 1, pod: { containers: [app] } });
    const { result } = await stage.run({ ...recreate, ...readiness, tag: 'missing' });
    expect(result.outputs).toMatchObject({ result: 'rolled-back', reason: 'image-pull' });
    expect(result.log.map(({ line }) => line).join('\n')).toContain('a trial pod that only pulls the image');
    expect(stage.broken()).toEqual([]);
    const good = await stage.run({ ...recreate, ...readiness });
    expect(good.result.outputs['result']).toBe('promoted');
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('is refused where the Deployment rolls', async ({ expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...recreate, ...readiness });
    expect(result.outputs).toMatchObject({ result: 'refused', reason: 'deployment-refused' });
    expect(result.log.map(({ line }) => line).join('\n')).toContain('strategy: rolling');
  });
});
