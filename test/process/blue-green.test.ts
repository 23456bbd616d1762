import { describe, test, vi } from 'vitest';
import { expectSafe } from './golden.ts';
import { imagesOf, isComplete, namespace } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 20, testTimeout: 60_000 });

const blueGreen = { strategy: 'blue-green', steps: '', 'min-duration': '2s' };

function selectorOf(stage: Stage, service = 'web'): unknown {
  return stage.sandbox.get('services', namespace, service)?.spec.selector;
}

describe.concurrent('blue-green', () => {
  test.concurrent('a good image: served by green, then by the Deployment again, and nothing of ours is left', async ({ expect }) => {
    await using stage = await openStage();
    const colours = new Set<string>();
    stage.sandbox.watch(({ resource, object }) => {
      if (resource === 'services' && object.metadata.name === 'web') colours.add(JSON.stringify(selectorOf(stage)));
    });
    const { result } = await stage.run(blueGreen);
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    expectSafe(expect, { result, requests: [] });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect([...colours]).toEqual(['{"app":"web"}', '{"app":"web-green"}']);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('by readiness alone', async ({ expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('an image that answers with errors goes back, and the Deployment is never touched', async ({ expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, tag: 'errors' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['rolled-back', 'metrics-failed']);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent.for(['crash', 'never-ready'])('an image that is %s gets no traffic', async (tag, { expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, tag, 'ready-timeout': '5s' });
    expect(result.outputs['result']).toBe('rolled-back');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
