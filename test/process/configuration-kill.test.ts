import { describe, test } from 'vitest';
import { answersOf, configured, quick, referencesOf, templateOf, versions } from './configured.ts';
import { killAtWrite } from './kill-at-write.ts';
import { imagesOf } from './scene.ts';
import { openStage } from './stage.ts';

describe.concurrent('a run with configuration that is killed, and its post step', () => {
  const writes = [
    'POST jobs',
    'journal fencing',
    'fence',
    'POST configmaps',
    'journal step 1',
    'POST deployments',
    'journal promoting',
    'PATCH configmaps',
    'promote',
    'journal ending',
    'DELETE jobs',
    'release the fence',
    'release managedFields',
  ] as const;
  const moments = ['before', 'after'] as const;
  const all = writes.flatMap((write, index) => moments.map((moment) => ({ write, moment, index })));
  // The writes of ConfigMaps and around the promotion in both moments, the others by turns; with ALL=1 every one in both.
  const isClose = (write: string): boolean => /configmaps|promot/u.test(write);
  const chosen = process.env['ALL'] === '1' ? all : all.filter(({ write }, at) => isClose(write) || Math.floor(at / 2) % 2 === at % 2);

  test.concurrent.for(chosen)('$moment the write "$write"', async ({ moment, index }, { expect }) => {
    await using stage = await openStage(configured);
    const before = JSON.stringify(templateOf(stage.sandbox));
    const inputs = { ...quick, env: 'MODE=b', 'config-maps': 'web=conf' };
    const result = await killAtWrite(stage, index, moment, inputs, { files: { 'conf/VERSION': 'map-2' } });
    expect(result.post?.code).toBe(0);
    const [version] = versions(stage.sandbox);
    if (imagesOf(stage.sandbox)[0] === 'shop/web:v2') {
      expect(stage.left()).toEqual([`ConfigMap ${version}`]);
      expect(referencesOf(stage.sandbox)).toEqual([version, version, version]);
      expect(templateOf(stage.sandbox)?.containers[0]?.env).toEqual([{ name: 'MODE', value: 'b' }]);
      expect(answersOf(stage)).toEqual(['map-2']);
    } else {
      expect(stage.left()).toEqual([]);
      expect(JSON.stringify(templateOf(stage.sandbox))).toBe(before);
      expect(answersOf(stage)).toEqual(['by-hand']);
    }
    if (index > writes.indexOf('promote')) expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    if (index < writes.indexOf('journal promoting')) expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
