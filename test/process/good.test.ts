import { describe, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { imagesOf } from './scene.ts';
import { openStage } from './stage.ts';

describe.concurrent('a good image', () => {
  test.concurrent('is promoted, and nothing of the rollout is left', async ({ expect }) => {
    await using stage = await openStage();
    const done = await stage.run();
    await expectGolden(expect, 'good', done);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('with metrics: none, is judged by readiness without a warning', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'metrics-none', await stage.run({ prometheus: '', metrics: 'none' }));
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('without Prometheus, is judged by readiness with a warning', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'no-prometheus', await stage.run({ prometheus: '' }));
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('with Prometheus behind the API server, asks it there', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'prometheus-service', await stage.run({ prometheus: 'service://monitoring/prometheus:9090' }));
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('goes into the container that is named, and the other keeps its own', async ({ expect }) => {
    await using stage = await openStage({ sidecar: true });
    await expectGolden(expect, 'two-containers', await stage.run({ tag: '', image: 'app=shop/web:v2', prometheus: '' }));
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2', 'shop/proxy:v1']);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('may be a digest', async ({ expect }) => {
    await using stage = await openStage();
    const tag = `sha256:${'d'.repeat(64)}`;
    await expectGolden(expect, 'digest', await stage.run({ tag, prometheus: '' }));
    expect(imagesOf(stage.sandbox)).toEqual([`shop/web@${tag}`]);
  });
});

describe.concurrent('nothing is written', () => {
  test.concurrent('where the Deployment has the image already', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'unchanged', await stage.run({ tag: 'v1' }));
  });

  test.concurrent('by command: plan', async ({ expect }) => {
    await using stage = await openStage();
    await expectGolden(expect, 'plan', await stage.run({ command: 'plan', steps: '1%, 5%, 25%\n50% for 2m' }));
  });
});
