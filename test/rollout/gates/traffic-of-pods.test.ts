import { describe, expect, it } from 'vitest';
import { trafficShare } from '../../../src/rollout/absorb.ts';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import type { MetricsReading, Observation, PodCounters, StableFacts } from '../../../src/rollout/observation.ts';
import type { PairPlan } from '../../../src/rollout/plan/pair-plan.ts';
import type { PairCounts } from '../../../src/rollout/plan/pair-share.ts';
import type { Plan } from '../../../src/rollout/plan/plan.ts';
import type { Phase } from '../../../src/rollout/state.ts';
import { nowMs, observation, plan, pod, spec, stable, state, workload } from '../scene.ts';

const judged = spec({ judgedBy: 'metrics', minTraffic: 0.5 });
const rules = rulesFor({ compare: true, spec: judged });
const pairPlan: PairPlan = {
  name: 'web-v2',
  uid: 'web-v2-1',
  images: [{ container: 'app', index: 0, from: 'app:v0', to: 'app:v2' }],
  templateHash: 'hash-1',
  found: { old: 10, new: 0 },
  total: 10,
  minAvailable: 8,
  maxTotal: 13,
  fences: { old: undefined, new: undefined },
};
const counters = (prefix: string, count: number): PodCounters =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, { errors: 0, requests: 1 }]));
const reading = (canary: number, stablePods: number): MetricsReading => ({
  canary: counters('pod', canary),
  stable: counters('s', stablePods),
});
const old = (replicas: number, changes: Partial<StableFacts> = {}): StableFacts =>
  stable({ ...workload(replicas, { uid: 'web-1' }), ...changes });
const fresh = (replicas: number, changes: Partial<StableFacts> = {}): StableFacts =>
  stable({ ...workload(replicas, { uid: 'web-v2-1' }), images: { app: 'app:v2' }, ...changes });

const share = (changes: Partial<Plan>, phase: Phase, seen: Partial<Observation>, read: MetricsReading) =>
  trafficShare(plan({ spec: judged, rules, ...changes }), state(phase), observation(seen), read);

describe('the share of the requests that the new version should answer', () => {
  const step: Phase = { kind: 'step', index: 0, sinceMs: nowMs };
  const notReady = { pods: [pod({ name: 'pod-0' }), pod({ name: 'pod-1', ready: false })] };

  it.each<[string, Partial<Plan>, Phase, Partial<Observation>, MetricsReading, number | undefined]>([
    ['of a canary', {}, step, { canary: workload(1) }, reading(1, 4), 1 / 5],
    ['of those of its pods that are ready', {}, step, { canary: workload(2, notReady) }, reading(2, 4), 1 / 5],
    ['of those that are in the metrics', {}, step, { canary: workload(4) }, reading(1, 4), 1 / 5],
    ['of none that is', {}, step, { canary: workload(4) }, reading(0, 4), undefined],
    ['without stable', {}, step, { canary: workload(4) }, reading(4, 0), undefined],
    ['not asked for', { rules: rulesFor({ compare: true, spec: spec() }) }, step, { canary: workload(1) }, reading(1, 4), undefined],
    [
      'of what has all of the traffic',
      {},
      { kind: 'baking', sinceMs: nowMs, proved: true, because: '', judged: [] },
      { canary: workload(1) },
      reading(1, 4),
      undefined,
    ],
  ])('%s', (_, changes, phase, seen, read, expected) => expect(share(changes, phase, seen, read)).toBe(expected));

  const wish: readonly PairCounts[] = [
    { old: 8, new: 2 },
    { old: 7, new: 3 },
  ];
  const shared: Phase = { kind: 'pair-step', index: 0, sinceMs: nowMs, wished: wish, by: 'run-1' };
  const finishing: Phase = { kind: 'pair-finishing', sinceMs: nowMs, wished: wish, proved: true, because: '' };

  it.each<[string, Phase, StableFacts | undefined, StableFacts | undefined, MetricsReading, number | undefined]>([
    ['is that of its replicas', shared, old(7), fresh(3), reading(3, 7), 3 / 10],
    ['on the way to all of them too', finishing, old(7), fresh(3), reading(3, 7), 3 / 10],
    ['counts as many stable pods as are read', shared, old(7), fresh(3), reading(3, 5), 3 / 8],
    ['is not known while the first is scaled', shared, old(8), fresh(3), reading(3, 8), undefined],
    ['is not known while the second is scaled', shared, old(7), fresh(2), reading(2, 7), undefined],
    ['is not known before the controller has seen it', shared, old(7, { settled: false }), fresh(3), reading(3, 7), undefined],
    ['is not known while pods of the first start', shared, old(7, { availableReplicas: 6 }), fresh(3), reading(3, 7), undefined],
    ['is not known while pods of the first go', shared, old(7, { replicas: 8 }), fresh(3), reading(3, 8), undefined],
    ['is not known while pods of the second start', shared, old(7), fresh(3, { availableReplicas: 2 }), reading(3, 7), undefined],
    ['is not known while pods of the second are replaced', shared, old(7), fresh(3, { updatedReplicas: 2 }), reading(3, 7), undefined],
    ['is not known without the second', shared, old(7), undefined, reading(3, 7), undefined],
    ['is not known without the first', shared, undefined, fresh(3), reading(3, 7), undefined],
  ])('of a pair %s', (_, phase, first, second, read, expected) =>
    expect(share({ pair: pairPlan }, phase, { stable: first, pair: second }, read)).toBe(expected),
  );
});
