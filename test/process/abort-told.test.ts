import { describe, test, vi } from 'vitest';
import { openKept, readinessInputs } from './kept-green-stage.ts';
import { isComplete, namespace, pairSpec, secondManifest } from './scene.ts';
import { openStage, phaseOf, type Stage } from './stage.ts';

vi.setConfig({ maxConcurrency: 4 });

const outside = { command: 'abort', tag: '', prometheus: '', steps: '', 'min-duration': '', 'dead-man': '' };
const readiness = { prometheus: '', metrics: 'none' };
// The Job stays for a time of the cluster's clock, and the process' looks are a second apart by its own.
const speed = 1;
/** How late the next look of the run comes. */
const lookMs = 500;
const pairInputs = { ...readiness, 'canary-deployment': 'web-v2', steps: '25% for 60s, 75%' };
// Its first pod takes its time, so that the way back has only this one to put back.
const images = { 'shop/web:v2': { version: 'v2', startMs: 60_000, readyMs: 100 } };
const openPair = () => openStage({ speed, images, spec: pairSpec('a'), prepare: (sandbox) => void sandbox.apply(secondManifest()) });
const imageOf = ({ sandbox }: Stage, name: string) => sandbox.get('deployments', namespace, name)?.spec.template.spec.containers[0]?.image;
const replicasOf = ({ sandbox }: Stage, name: string) => sandbox.get('deployments', namespace, name)?.spec.replicas;

describe.concurrent('a run that is aborted, and looks again when everything is over,', () => {
  test.concurrent.for<
    readonly [
      name: string,
      open: () => Promise<Stage>,
      inputs: Readonly<Record<string, string>>,
      begun: (stage: Stage) => boolean,
      isBack: (stage: Stage) => boolean,
    ]
  >([
    [
      'canary-deployment',
      openPair,
      pairInputs,
      (stage) => replicasOf(stage, 'web-v2') === 1,
      (stage) => replicasOf(stage, 'web') === 4 && replicasOf(stage, 'web-v2') === 0 && imageOf(stage, 'web-v2') === 'shop/web:v1',
    ],
    [
      'green-deployment',
      () => openKept(0, { speed }),
      { ...readinessInputs, 'min-duration': '60s' },
      (stage) => replicasOf(stage, 'web-2') === 4,
      (stage) => replicasOf(stage, 'web-2') === 0 && imageOf(stage, 'web-2') === 'shop/web:v0',
    ],
  ])('hears of it: %s', async ([, open, inputs, begun, isBack], { expect }) => {
    await using stage = await open();
    const running = stage.start(inputs);
    await stage.until('the release', () => begun(stage));
    running.kill('SIGSTOP');
    const aborting = stage.run(outside);
    await stage.until('the abort has put everything back', () => isBack(stage) && isComplete(stage.sandbox, 'web'));
    await stage.until('nothing is left to do', () => ['ending', 'none'].includes(phaseOf(stage)));
    const endsSinceMs = performance.now();
    await stage.until('the next look', () => phaseOf(stage) === 'none' || performance.now() - endsSinceMs > lookMs);
    running.kill('SIGCONT');
    const told = await running.done;
    expect(told.outputs, told.log.map(({ line }) => line).join('\n')).toMatchObject({ result: 'failed', reason: 'aborted' });
    const done = await aborting;
    expect(done.result, done.result.log.map(({ line }) => line).join('\n')).toMatchObject({
      code: 0,
      outputs: { result: 'rolled-back', reason: 'aborted' },
    });
    expect(stage.left()).toEqual([]);
  });
});
