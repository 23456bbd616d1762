import { describe, test, vi } from 'vitest';
import { answersOf, configured, quick, referencesOf, templateOf, versions } from './configured.ts';
import { expectSafe } from './golden.ts';
import { writesOf } from './requests.ts';
import { imagesOf, namespace } from './scene.ts';
import { openStage, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 4 });

const back = { ...quick, tag: '', command: 'rollback', 'to-revision': '2' };

/** Revisions 2 and 3: image, variables and ConfigMap, each its own. */
async function releaseTwice(stage: Stage): Promise<string> {
  const one = await stage.run({ ...quick, env: 'MODE=b', 'config-maps': 'web=conf' }, { files: { 'conf/VERSION': 'map-2' } });
  const then = JSON.stringify(templateOf(stage.sandbox));
  const inputs = { ...quick, tag: 'v1', env: 'MODE=do-not-print\nNEW=1', 'config-maps': 'web=conf' };
  const two = await stage.run(inputs, { files: { 'conf/VERSION': 'map-3' } });
  const results = [one, two].map(({ result }) => result.outputs['result']).join();
  if (results !== 'promoted,promoted') throw new Error(results);
  return then;
}

describe.concurrent('command: rollback', () => {
  test.concurrent('restores image, variables and ConfigMap of a release, and keeps what both need', async ({ expect }) => {
    await using stage = await openStage({ ...configured, spec: { revisionHistoryLimit: 4 } });
    const then = await releaseTwice(stage);
    const done = await stage.run(back);
    expectSafe(expect, done);
    const log = done.result.log.map(({ line }) => line).join('\n');
    expect(done.result.outputs, log).toMatchObject({ result: 'rolled-back', reason: 'rollback-done' });
    expect(JSON.stringify(templateOf(stage.sandbox))).toBe(then);
    expect(new Set(referencesOf(stage.sandbox)).size).toBe(1);
    expect(answersOf(stage)).toEqual(['map-2']);
    expect(versions(stage.sandbox)).toHaveLength(2);
    expect(stage.left()).toEqual(versions(stage.sandbox).map((name) => `ConfigMap ${name}`));
    expect(log + done.result.summary).not.toContain('do-not-print');
    expect(log).not.toContain('not rolled back');
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('to a revision that differs in configuration alone is a release', async ({ expect }) => {
    await using stage = await openStage({ ...configured, spec: { revisionHistoryLimit: 4 } });
    await stage.run({ ...quick, env: 'MODE=b' });
    await stage.run({ ...quick, tag: '', env: 'MODE=c\nNEW=1' });
    expect((await stage.run(back)).result.outputs).toMatchObject({ result: 'rolled-back', reason: 'rollback-done' });
    expect(templateOf(stage.sandbox)?.containers[0]?.env).toEqual([{ name: 'MODE', value: 'b' }]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('where the version is gone is refused, and writes nothing', async ({ expect }) => {
    await using stage = await openStage({ ...configured, spec: { revisionHistoryLimit: 4 } });
    await releaseTwice(stage);
    const current = referencesOf(stage.sandbox)[0];
    const [gone = ''] = versions(stage.sandbox).filter((name) => name !== current);
    stage.sandbox.remove('configmaps', namespace, gone);
    const done = await stage.run(back);
    expect(done.result.outputs).toMatchObject({ result: 'refused', reason: 'revision-missing' });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain(`refers to ConfigMap ${gone}`);
    expect(writesOf(done.requests)).toEqual([]);
  });
});
