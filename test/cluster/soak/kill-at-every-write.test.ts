import type { ActionResult } from '../../runner/run-action.ts';
import { assertHolds, assertResult } from '../harness/assertions.ts';
import { Interceptor, type Moment } from '../harness/interceptor.ts';
import { readAccess } from '../harness/kubeconfig.ts';
import { scenario } from '../harness/scenario.ts';
import type { Scene } from '../harness/scene.ts';
import type { Deployment, Job } from '../harness/shapes.ts';
import { makeStale } from '../harness/stale-record.ts';
import { newest } from '../harness/timeline.ts';

const moments = ['before', 'after'] as const;
const repairs = ['post', 'reconcile', 'next run'] as const;
type Repair = (typeof repairs)[number];

const tags = ['v1', 'v2', 'v3'] as const;
const quick = { prometheus: '', metrics: 'none', steps: '', 'min-duration': '2s', 'dead-man': '15s' };
/** More than the writes of a whole release. */
const writesMax = 40;
/** A Job that is the record lives for an hour; before that, for its dead-man. */
const recordSeconds = 300;

for (const strategy of ['rolling', 'blue-green'] as const) {
  const flips = strategy === 'blue-green' ? { flips: { key: 'app', green: 'web-green' } } : {};
  scenario(
    `${strategy}, kill -9 before and after each write, then post, reconcile or the next run`,
    { expected: 'all old or all new, nothing of ours left, no failed request, each time', timeoutMs: 4 * 3_600_000 },
    async (scene) => {
      const interceptor = new Interceptor(readAccess(scene.target));
      await interceptor.start();
      let rounds = 0;
      try {
        for (let index = 0; ; index += 1) {
          if (index === writesMax) throw new Error(`more than ${writesMax} writes`);
          let isOver = false;
          for (const [moment, repair] of chosen(index)) {
            const where = `${moment} write ${index}, then ${repair}`;
            await scene.takeBaseline();
            const { killed, other } = await kill(scene, interceptor, { ...quick, strategy }, index, moment, repair);
            isOver = !killed;
            if (killed) await repaired(scene, { ...quick, strategy }, repair, other, where);
            const standing = await whole(scene, where);
            const passing = { web: tags.map((tag) => scene.image(tag)) };
            const judgement = await scene.judge({ failures: 'none', images: { web: standing }, passing, ...flips });
            if (judgement.problems.length > 0) throw new Error(`${where}: ${judgement.problems.join('\n')}`);
            assertHolds(judgement);
            if (killed) rounds += 1;
            if (isOver) break;
          }
          if (isOver) break;
        }
      } finally {
        scene.figures['kills'] = rounds;
        await interceptor.stop();
      }
    },
  );
}

/** Both moments of each write, with the repairs by turns; with ALL=1 each with each. */
function chosen(index: number): readonly (readonly [Moment, Repair])[] {
  if (process.env['ALL'] === '1') return moments.flatMap((moment) => repairs.map((repair) => [moment, repair] as const));
  return moments.map((moment, at) => [moment, repairs[(2 * index + at) % repairs.length] ?? 'post'] as const);
}

/** Releases one of the two tags that do not stand; `other` is the third one. */
async function kill(
  scene: Scene,
  interceptor: Interceptor,
  inputs: Readonly<Record<string, string>>,
  index: number,
  moment: Moment,
  repair: Repair,
): Promise<{ readonly killed: boolean; readonly other: string }> {
  const now = imageOfWeb(newest(scene.watcher.history.deployments, 'web'));
  const [tag = 'v2', other = 'v3'] = tags.filter((one) => scene.image(one) !== now);
  const given = { ...inputs, tag, kubeconfig: interceptor.kubeconfig() };
  const running = scene.start(given, { skipPost: repair !== 'post' });
  interceptor.set(index, moment, () => running.kill('SIGKILL'));
  const run = await running.done;
  interceptor.clear();
  if (run.signal === 'SIGKILL') return { killed: true, other };
  assertResult(run, 'promoted');
  return { killed: false, other };
}

async function repaired(scene: Scene, inputs: Readonly<Record<string, string>>, repair: Repair, tag: string, where: string): Promise<void> {
  if (repair === 'post') return;
  await age(scene);
  const run = await scene.release(repair === 'reconcile' ? { command: 'reconcile', steps: '', prometheus: '' } : { ...inputs, tag });
  const result = run.outputs['result'] ?? '';
  const wanted = repair === 'reconcile' ? 'done' : 'promoted';
  if (result !== wanted || run.code !== 0) throw new Error(`${where}: ${result}, exit code ${run.code}\n${lastLines(run)}`);
}

/** Four minutes without a heartbeat: a record is aged, anything else falls to its dead-man. */
async function age(scene: Scene): Promise<void> {
  const job = await scene.api.find<Job>(scene.paths.job('web-rollout'));
  if (job === undefined) return;
  if ((job.spec.activeDeadlineSeconds ?? 0) > recordSeconds) {
    await makeStale(scene);
    return;
  }
  await scene.watcher.until('the dead-man to act', 60_000, (history) => newest(history.jobs, 'web-rollout') === undefined);
}

async function whole(scene: Scene, where: string): Promise<string> {
  await scene.watcher.until(`web to be whole (${where})`, 60_000, (history) => isWhole(newest(history.deployments, 'web')));
  return imageOfWeb(newest(scene.watcher.history.deployments, 'web')) ?? '';
}

function lastLines(run: ActionResult): string {
  return run.log
    .slice(-15)
    .map(({ line }) => line)
    .join('\n');
}

function imageOfWeb(web: Deployment | undefined): string | undefined {
  return web?.spec.template.spec.containers[0]?.image;
}

function isWhole(web: Deployment | undefined): boolean {
  if (web?.status?.observedGeneration !== web?.metadata.generation) return false;
  const { replicas, updatedReplicas, availableReplicas } = web?.status ?? {};
  return [replicas, updatedReplicas, availableReplicas].every((count) => count === web?.spec.replicas);
}
