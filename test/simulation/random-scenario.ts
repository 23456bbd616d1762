import type { ReleaseSpec } from '../../src/rollout/spec.ts';
import { type Dice, diceFrom } from './random.ts';
import {
  type Behaviour,
  calm,
  type Deed,
  type DeedKind,
  type Faults,
  good,
  type RunScript,
  run,
  type Scenario,
  type Span,
  shortSpec,
  waysToDie,
} from './scenario.ts';

const deedKinds: readonly [DeedKind, ...DeedKind[]] = [
  'image',
  'env',
  'replicas',
  'replicas',
  'pause',
  'unpause',
  'delete-stable',
  'delete-job',
  'orphan-job',
  'foreground-job',
  'unlabel',
  'evict-canary',
  'evict-stable',
];
const badFates: readonly [Behaviour['fate'], ...Behaviour['fate'][]] = [
  'crash',
  'crash-once',
  'never-ready',
  'fails-later',
  'flaps',
  'pull',
  'unschedulable',
];
/** Most of what happens happens within this time. */
const storyMs = 60_000;

/** The scenario of a seed: many are calm in most respects, so that what is unusual is seen alone as well as together. */
export function randomScenario(seed: number): Scenario {
  return visited(randomReleases(seed), seed);
}

/** Every third one is aborted or reconciled too, by dice of their own: the releases of a seed stay what they were. */
function visited(scenario: Scenario, seed: number): Scenario {
  const dice = diceFrom(seed ^ 0xc0de);
  if (!dice.chance(1 / 3)) return scenario;
  const command = dice.chance(0.5) ? 'abort' : 'reconcile';
  const startMs = dice.chance(0.7) ? dice.between(0, storyMs) : dice.between(storyMs, 6 * storyMs);
  const dies = dice.chance(0.3) ? { call: dice.whole(1, 25), way: dice.pick(waysToDie) } : undefined;
  const visit = run({ name: command, command, startMs, spec: shortSpec(), dies, post: dice.chance(0.5), lagMs: dice.between(0, 1_000) });
  return { ...scenario, runs: [...scenario.runs, visit] };
}

function randomReleases(seed: number): Scenario {
  const dice = diceFrom(seed);
  const replicas = dice.pick([1, 2, 3, 4, 4, 5, 8]);
  const first = randomRun(dice);
  const behaviours = { v1: good, v2: randomBehaviour(dice), v3: dice.chance(0.7) ? good : randomBehaviour(dice), v4: good, hotfix: good };
  return {
    seed,
    replicas,
    ...dice.pick([
      { maxSurge: 1, maxUnavailable: 0 },
      { maxSurge: 1, maxUnavailable: 1 },
      { maxSurge: 0, maxUnavailable: 1 },
      { maxSurge: 2, maxUnavailable: 0 },
    ]),
    progressDeadlineSeconds: dice.pick([15, 30, 600]),
    twoContainers: dice.chance(0.2),
    requestsPerSecond: dice.pick([50, 200, 1_000]),
    behaviours,
    faults: dice.chance(0.4) ? calm : randomFaults(dice),
    deeds: dice.chance(0.5) ? [] : randomDeeds(dice),
    runs: dice.chance(0.75) ? [first] : [first, secondRun(dice)],
    jobStartsAfterMs: dice.chance(0.02) ? undefined : dice.between(50, 1_500),
    aftermath: dice.chance(0.2),
  };
}

/** The story of a seed, told with another strategy, or with a bake after its canary. */
export function randomDirectScenario(seed: number): Scenario {
  const told = randomScenario(seed);
  const dice = diceFrom(seed ^ 0xd1ec7);
  const strategy = dice.pick(['rolling', 'rolling', 'recreate', 'canary'] as const);
  const bakeMs = strategy === 'canary' ? dice.pick([2_000, 15_000]) : dice.pick([0, 0, 15_000]);
  const runs = told.runs.map((script) => {
    const steps = strategy === 'canary' ? script.spec.steps : [];
    return { ...script, spec: { ...script.spec, strategy, steps, bakeMs } };
  });
  return { ...told, runs, recreates: strategy === 'recreate' };
}

