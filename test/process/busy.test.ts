import { describe, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { imagesOf, isComplete, namespace } from './scene.ts';
import { openStage } from './stage.ts';

describe.concurrent('two runs', () => {
  test.concurrent('one after the other: the second is refused and says which run holds the lock', async ({ expect }) => {
    await using stage = await openStage();
    const first = stage.start({ prometheus: '', 'min-duration': '16s' });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    const second = stage.start({ prometheus: '', tag: 'errors' });
    const refused = await second.done;
    await expectGolden(expect, 'busy', { result: refused, requests: [] });
    expect(refused.log.map(({ line }) => line).join('\n')).toContain(first.runUrl);
    expect((await first.done).outputs).toMatchObject({ result: 'promoted' });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('at once: one of them releases', async ({ expect }) => {
    await using stage = await openStage();
    // As long as the slower of them may take to begin.
    const lasting = { prometheus: '', 'min-duration': '16s' };
    const both = [stage.start(lasting), stage.start(lasting)];
    const ends = await Promise.all(both.map((run) => run.done));
    expect(ends.map((end) => end.outputs['result']).sort()).toEqual(['promoted', 'refused']);
    expect(ends.map((end) => end.code).sort()).toEqual([0, 1]);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });
});

test.concurrent('the leftover of a dead rollout goes before ours comes', async ({ expect }) => {
  await using stage = await openStage();
  const dead = stage.start({ prometheus: '', 'min-duration': '5m' }, { skipPost: true });
  await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
  dead.kill('SIGKILL');
  await dead.done;
  const orphan = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan' });
  const headers = { authorization: stage.authorization };
  stage.sandbox.handle({ method: 'DELETE', path: `/apis/batch/v1/namespaces/${namespace}/jobs/web-rollout`, headers, body: orphan });
  await stage.until('the Job is gone', () => stage.sandbox.list('jobs').length === 0);
  expect(stage.sandbox.list('deployments', namespace)).toHaveLength(2);
  await expectGolden(expect, 'leftover', await stage.run({ prometheus: '' }));
  expect(stage.left()).toEqual([]);
  expect(stage.broken()).toEqual([]);
  expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
});
