import { describe, test, vi } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { readyEndpoints } from './invariants.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, isComplete, namespace, type SceneOptions } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 20, testTimeout: 90_000 });

const pairInputs = { prometheus: '', metrics: 'none', 'canary-deployment': 'web-v2', steps: '25% for 1s, 75%' };

/** The user's pair: `web` with four replicas and `web-v2` with none, behind one Service. */
async function openPair(options: SceneOptions = {}, prepare: (sandbox: Sandbox) => void = () => undefined): Promise<Stage> {
  return openStage({
    ...options,
    spec: { ...pairOf('a'), ...options.spec },
    prepare(sandbox) {
      sandbox.apply(secondManifest());
      prepare(sandbox);
    },
  });
}

type Template = { readonly spec: { readonly template: { readonly spec: object } } };

function pairOf(set: string): { readonly selector: object; readonly template: object } {
  const { spec } = deploymentManifest() as unknown as Template;
  return { selector: { matchLabels: { app: 'web', set } }, template: { ...spec.template, metadata: { labels: { app: 'web', set } } } };
}

function secondManifest(replicas = 0): object {
  const first = deploymentManifest({ replicas, spec: pairOf('b') }) as { readonly metadata: object };
  return { ...first, metadata: { ...first.metadata, name: 'web-v2' } };
}

function standing(sandbox: Sandbox): string {
  return ['web', 'web-v2']
    .map((name) => {
      const found = sandbox.get('deployments', namespace, name);
      return `${name} ${found?.spec.replicas} ${found?.spec.template.spec.containers[0]?.image}${isComplete(sandbox, name) ? '' : ' (incomplete)'}`;
    })
    .join(', ');
}

/** Ours on either of the two, and Jobs. */
function left(sandbox: Sandbox): readonly string[] {
  sandbox.advance(40_000);
  return [
    ...sandbox.list('jobs', namespace).map((job) => job.metadata.name),
    ...sandbox
      .list('deployments', namespace)
      .flatMap(({ metadata }) => [
        ...Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith('gated-rollout')),
        ...(metadata.managedFields ?? [])
          .filter((entry) => entry.manager === 'gated-rollout')
          .map(() => `managedFields of ${metadata.name}`),
      ]),
  ];
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
    expect(left(stage.sandbox)).toEqual([]);
    expect(standing(stage.sandbox)).toBe('web 0 shop/web:v1, web-v2 4 shop/web:v2');
    expect(fewest).toBeGreaterThanOrEqual(4);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('puts back what was found where the image is bad', async ({ expect }) => {
    await using stage = await openPair();
    const done = await stage.run({ ...pairInputs, tag: 'crash' });
    expectSafe(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'crash' });
    expect(left(stage.sandbox)).toEqual([]);
    expect(standing(stage.sandbox)).toBe(found);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
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
      expect(left(stage.sandbox)).toEqual([]);
      expect(standing(stage.sandbox)).toBe(found);
      expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
    },
  );

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
