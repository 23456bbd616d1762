import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canaryReplicasFor, planSteps, sharePercentOf } from '../../src/rollout/plan/replica-share.ts';

describe('canaryReplicasFor', () => {
  it.each([
    { replicas: 10, percent: 10, pods: 1 },
    { replicas: 3, percent: 10, pods: 1 },
    { replicas: 4, percent: 20, pods: 1 },
    { replicas: 4, percent: 50, pods: 4 },
    { replicas: 1, percent: 50, pods: 1 },
    { replicas: 100, percent: 25, pods: 33 },
    { replicas: 9, percent: 10, pods: 1 },
    { replicas: 2, percent: 1, pods: 1 },
  ])('$percent % of $replicas replicas is $pods', ({ replicas, percent, pods }) => {
    expect(canaryReplicasFor(replicas, percent, false)).toBe(pods);
  });

  it('stays at half of the replicas under a disruption budget', () => {
    expect(canaryReplicasFor(4, 50, true)).toBe(2);
    expect(canaryReplicasFor(1, 50, true)).toBe(1);
  });

  it('is never 0, never more than stable, and never falls when the share or the replicas grow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 50 }), fc.boolean(), (replicas, percent, half) => {
        const pods = canaryReplicasFor(replicas, percent, half);
        expect(pods).toBeGreaterThanOrEqual(1);
        expect(pods).toBeLessThanOrEqual(replicas);
        if (percent < 50) expect(canaryReplicasFor(replicas, percent + 1, half)).toBeGreaterThanOrEqual(pods);
        expect(canaryReplicasFor(replicas + 1, percent, half)).toBeGreaterThanOrEqual(pods);
      }),
    );
  });

  it('gives the nearest share that whole pods can give', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 50 }), (replicas, percent) => {
        const pods = canaryReplicasFor(replicas, percent, false);
        const wanted = (replicas * percent) / (100 - percent);
        if (wanted >= 1) expect(Math.abs(pods - wanted)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(sharePercentOf(pods, replicas)).toBeLessThanOrEqual(50);
      }),
    );
  });
});

describe('planSteps', () => {
  it('merges steps of the same number of pods, and adds their times', () => {
    const steps = planSteps(
      [
        { weightPercent: 10, holdMs: undefined },
        { weightPercent: 20, holdMs: 60_000 },
        { weightPercent: 50, holdMs: undefined },
      ],
      3,
      false,
    );
    expect(steps).toEqual([
      { weightPercent: 20, canaryReplicas: 1, sharePercent: 25, holdMs: 90_000, mergedPercents: [10] },
      { weightPercent: 50, canaryReplicas: 3, sharePercent: 50, holdMs: 0, mergedPercents: [] },
    ]);
  });
});