function randomBehaviour(dice: Dice): Behaviour {
  const startMs: readonly [number, number] = dice.chance(0.2) ? [2_000, 12_000] : [300, 2_500];
  if (dice.chance(0.55)) return { ...good, startMs };
  if (dice.chance(0.1)) return { ...good, startMs, movesAtMs: dice.between(5_000, 40_000) };
  if (dice.chance(0.3)) return { ...good, startMs, errorRate: dice.pick([0.006, 0.03, 0.3]) };
  return { ...good, startMs, fate: dice.pick(badFates), goodMs: dice.between(1_000, 30_000) };
}

function randomFaults(dice: Dice): Faults {
  const rate = (): number => (dice.chance(0.5) ? 0 : dice.pick([0.01, 0.05, 0.2]));
  const spans = (probability: number, longestMs: number): readonly Span[] => {
    if (!dice.chance(probability)) return [];
    const fromMs = dice.between(0, storyMs);
    return [{ fromMs, toMs: fromMs + dice.between(1_000, longestMs) }];
  };
  return {
    fromMs: dice.chance(0.2) ? 0 : dice.between(500, storyMs / 2),
    readFails: rate(),
    lostBefore: rate(),
    lostAfter: rate(),
    late: dice.chance(0.2) ? rate() : 0,
    slow: rate(),
    refused: dice.chance(0.3) ? rate() : 0,
    partitions: spans(0.2, 90_000),
    policies: spans(0.1, 30_000),
    metricsOutages: spans(0.3, 90_000),
  };
}

function randomDeeds(dice: Dice): readonly Deed[] {
  return Array.from({ length: dice.whole(1, 3) }, () => {
    const kind = dice.pick(deedKinds);
    const deed = { atMs: dice.between(0, storyMs), kind };
    return kind === 'replicas' ? { ...deed, replicas: dice.pick([0, 1, 2, 6, 9]) } : deed;
  });
}

function randomRun(dice: Dice): RunScript {
  const dies = dice.chance(0.2) ? { call: dice.whole(1, 100), way: dice.pick(waysToDie) } : undefined;
  const cancelledAtMs = dice.chance(0.15) ? dice.between(0, storyMs) : undefined;
  const killedAtMs = cancelledAtMs !== undefined && dice.chance(0.5) ? cancelledAtMs + 10_000 : undefined;
  return run({
    spec: randomSpec(dice),
    dies,
    cancelledAtMs,
    killedAtMs,
    pauses: dice.chance(0.15)
      ? [{ atMs: dice.between(0, storyMs), ms: dice.pick([10_000, 60_000, 300_000, 3_600_000]), frozen: dice.chance(0.5) }]
      : [],
    post: dice.chance(0.5),
    lagMs: dice.between(0, 1_000),
  });
}

function secondRun(dice: Dice): RunScript {
  const startMs = dice.chance(0.2) ? 0 : dice.between(0, storyMs * 2);
  return run({ name: 'run-2', tag: 'v3', startMs, spec: randomSpec(dice), patience: dice.pick([0, 5, 30]), lagMs: dice.between(0, 1_000) });
}

function randomSpec(dice: Dice): ReleaseSpec {
  const steps = dice.pick([[50], [10, 50], [20, 33, 50], [25]]);
  return shortSpec({
    steps: steps.map((weightPercent) => ({ weightPercent, holdMs: dice.pick([1_000, 4_000, 10_000]) })),
    judgedBy: dice.chance(0.5) ? 'metrics' : 'readiness',
    maxErrorRate: dice.chance(0.2) ? 0.02 : undefined,
    timeoutMs: dice.pick([40_000, 120_000]),
    readyTimeoutMs: dice.pick([10_000, 30_000]),
    minDurationMs: dice.pick([3_000, 10_000, 20_000]),
    deadManMs: dice.pick([15_000, 30_000, 60_000, 240_000]),
    onInconclusive: dice.chance(0.2) ? 'promote' : 'rollback',
  });
}
