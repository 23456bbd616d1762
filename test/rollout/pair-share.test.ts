import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nextPairCounts,
  type PairBounds,
  type PairCounts,
  pairCountsFor,
  pairReplicasFor,
  planPairSteps,
} from '../../src/rollout/plan/pair-share.ts';

const totals = fc.integer({ min: 1, max: 200 });
const weights = fc.oneof(
  fc.integer({ min: 1, max: 99 }),
  fc.integer({ min: 2, max: 198 }).map((half) => half / 2),
);

describe('pairReplicasFor', () => {
  it.each([
    [2, 75, 1],
    [5, 90, 4],
    [10, 95, 9],
    [25, 98, 24],
    [50, 99, 49],
  ])('the ties at which Argo Rollouts scales the canary to zero: %i pods at %f %% are %i', (total, weight, expected) => {
    expect(pairReplicasFor(total, weight)).toBe(expected);
  });

  it.each([
    [10, 10, 1],
    [10, 50, 5],
    [10, 25, 3],
    [10, 5, 1],
    [10, 1, 1],
    [10, 99, 9],
    [4, 10, 1],
    [3, 50, 2],
    [1, 10, 1],
    [7, 100, 7],
    [7, 0, 0],
  ])('%i pods at %f %% are %i', (total, weight, expected) => {
    expect(pairReplicasFor(total, weight)).toBe(expected);
  });

  it('is the nearest share, ties up, never none and never all', () => {
    fc.assert(
      fc.property(totals, weights, (total, weight) => {
        const count = pairReplicasFor(total, weight);
        expect(Number.isInteger(count)).toBe(true);
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(Math.max(1, total - 1));
        const distance = (other: number) => Math.abs(other * 100 - weight * total);
        for (let other = 1; other < total; other += 1) {
          expect(distance(count)).toBeLessThanOrEqual(distance(other) + 1e-9);
          if (distance(other) === distance(count)) expect(count).toBeGreaterThanOrEqual(other);
        }
      }),
    );
  });

  it('grows with the share', () => {
    fc.assert(
      fc.property(totals, weights, weights, (total, a, b) => {
        expect(pairReplicasFor(total, Math.min(a, b))).toBeLessThanOrEqual(pairReplicasFor(total, Math.max(a, b)));
      }),
    );
  });

  it('keeps the total, but for one pod, which is honest about its share', () => {
    fc.assert(
      fc.property(totals, weights, (total, weight) => {
        const counts = pairCountsFor(total, weight);
        expect(counts.old + counts.new).toBe(total === 1 ? 2 : total);
      }),
    );
    expect(planPairSteps([{ weightPercent: 10, holdMs: undefined }], 1)[0]).toMatchObject({ canaryReplicas: 1, sharePercent: 50 });
  });
});

describe('planPairSteps', () => {
  it('merges what comes to the same pods, and leaves 100 % to the end', () => {
    const steps = [10, 20, 50, 75, 100].map((weightPercent) => ({ weightPercent, holdMs: undefined }));
    expect(planPairSteps(steps, 4)).toEqual([
      { weightPercent: 20, canaryReplicas: 1, sharePercent: 25, holdMs: 60_000, mergedPercents: [10] },
      { weightPercent: 50, canaryReplicas: 2, sharePercent: 50, holdMs: 30_000, mergedPercents: [] },
      { weightPercent: 75, canaryReplicas: 3, sharePercent: 75, holdMs: 0, mergedPercents: [] },
    ]);
  });
});

describe('nextPairCounts', () => {
  const bounds = (changes: Partial<PairBounds> = {}): PairBounds => ({ minAvailable: 8, maxTotal: 12, ...changes });
  const both = (old: number, fresh: number): PairCounts => ({ old, new: fresh });

  it.each([
    ['up before down', both(10, 0), both(10, 0), both(9, 1), bounds(), both(10, 1)],
    ['not down before it serves', both(10, 1), both(10, 0), both(9, 1), bounds({ minAvailable: 10 }), undefined],
    ['down once it serves', both(10, 1), both(10, 1), both(9, 1), bounds(), both(9, 1)],
    ['no more at once than the surge', both(10, 0), both(10, 0), both(0, 10), bounds(), both(10, 2)],
    ['on, with the room of those that went', both(8, 2), both(8, 2), both(0, 10), bounds(), both(8, 4)],
    ['nothing left to do', both(0, 10), both(0, 10), both(0, 10), bounds(), undefined],
    ['back: all at once', both(1, 9), both(1, 9), both(10, 0), bounds({ maxTotal: 20 }), both(10, 9)],
    ['back: goes as far as the old ones carry', both(10, 9), both(5, 9), both(10, 0), bounds({ maxTotal: 20 }), both(10, 3)],
    ['back: waits for the first', both(10, 9), both(1, 7), both(10, 0), bounds({ maxTotal: 20 }), both(10, 7)],
    ['back: waits', both(10, 7), both(1, 7), both(10, 0), bounds({ maxTotal: 20 }), undefined],
  ])('%s', (_name, now, available, target, limits, expected) => {
    expect(nextPairCounts(now, available, target, limits)).toEqual(expected);
  });

  it('from any share to any other: never too few, never too many, and it arrives', () => {
    const surges = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        totals,
        weights,
        fc.oneof(weights, fc.constantFrom(0, 100)),
        surges,
        fc.nat(100),
        (total, from, to, surge, unavailable) => {
          const minAvailable = Math.max(1, total - Math.floor((total * Math.min(unavailable, 99)) / 100));
          const limits = { minAvailable, maxTotal: total + surge };
          const target = pairCountsFor(total, to);
          let now = pairCountsFor(total, from);
          for (let turn = 0; now.old !== target.old || now.new !== target.new; turn += 1) {
            expect(turn).toBeLessThan(4 * total + 4);
            // Every pod that was asked for is available by now.
            const next = nextPairCounts(now, now, target, limits);
            if (next === undefined) throw new Error(`stuck at ${now.old}:${now.new}`);
            expect(Number(next.old !== now.old) + Number(next.new !== now.new)).toBe(1);
            expect(next.old + next.new).toBeLessThanOrEqual(total + surge);
            expect(next.old + next.new).toBeGreaterThanOrEqual(minAvailable);
            // A pod that was just asked for is not available yet: the others must do.
            expect(Math.min(next.old, now.old) + Math.min(next.new, now.new)).toBeGreaterThanOrEqual(minAvailable);
            now = next;
          }
        },
      ),
    );
  });

  it('whatever is available, takes no pod that is needed', () => {
    const counts = fc.record({ old: fc.nat(60), new: fc.nat(60) });
    fc.assert(
      fc.property(
        counts,
        counts,
        counts,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 130 }),
        (now, up, target, minAvailable, maxTotal) => {
          const available = { old: Math.min(now.old, up.old), new: Math.min(now.new, up.new) };
          const next = nextPairCounts(now, available, target, { minAvailable, maxTotal });
          if (next === undefined) return;
          const before = available.old + available.new;
          const after = Math.min(available.old, next.old) + Math.min(available.new, next.new);
          expect(after).toBeGreaterThanOrEqual(Math.min(before, minAvailable));
        },
      ),
    );
  });
});
