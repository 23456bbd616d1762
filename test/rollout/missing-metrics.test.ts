import { describe, expect, it } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import { startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { type MetricsRules, rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import type { BlueGreenFacts, Observation, ServiceFacts, StableFacts } from '../../src/rollout/observation.ts';
import type { PairPlan } from '../../src/rollout/plan/pair-plan.ts';
import { planPairSteps } from '../../src/rollout/plan/pair-share.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import { planSteps } from '../../src/rollout/plan/replica-share.ts';
import type { Phase, RolloutState } from '../../src/rollout/state.ts';
import { jobUid, nowMs, observation, plan, spec, stable, state, workload } from './scene.ts';

const steps = [{ weightPercent: 50, holdMs: 0 }];
const judged = spec({ judgedBy: 'metrics', steps, bakeMs: 10_000, timeoutMs: 100_000 });
const rules = rulesFor({ compare: true, spec: judged });
if (rules === undefined) throw new Error('no rules');

const withRate = rulesFor({ compare: true, spec: { ...judged, maxErrorRate: 0.01 } });

/** Of requests of just now, with all the evidence that a pass needs. */
const enough = (silent: readonly string[], by: MetricsRules): RolloutState['evidence'] => {
  const fresh = startEvidence(by);
  const limits = fresh.limits.map((limit) => ({ ...limit, within: { ...limit.within, logE: 10 } }));
  return { ...fresh, limits, canaryMovedAtMs: nowMs, stableMovedAtMs: nowMs, silent };
};

const fresh = (replicas: number, uid: string): StableFacts => stable({ ...workload(replicas, { uid }), images: { app: 'app:v2' } });
const flipped: ServiceFacts = { name: 'web', colour: 'green', rollout: jobUid, owned: true, terminating: false };
const serving: BlueGreenFacts = {
  green: { ...workload(4, { uid: 'green-1' }), owned: false },
  preview: { rollout: jobUid, terminating: false },
  services: [flipped],
};
const pairPlan: PairPlan = {
  name: 'web-v2',
  uid: 'web-v2-1',
  images: [{ container: 'app', index: 0, from: 'app:v0', to: 'app:v2' }],
  templateHash: 'hash-1',
  found: { old: 4, new: 0 },
  total: 4,
  minAvailable: 3,
  maxTotal: 5,
  fences: { old: undefined, new: undefined },
};

type Case = readonly [name: string, phase: Phase, plan: Partial<Plan>, seen: Partial<Observation>, passes: string];
const sinceMs = nowMs - 90_000;
const wished = [{ old: 2, new: 2 }];
const before = { errors: 0, requests: 10_000 };
const cases: readonly Case[] = [
  ['a step', { kind: 'step', index: 0, sinceMs }, { steps: planSteps(steps, 4, false) }, { canary: workload(4) }, 'promoting'],
  [
    'a share of a pair',
    { kind: 'pair-step', index: 0, sinceMs, wished, by: 'run-1' },
    { pair: pairPlan, steps: planPairSteps(steps, 4) },
    { stable: stable({ ...workload(2, { uid: 'web-1' }), minAvailable: 2 }), pair: fresh(2, 'web-v2-1') },
    'pair-finishing',
  ],
  ['a bake', { kind: 'baking', sinceMs, proved: true, because: '', judged: [] }, {}, { stable: fresh(4, 'web-1') }, 'ending'],
  [
    'a bake of rolling',
    { kind: 'baking', sinceMs, proved: true, because: '', judged: [] },
    { spec: { ...judged, strategy: 'rolling' } },
    { stable: fresh(4, 'web-1') },
    'ending',
  ],
  [
    'green before any user reaches it',
    { kind: 'green', sinceMs },
    { spec: { ...judged, strategy: 'blue-green', maxErrorRate: 0.01 }, rules: withRate },
    { blueGreen: { ...serving, services: [{ ...flipped, colour: 'blue', rollout: undefined }] } },
    'flipping',
  ],
  [
    'green under real traffic',
    { kind: 'live', sinceMs, judged: [] },
    { spec: { ...judged, strategy: 'blue-green' } },
    { blueGreen: serving },
    'updating',
  ],
  [
    'the user’s green under real traffic',
    { kind: 'live', sinceMs, judged: [] },
    { spec: { ...judged, strategy: 'blue-green' }, pair: { ...pairPlan, found: { old: 4, new: 4 } } },
    { blueGreen: { ...serving, green: undefined }, pair: fresh(4, 'web-v2-1') },
    'exchanging',
  ],
];

describe('a ready pod of the new version whose metrics are missing', () => {
  const decided = ([, phase, changes, seen]: Case, silent: readonly string[], more: Partial<RolloutState> = {}) => {
    const steady = { replicas: 4, availableSinceMs: sinceMs, missingSinceMs: undefined, wasAvailable: true };
    const now = state(phase, {
      steadiness: { ...steady, replicas: seen.pair?.replicas ?? 4 },
      servingSinceMs: sinceMs,
      unbrokenSinceMs: sinceMs,
      evidence: enough(silent, changes.rules ?? rules),
      ...(phase.kind === 'baking' || phase.kind === 'live' ? { before } : {}),
      ...more,
    });
    return decide(plan({ spec: judged, rules, ...changes }), now, observation(seen));
  };

  it.each(cases)('%s waits for them, and passes with them', (...one) => {
    for (const silent of [[], ['gone']]) {
      const passed = decided(one, silent);
      expect(passed.kind === 'advance' ? passed.to.phase.kind : passed).toBe(one[4]);
    }
    const held = decided(one, ['pod-1']);
    expect(held).toMatchObject({ kind: 'wait', because: expect.stringMatching(/1 of \d .* metrics: pod-1/u) });
  });

  it.each(cases)('%s does not wait for ever', (...one) => {
    const [name, phase, ...rest] = one;
    const late: Phase = { ...phase, sinceMs: nowMs - 500_000 };
    const over = decided([name, late, ...rest], ['pod-1'], { startedAtMs: nowMs - 500_000 });
    expect(over).toMatchObject({
      kind: 'advance',
      to: { phase: { outcome: { result: 'inconclusive', reason: 'metrics-unavailable', because: expect.stringContaining('pod-1') } } },
    });
  });
});
