import { describe, test, vi } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { parseReplayFlags } from '../../src/config/replay-inputs.ts';
import { judgeSamples } from '../../src/config/samples-file.ts';
import { checkReplay } from '../simulation/check-replay.ts';
import { deploymentManifest } from './scene.ts';
import { openStage, type StageOptions } from './stage.ts';

vi.setConfig({ maxConcurrency: 6 });

type Template = { readonly spec: { readonly template: { readonly spec: object } } };

function pairOf(set: string): { readonly selector: object; readonly template: object } {
  const { spec } = deploymentManifest() as unknown as Template;
  return { selector: { matchLabels: { app: 'web', set } }, template: { ...spec.template, metadata: { labels: { app: 'web', set } } } };
}

const pair: StageOptions = {
  spec: pairOf('a'),
  prepare(sandbox: Sandbox) {
    const second = deploymentManifest({ replicas: 0, spec: pairOf('b') }) as { readonly metadata: object };
    sandbox.apply({ ...second, metadata: { ...second.metadata, name: 'web-v2' } });
  },
};
const rolling = { strategy: 'rolling', steps: '', 'max-error-rate': '5%' };
const recreated: StageOptions = { spec: { strategy: { type: 'Recreate' } } };
const slowly: StageOptions = { spec: { minReadySeconds: 5, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };

describe.concurrent('every run that metrics judge', () => {
  test.concurrent.for<[string, StageOptions, Readonly<Record<string, string>>, string, readonly string[]]>([
    ['canary', {}, {}, 'promoted', ['step pass']],
    ['canary with a bake', {}, { steps: '50%', bake: '2s' }, 'promoted', ['step pass', 'baking pass']],
    ['rolling', {}, rolling, 'promoted', ['baking pass']],
    ['rolling, errors beside the old pods', slowly, { ...rolling, tag: 'errors' }, 'rolled-back', ['rolling fail']],
    ['recreate', recreated, { ...rolling, strategy: 'recreate' }, 'promoted', ['baking pass']],
    ['blue-green', {}, { strategy: 'blue-green', steps: '', 'min-duration': '2s' }, 'promoted', ['green pass', 'live pass']],
    [
      'blue-green with a smoke test, which stands for min-duration',
      {},
      { strategy: 'blue-green', steps: '', 'min-duration': '6s', 'smoke-test': 'true' },
      'promoted',
      ['green pass', 'live pass'],
    ],
    ['blue-green, errors', {}, { strategy: 'blue-green', steps: '', tag: 'errors' }, 'rolled-back', ['green pass', 'live fail']],
    ['a pair', pair, { 'canary-deployment': 'web-v2', steps: '50%' }, 'promoted', ['pair-step pass', 'pair-finishing pass']],
  ])('writes what it saw, and its recording gives its verdict again: %s', async ([, options, inputs, ends, verdicts], { expect }) => {
    await using stage = await openStage(options);
    const { result } = await stage.run(inputs);
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe(ends);
    const seen: Record<string, number> = {};
    const { samples = '' } = result;
    expect(checkReplay(samples.trimEnd().split('\n'), seen), samples).toBeUndefined();
    expect(Object.keys(seen)).toEqual(verdicts);
    const last = (flags: Readonly<Record<string, string>>) =>
      judgeSamples(samples, parseReplayFlags(new Map(Object.entries(flags)))).at(-1)?.verdict;
    expect(last({})).toBe(ends === 'promoted' ? 'pass' : 'fail');
    expect(last({ 'max-error-rate': '99%', 'max-error-increase': '2x + 90%' })).not.toBe('fail');
  });
});
