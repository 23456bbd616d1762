import { assertHolds, assertResult } from '../harness/assertions.ts';
import { describeSeconds } from '../harness/results.ts';
import { scenario } from '../harness/scenario.ts';
import type { Scene } from '../harness/scene.ts';
import { rounds } from './rounds.ts';

const errorRate = 0.005;
const tags = ['errors-05pct', 'errors-05pct-b'] as const;
/** Steps, limits and times are the defaults of the action. */
const asByDefault = { steps: '', 'min-duration': '', 'ready-timeout': '', timeout: '' };
const releaseMs = 300_000;

/** Releases of a version that is exactly as good as the stable one, at the error rate of an ordinary service: each conviction is a false alarm. */
export function falseAlarms(source: string, inputs: Readonly<Record<string, string>>): void {
  const releases = Math.ceil(rounds / 2);
  scenario(
    `${releases} releases of a good image at 0.5 % errors, ${source}`,
    {
      image: tags[0],
      timeoutMs: releases * releaseMs,
      expected: 'each one promoted: no false alarm; clients see the 0.5 % of both versions',
    },
    async (scene) => {
      const seen = { sent: 0, failed: 0, seconds: [] as number[] };
      for (let release = 1; release <= releases; release += 1) await releaseOnce(scene, inputs, tags[release % 2] ?? '', seen);
      const share = seen.failed / seen.sent;
      scene.failedRequests = seen.failed;
      scene.figures['releases promoted'] = seen.seconds.length;
      Object.assign(scene.figures, describeSeconds('release', seen.seconds));
      scene.figures['requests'] = seen.sent;
      scene.figures['failed share in %'] = Number((100 * share).toFixed(3));
      // Four standard deviations of as many independent requests.
      const chance = 4 * Math.sqrt((errorRate * (1 - errorRate)) / seen.sent);
      if (Math.abs(share - errorRate) > chance) throw new Error(`clients saw ${seen.failed} of ${seen.sent} requests fail`);
    },
  );
}

async function releaseOnce(
  scene: Scene,
  inputs: Readonly<Record<string, string>>,
  tag: string,
  seen: { sent: number; failed: number; readonly seconds: number[] },
): Promise<void> {
  await scene.takeBaseline();
  const run = await scene.release({ ...asByDefault, ...inputs, tag });
  assertResult(run, 'promoted', /^gates-passed$/u);
  seen.seconds.push((run.endedAtMs - run.startedAtMs) / 1000);
  const stats = await scene.load.settled();
  seen.sent += stats.sent;
  seen.failed += stats.failed;
  assertHolds(await scene.judge({ failures: { answersOf: tags }, images: { web: scene.image(tag) } }));
}
