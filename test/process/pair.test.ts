import { describe, test } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { readyEndpoints } from './invariants.ts';
import { isWrite } from './requests.ts';
import { isComplete, namespace, pairSpec, secondManifest } from './scene.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

const pairInputs = { prometheus: '', metrics: 'none', 'canary-deployment': 'web-v2', steps: '25% for 1s, 75%' };

/** The user's pair: `web` with four replicas and `web-v2` with none, behind one Service. */
async function openPair(options: StageOptions = {}, prepare: (sandbox: Sandbox) => void = () => undefined): Promise<Stage> {
  return openStage({
    ...options,
    spec: { ...pairSpec('a'), ...options.spec },
    prepare(sandbox) {
      sandbox.apply(secondManifest());
      prepare(sandbox);
    },
  });
}

function standing(sandbox: Sandbox): string {
  return ['web', 'web-v2']
    .map((name) => {
      const found = sandbox.get('deployments', namespace, name);
      return `${name} ${found?.spec.replicas} ${found?.spec.template.spec.containers[0]?.image}${isComplete(sandbox, name) ? '' : ' (incomplete)'}`;
    })
    .join(', ');
}

const found = 'web 4 shop/web:v1, web-v2 0 shop/web:v1';

describe.concurrent('canary-deployment', () => {
  test.concurrent('moves all replicas to the second Deployment, and nobody notices', async ({ expect }) => {
    await using stage = await openPair();
    let fewest = Number.POSITIVE_INFINITY;
    stage.sandbox.watch(({ resource }) => {
      if (resource === 'endpointslices') fewest = Math.min(fewest, readyEndpoints(stage.sandbox));
    });
    const done = await stage.run(pairInputs);
    await expectGolden(expect, 'pair', done);
    expect(stage.left()).toEqual([]);
    expect(standing(stage.sandbox)).toBe('web 0 shop/web:v1, web-v2 4 shop/web:v2');
    expect(fewest).toBeGreaterThanOrEqual(4);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('puts back what was found where the image is bad', async ({ expect }) => {
    await using stage = await openPair();
    const done = await stage.run({ ...pairInputs, tag: 'crash' });
    expectSafe(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'crash' });
    expect(stage.left()).toEqual([]);
    expect(standing(stage.sandbox)).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('puts back what was found where the new version hangs, and min-traffic is asked for', async ({ expect }) => {
    await using stage = await openPair({
      images: { 'shop/web:hangs': { version: 'hangs', startMs: 200, readyMs: 100, hangAfterRequests: 20 } },
      speed: 12,
    });
    const inputs = { prometheus: stage.served.prometheusUrl, metrics: '', 'min-traffic': '50%', timeout: '15m', 'dead-man': '20m' };
    const done = await stage.run({ ...pairInputs, ...inputs, tag: 'hangs' });
    expectSafe(expect, done);
    expect(done.result.outputs, done.result.log.map(({ line }) => line).join('\n')).toMatchObject({
      result: 'rolled-back',
      reason: 'traffic-vanished',
    });
    expect(stage.left()).toEqual([]);
    expect(standing(stage.sandbox)).toBe(found);
  });

  test.concurrent.for(['SIGKILL', 'SIGINT'] as const)(
    'puts back what was found after %s between two shares',
    async (signal, { expect }) => {
      await using stage = await openPair();
      const action = stage.start({ ...pairInputs, steps: '50% for 60s, 75%' });
      await stage.until(
        'two pods of the new version serve',
        () => isComplete(stage.sandbox, 'web-v2') && standing(stage.sandbox).includes('web 2 '),
      );
      action.kill(signal);
      const result = await action.done;
      expectSafe(expect, { result, requests: [] });
      expect(stage.left()).toEqual([]);
      expect(standing(stage.sandbox)).toBe(found);
      expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    },
  );

  test.concurrent('where a quota has no room for one pod more, ends as inconclusive, as it was found', async ({ expect }) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods', namespace }, spec: { hard: { pods: '4' } } };
    await using stage = await openPair({}, (sandbox) => void sandbox.apply(quota));
    const { result } = await stage.run({ ...pairInputs, 'ready-timeout': '5s' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['inconclusive', 'quota']);
    expect(stage.left()).toEqual([]);
    expect(standing(stage.sandbox)).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('with a disruption budget over both, which binds evictions and not the replicas', async ({ expect }) => {
    const selector = { matchLabels: { app: 'web' } };
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web', namespace } };
    await using stage = await openPair({}, (sandbox) => void sandbox.apply({ ...budget, spec: { minAvailable: 4, selector } }));
    const { result } = await stage.run(pairInputs);
    expect(result.outputs['result']).toBe('promoted');
    expect(standing(stage.sandbox)).toBe('web 0 shop/web:v1, web-v2 4 shop/web:v2');
  });

  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web-v2' }, minReplicas: 1, maxReplicas: 9 },
  };
  test.concurrent.for([
    [
      'that does not exist',
      (sandbox: Sandbox): void => sandbox.remove('deployments', namespace, 'web-v2'),
      'There is no Deployment web-v2',
    ],
    ['with an autoscaler', (sandbox: Sandbox): void => void sandbox.apply(autoscaler), 'an autoscaler would fight'],
    [
      'that no Service shares',
      (sandbox: Sandbox): void => sandbox.remove('services', namespace, 'web'),
      'no Service selects the pods of both',
    ],
  ] as const)('%s, is refused before anything is written', async ([, prepare, words], { expect }) => {
    await using stage = await openPair({}, prepare);
    const done = await stage.run(pairInputs);
    expect(done.result.outputs).toMatchObject({ result: 'refused', reason: 'deployment-refused' });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain(words);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });
});
