import { setTimeout as sleep } from 'node:timers/promises';
import { runScript } from './command.ts';
import type { Expectation } from './harness/expectation.ts';
import { runInside } from './harness/inside-network.ts';
import { kubectlOrThrow } from './harness/kubectl.ts';
import { deploymentManifest } from './harness/manifests.ts';
import { Scene } from './harness/scene.ts';

interface ByHand {
  readonly does: string;
  readonly expectation: Expectation;
  /** What the checker must say, each as the beginning of one of its problems. */
  readonly mustFind: readonly string[];
  readonly act: (scene: Scene) => Promise<void>;
}

const untouched: Expectation = { failures: 'none' };

/** Releases without the action. They prove the checker: it must fail on all but the good one, for the right reason. */
const releases: Readonly<Record<string, ByHand>> = {
  good: {
    does: 'kubectl set image to a good version',
    expectation: { failures: 'none', images: { web: 'sample:v2' } },
    mustFind: [],
    act: (scene) => setImage(scene, 'v2'),
  },
  bad: {
    does: 'a second Deployment of a bad version behind the Service, removed after 8 s',
    expectation: untouched,
    mustFind: ['clients: '],
    act: async (scene) => {
      await plant(scene, 'errors-half');
      await sleep(8_000);
      await scene.api.delete(scene.paths.deployment('web-by-hand'));
    },
  },
  forgotten: {
    does: 'the same with a good version, and nobody removes it',
    expectation: untouched,
    mustFind: ['I7: deployments/web-by-hand'],
    act: async (scene) => {
      await plant(scene, 'v2');
      await sleep(3_000);
    },
  },
  'set-image': {
    does: 'kubectl set image to a bad version that stays',
    expectation: untouched,
    mustFind: ['clients: ', 'I3: container web had image', 'I3: at the end image'],
    act: (scene) => setImage(scene, 'errors-half'),
  },
  'abrupt-end': {
    does: 'kubectl set image to a version that exits at once on SIGTERM, and back',
    expectation: { failures: 'none', images: {}, passing: { web: ['sample:exit-at-once-v1'] } },
    mustFind: ['clients: '],
    act: async (scene) => {
      await setImage(scene, 'exit-at-once-v1');
      await setImage(scene, 'v1');
    },
  },
  outage: {
    does: 'kubectl scale to 0 and back',
    expectation: untouched,
    mustFind: ['clients: ', 'I1: ', 'I2: Deployment /spec/replicas', 'I8: '],
    act: async (scene) => {
      await kubectlOrThrow(scene.target, ['scale', 'deploy/web', '--replicas=0', '-n', scene.namespace]);
      await sleep(3_000);
      await kubectlOrThrow(scene.target, ['scale', 'deploy/web', '--replicas=4', '-n', scene.namespace]);
      await sleep(3_000);
    },
  },
  traces: {
    does: 'a Job, a fence, another environment variable and a field manager are left',
    expectation: untouched,
    mustFind: [
      'I2: Deployment /spec/template/spec/containers/0/env',
      'I7: jobs/web-rollout',
      'I7: the fence',
      'I7: field manager',
      'ours: Job web-rollout is not owned',
    ],
    act: leaveTraces,
  },
};

async function setImage(scene: Scene, tag: string): Promise<void> {
  const where = ['-n', scene.namespace];
  await kubectlOrThrow(scene.target, ['set', 'image', 'deploy/web', `web=${scene.image(tag)}`, ...where]);
  await kubectlOrThrow(scene.target, ['rollout', 'status', 'deploy/web', '--timeout=60s', ...where]);
}

async function plant(scene: Scene, tag: string): Promise<void> {
  const container = { name: 'web', image: scene.image(tag), port: 8080 };
  const manifest = deploymentManifest({
    name: 'web-by-hand',
    containers: [container],
    replicas: 1,
    scrapeInterval: '2s',
    minReadySeconds: undefined,
    labelled: true,
  });
  const labels = { app: 'web', by: 'hand' };
  const whole = manifest as { spec: { selector: object; template: { metadata: object } } };
  whole.spec.selector = { matchLabels: labels };
  whole.spec.template.metadata = { ...whole.spec.template.metadata, labels };
  await scene.api.create(scene.paths.deployments, whole);
}

async function leaveTraces(scene: Scene): Promise<void> {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'sample:v1' }] } };
  await scene.api.create(scene.paths.jobs, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'web-rollout' },
    spec: { parallelism: 0, template },
  });
  const patch = [
    { op: 'add', path: '/metadata/labels/gated-rollout.github.io~1rollout', value: 'by-hand' },
    { op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'BY', value: 'hand' }] },
  ];
  await scene.api.patch(scene.paths.deployment('web'), 'json', patch, 'gated-rollout');
  await sleep(2_000);
}

async function prove(name: string, release: ByHand): Promise<boolean> {
  const scene = await Scene.create(`by hand ${name}`, {});
  try {
    await sleep(2_000);
    await release.act(scene);
    const { problems, clients } = await scene.judge(release.expectation);
    const exposure = await scene.exposure('errors-half');
    print(`\n${name}: ${release.does}\n  clients: ${clients}`);
    if (exposure !== undefined) {
      print(
        `  bad pods served for ${exposure.exposedSeconds ?? '?'} s, ${exposure.afterSecondScrapeSeconds ?? '?'} s after the second scrape with errors`,
      );
    }
    for (const problem of problems) print(`  - ${problem}`);
    const missed = release.mustFind.filter((start) => !problems.some((problem) => problem.startsWith(start)));
    const surplus = release.mustFind.length === 0 ? problems : [];
    for (const start of missed) print(`  MISSED by the checker: ${start}`);
    print(problems.length === 0 ? '  the checker passes it' : '  the checker fails it');
    provedVerdicts.set(name, problems.length === 0);
    return missed.length === 0 && surplus.length === 0;
  } finally {
    await scene.remove();
  }
}

const provedVerdicts = new Map<string, boolean>();

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const [name] = process.argv.slice(2);
  if (process.env['INSIDE'] === undefined) {
    process.exitCode = await runInside([import.meta.filename, ...process.argv.slice(2)], { INSIDE: '1' });
    return;
  }
  if (name !== undefined) {
    const release = releases[name];
    if (release === undefined) throw new Error(`by-hand.ts [${Object.keys(releases).join(' | ')}]`);
    await prove(name, release);
    // One release alone: the exit code is the checker's verdict on it.
    process.exitCode = provedVerdicts.get(name) === true ? 0 : 1;
    return;
  }
  const proved: boolean[] = [];
  for (const [key, release] of Object.entries(releases)) proved.push(await prove(key, release));
  const right = proved.filter(Boolean).length;
  print(`\nthe checker judged ${right} of ${proved.length} releases by hand rightly`);
  process.exitCode = right === proved.length ? 0 : 1;
}

await runScript(main);
