import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionResult } from '../../runner/run-action.ts';
import { assertEnd, assertHolds, assertResult } from '../harness/assertions.ts';
import { differences, without } from '../harness/compare.ts';
import { type Baseline, type Expectation, managersOf } from '../harness/expectation.ts';
import { describeSeconds } from '../harness/results.ts';
import { scenario } from '../harness/scenario.ts';
import type { Scene } from '../harness/scene.ts';
import type { Deployment, KubernetesObject } from '../harness/shapes.ts';
import { rounds } from './rounds.ts';

const quick = { 'min-duration': '5s', 'max-error-increase': '1.25x + 2%' };
const strategies = [
  { strategy: 'canary', steps: '50%' },
  { strategy: 'rolling', steps: '' },
  { strategy: 'blue-green', steps: '' },
] as const;
const flips = { key: 'app', green: 'web-green' };
const configured = ['spec.template.spec.containers.0.env'];
const turnMs = 60_000;
const revisionHistoryLimit = 3;

interface Totals {
  requests: number;
  failed: number;
  readonly seconds: Record<string, number[]>;
}

scenario(
  `${rounds} promotions and ${rounds} rollbacks in turn`,
  {
    spec: { revisionHistoryLimit },
    timeoutMs: 2 * rounds * turnMs,
    expected: 'each time the right image, no failed request, nothing of ours left; at the end the Deployment as it was',
  },
  async (scene) => {
    const first = scene.baseline;
    const totals: Totals = { requests: 0, failed: 0, seconds: {} };
    for (let round = 0; round < rounds; round += 1) {
      const tag = ['v2', 'v3'][round % 2] ?? '';
      await takeTurn(scene, totals, 2 * round, `promotion ${round + 1}`, async (inputs) => {
        // A template that never was: each promotion makes a ReplicaSet of its own.
        assertResult(await noted(scene, totals, { ...inputs, tag, env: `ROUND=${round}` }), 'promoted');
        return { web: scene.image(tag) };
      });
      await takeTurn(scene, totals, 2 * round + 1, `rollback ${round + 1}`, async (inputs) => {
        assertEnd(await noted(scene, totals, { ...inputs, command: 'rollback' }), 0, 'rolled-back', 'rollback-done');
        return { web: scene.image('v1') };
      });
      await assertSpec(scene, first);
    }
    await assertNothingLeaked(scene, first);
    scene.failedRequests = totals.failed;
    scene.figures['requests'] = totals.requests;
    for (const [what, seconds] of Object.entries(totals.seconds)) Object.assign(scene.figures, describeSeconds(what, seconds));
  },
);

/** One release and its judgement, with a baseline of its own: what is left of it cannot hide behind what the next one leaves. */
async function takeTurn(
  scene: Scene,
  totals: Totals,
  turn: number,
  what: string,
  act: (inputs: Readonly<Record<string, string>>) => Promise<NonNullable<Expectation['images']>>,
): Promise<void> {
  const inputs = strategies[turn % strategies.length] ?? strategies[0];
  try {
    await scene.takeBaseline();
    const images = await act({ ...quick, ...inputs });
    const stats = await scene.load.settled();
    totals.requests += stats.sent;
    totals.failed += stats.failed;
    assertHolds(await scene.judge({ failures: 'none', images, configured, ...(inputs.strategy === 'blue-green' ? { flips } : {}) }));
  } catch (error) {
    throw new Error(`${what}, ${inputs.strategy}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function noted(scene: Scene, totals: Totals, inputs: Readonly<Record<string, string>>): Promise<ActionResult> {
  const run = await scene.release(inputs);
  const what = `${inputs['strategy']} ${inputs['command'] ?? 'promotion'}`;
  totals.seconds[what] = [...(totals.seconds[what] ?? []), (run.endedAtMs - run.startedAtMs) / 1000];
  return run;
}

/** Byte for byte what stood before the first promotion: a field that one of them leaks stays for ever. */
async function assertSpec(scene: Scene, first: Baseline): Promise<void> {
  const { spec } = await scene.api.get<Deployment>(scene.paths.deployment('web'));
  const found = differences((first.deployment as Deployment).spec, spec);
  if (found.length > 0) throw new Error(`after the rollback the spec is not as it was: ${found.join('; ')}`);
}

async function assertNothingLeaked(scene: Scene, first: Baseline): Promise<void> {
  // The controllers write these, and a rollback says why in its own words.
  const passing = [
    ['status'],
    ['metadata', 'resourceVersion'],
    ['metadata', 'generation'],
    ['metadata', 'managedFields'],
    ['metadata', 'annotations', 'deployment.kubernetes.io/revision'],
    ['metadata', 'annotations', 'kubernetes.io/change-cause'],
  ];
  await scene.takeBaseline();
  for (const [before, after] of [
    [first.deployment, scene.baseline.deployment],
    [first.service, scene.baseline.service],
  ] as const) {
    const found = differences(without(before, passing), without(after, passing));
    if (found.length > 0) throw new Error(`at the end it is not as it was: ${found.join('; ')}`);
    const added = [...managersOf(after)].filter((manager) => !managersOf(before).has(manager));
    if (added.length > 0) throw new Error(`field managers are left: ${added.join(', ')}`);
  }
  const left = [...scene.baseline.names].filter((name) => !first.names.has(name));
  if (left.length > 0) throw new Error(`objects are left: ${left.join(', ')}`);
  await assertHistory(scene);
}

/** The controller removes old ReplicaSets a moment after a rollout. */
async function assertHistory(scene: Scene): Promise<void> {
  const limit = revisionHistoryLimit + 1;
  const end = Date.now() + 10_000;
  for (;;) {
    const { length } = await scene.api.list<KubernetesObject>(scene.paths.replicaSets);
    scene.figures['ReplicaSets at the end'] = length;
    if (length <= limit) return;
    if (Date.now() > end) throw new Error(`${length} ReplicaSets are left, revisionHistoryLimit allows ${limit}`);
    await sleep(500);
  }
}
