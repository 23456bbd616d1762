import type { ReleaseSpec } from '../../src/rollout/spec.ts';
import { type Behaviour, good, type RunScript, run, type Scenario, scenario, shortSpec } from './scenario.ts';

type Story = { readonly scenario: Scenario; readonly ends: string };

/** Short runs of rolling, recreate, and a canary with a bake, and how each of them ends when nothing happens to it. */
export function directStories(base: Scenario, canary: ReleaseSpec, quick: Behaviour): Readonly<Record<string, Story>> {
  const rolling = { ...canary, strategy: 'rolling', steps: [] } as const;
  const recreate = { ...canary, strategy: 'recreate', steps: [] } as const;
  const told = (spec: ReleaseSpec, v2: Behaviour = quick, script: Partial<RunScript> = {}): Scenario => ({
    ...base,
    recreates: spec.strategy === 'recreate',
    behaviours: { ...base.behaviours, v2 },
    runs: [run({ spec, ...script })],
  });
  const crashing: Behaviour = { ...quick, fate: 'crash' };
  const failing: Behaviour = { ...quick, fate: 'fails-later', goodMs: 9_000 };
  const missing: Behaviour = { ...quick, fate: 'pull' };
  return {
    rolling: { scenario: told(rolling), ends: 'promoted gates-passed' },
    'rolling, bad': { scenario: told(rolling, crashing), ends: 'rolled-back crash' },
    'rolling, cancelled': { scenario: told(rolling, quick, { cancelledAtMs: 3_500 }), ends: 'rolled-back cancelled' },
    recreate: { scenario: told(recreate), ends: 'promoted gates-passed' },
    'recreate, bad': { scenario: told(recreate, missing), ends: 'rolled-back image-pull' },
    'canary with a bake that fails': {
      scenario: told({ ...canary, bakeMs: 20_000 }, failing),
      ends: 'rolled-back not-ready',
    },
  };
}

const rolling = shortSpec({ strategy: 'rolling', steps: [], minDurationMs: 20_000 });
const metrics = { ...rolling, judgedBy: 'metrics' } as const;
const bad: Behaviour = { ...good, errorRate: 0.3 };
const behaviours = scenario().behaviours;

export const directHandmade: readonly { readonly name: string; readonly scenario: Scenario }[] = [
  { name: 'undisturbed: rolling by readiness', scenario: scenario({ runs: [run({ spec: rolling })] }) },
  { name: 'undisturbed: rolling with a bake', scenario: scenario({ runs: [run({ spec: { ...rolling, bakeMs: 40_000 } })] }) },
  {
    name: 'undisturbed: rolling by metrics',
    scenario: scenario({ replicas: 8, runs: [run({ spec: metrics })], requestsPerSecond: 1_000 }),
  },
  {
    name: 'undisturbed: rolling, errors',
    scenario: scenario({ replicas: 8, behaviours: { ...behaviours, v2: bad }, runs: [run({ spec: metrics })], requestsPerSecond: 1_000 }),
  },
  {
    name: 'undisturbed: rolling slowly, errors beside the old pods',
    scenario: scenario({
      replicas: 8,
      behaviours: { ...behaviours, v2: { ...bad, startMs: [6_000, 8_000] } },
      runs: [run({ spec: metrics })],
      requestsPerSecond: 1_000,
    }),
  },
  {
    name: 'undisturbed: rolling, twice the errors of stable and more',
    scenario: scenario({
      behaviours: { ...behaviours, v2: { ...good, errorRate: 0.03 } },
      runs: [run({ spec: metrics })],
      requestsPerSecond: 1_000,
    }),
  },
  {
    name: 'undisturbed: rolling without traffic for a verdict',
    scenario: scenario({ runs: [run({ spec: { ...metrics, timeoutMs: 100_000, onInconclusive: 'promote' } })], requestsPerSecond: 1 }),
  },
  {
    name: 'undisturbed: rolling, pods that flap',
    scenario: scenario({
      behaviours: { ...behaviours, v2: { ...good, fate: 'flaps', goodMs: 6_000 } },
      runs: [run({ spec: rolling })],
    }),
  },
  {
    name: 'undisturbed: recreate by metrics',
    scenario: scenario({ recreates: true, runs: [run({ spec: { ...metrics, strategy: 'recreate' } })], requestsPerSecond: 1_000 }),
  },
  {
    name: 'undisturbed: canary without a verdict, then a bake with one',
    scenario: scenario({
      runs: [run({ spec: shortSpec({ judgedBy: 'metrics', onInconclusive: 'promote', timeoutMs: 45_000, bakeMs: 10_000 }) })],
      requestsPerSecond: 25,
    }),
  },
  { name: 'undisturbed: canary with a bake', scenario: scenario({ runs: [run({ spec: shortSpec({ bakeMs: 30_000 }) })] }) },
];
