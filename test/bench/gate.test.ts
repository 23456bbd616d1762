import { describe, expect, test } from 'vitest';
import { absoluteRules, compareRules, contest, median, minSecondsDefault, ours } from './contest.ts';
import { healthyReleases } from './releases.ts';

/** A slice of `npm run bench:gate`, with the same code and seeds. */
describe('the bench of the gate', () => {
  const minSeconds = minSecondsDefault;

  test('convicts no healthy canary where thresholds convict many', () => {
    const worldAt = () => ({ requestsPerSecond: 10, share: 1, canaryRate: 0.005, stableRate: 0 });
    const tallies = contest({ rules: absoluteRules, minSeconds, worldAt }, 100, 1);
    expect(tallies[ours]?.convictions).toHaveLength(0);
    expect(tallies['Argo 60 s, limit 0']?.convictions.length).toBeGreaterThan(40);
    expect(tallies['Flagger 10 s, threshold 1']?.convictions.length).toBeGreaterThan(80);
  });

  test('convicts at most 0.1 % of those exactly at the limit', () => {
    let convictions = 0;
    const runs = 400;
    for (const [rules, world] of [
      [absoluteRules, { requestsPerSecond: 10, share: 1, canaryRate: 0.01, stableRate: 0 }],
      [compareRules, { requestsPerSecond: 100, share: 0.1, canaryRate: 0.01125, stableRate: 0.005 }],
    ] as const) {
      convictions += contest({ rules, minSeconds, worldAt: () => world }, runs, 2)[ours]?.convictions.length ?? 0;
    }
    // 0.8 of 800 are allowed; with that mean, more than 4 come once in 700 times.
    expect(convictions).toBeLessThanOrEqual(4);
  });

  test('finds a broken canary before the other rules have asked twice', () => {
    const worldAt = () => ({ requestsPerSecond: 100, share: 0.1, canaryRate: 0.5, stableRate: 0.005 });
    const found = contest({ rules: compareRules, minSeconds, worldAt }, 50, 3)[ours]?.convictions ?? [];
    expect(found).toHaveLength(50);
    expect(median(found.map(({ seconds }) => seconds))).toBeLessThanOrEqual(35);
  });

  test.each([
    [10, 0.001],
    [10, 0.005],
    [100, 0.005],
  ])('promotes healthy releases at %d requests/s and an error rate of %d', (requestsPerSecond, rate) => {
    const ends = healthyReleases(60, 4, requestsPerSecond, rate);
    expect(ends.convicted).toBe(0);
    expect(ends.inconclusive).toBeLessThanOrEqual(1);
    if (requestsPerSecond === 100) expect(median(ends.seconds)).toBeLessThanOrEqual(150);
  });
});
