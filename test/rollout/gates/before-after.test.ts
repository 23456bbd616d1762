import { describe, expect, it } from 'vitest';
import { beforeAfterRules, explainBeforeAfter, knowsBefore } from '../../../src/rollout/gates/before-after.ts';
import { upperBound } from '../../../src/rollout/gates/error-bounds.ts';
import { absorbReading, judgeMetrics, type MetricsRules, startEvidence } from '../../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import type { ReleaseSpec } from '../../../src/rollout/spec.ts';
import { nowMs, spec } from '../scene.ts';

const nothing = { errors: 0, requests: 0 };
const seen = { errors: 20, requests: 2_000 };
const maxSlow = { absolute: 0.05, boundMs: 300 };

function rules(changes: Partial<ReleaseSpec> = {}, compare = true): MetricsRules {
  const found = rulesFor({ compare, spec: spec(changes) });
  if (found === undefined) throw new Error('no rules');
  return found;
}

describe('where stable does not serve beside it', () => {
  it('the limit is 1.25 x the upper bound of what stable has shown + 0.5 points', () => {
    const bound = upperBound(20, 2_000, Math.log(20));
    expect(bound).toBeGreaterThan(0.01);
    const [limit, ...others] = beforeAfterRules(rules(), seen)?.limits ?? [];
    expect(limit).toEqual({ ratio: 0, absolute: expect.closeTo(1.25 * bound + 0.005, 10) });
    expect(others).toEqual([]);
  });

  it('the limit is max-error-rate where that is given, whatever stable has shown', () => {
    for (const before of [nothing, seen])
      expect(beforeAfterRules(rules({ maxErrorRate: 0.02 }), before)?.limits).toEqual([{ ratio: 0, absolute: 0.02 }]);
  });

  it('the limit is wider the less stable has answered, and none without an answer', () => {
    const few = beforeAfterRules(rules(), { errors: 0, requests: 50 })?.limits[0]?.absolute ?? 0;
    const many = beforeAfterRules(rules(), { errors: 0, requests: 5_000 })?.limits[0]?.absolute ?? 0;
    expect(few).toBeGreaterThan(many);
    expect(many).toBeGreaterThan(0.005);
    expect(beforeAfterRules(rules(), nothing)).toBeUndefined();
    expect(beforeAfterRules(rules(), { errors: 2, requests: 2 })).toBeUndefined();
    expect(beforeAfterRules(rules({ maxSlow }), nothing)).toBeUndefined();
  });

  it.each<[string, Partial<ReleaseSpec>, boolean, number]>([
    ['one limit', {}, true, 1],
    ['two that become one', { maxErrorRate: 0.02 }, true, 1],
    ['errors and slow requests', { maxSlow }, true, 2],
    ['slow requests alone, over an unhealthy stable', { maxSlow }, false, 1],
    ['no share of the traffic to keep', { minTraffic: 0.5 }, true, 1],
  ])('alpha is shared by the limits that are left: %s', (_, changes, compare, limits) => {
    const after = beforeAfterRules(rules(changes, compare), seen);
    expect(after?.limits).toHaveLength(limits);
    expect(after?.failNats).toBeCloseTo(Math.log(limits * 1000), 10);
    expect(after?.minTraffic).toBeUndefined();
  });

  it('stable has said enough after 100 requests, or where no limit is made of them', () => {
    expect(knowsBefore(rules(), { errors: 0, requests: 99 })).toBe(false);
    expect(knowsBefore(rules(), { errors: 0, requests: 100 })).toBe(true);
    expect(knowsBefore(rules({ maxSlow }), nothing)).toBe(false);
    expect(knowsBefore(rules({ maxErrorRate: 0.02 }), nothing)).toBe(true);
    expect(knowsBefore(rules({ maxSlow }, false), nothing)).toBe(true);
  });

  it.each<[Partial<ReleaseSpec>, boolean, RegExp]>([
    [{}, true, /^at most 2.+ % errors \(1\.25 x the upper bound 1\..+ % of stable's 20 of 2,000 \+ 0\.5 %\)$/],
    [{ maxErrorRate: 0.02, errorBudget: 200 }, true, /^at most 2 % errors \(max-error-rate\) and an error budget of 200 requests$/],
    [{ maxSlow }, true, /^at most 2.+ % errors \(1\.25 x .+\) and at most 5 % slower than 300ms \(max-slow\)$/],
    [{ maxSlow }, false, /^at most 5 % slower than 300ms \(max-slow\)$/],
  ])('says how the limits come about: %j', (changes, compare, expected) => {
    expect(explainBeforeAfter(rules(changes, compare), seen)).toMatch(expected);
  });

  it('says that there is none', () => expect(explainBeforeAfter(rules(), nothing)).toContain('no absolute limit can be given'));
});

describe('before/after still convicts', () => {
  const turns = (changes: Partial<ReleaseSpec>, errors: number, slow: number): string => {
    const after = beforeAfterRules(rules(changes), { errors: 0, requests: 10_000 });
    if (after === undefined) return 'none';
    let evidence = startEvidence(after);
    for (let turn = 1; turn <= 10; turn += 1) {
      const canary = { new: { errors: errors * turn, requests: 1000 * turn, slow: slow * turn } };
      evidence = absorbReading(after, evidence, { canary, stable: {} }, nowMs + turn * 15_000);
    }
    const verdict = judgeMetrics(after, evidence, nowMs + 150_000);
    return verdict.kind === 'pass' ? 'pass' : verdict.reason;
  };

  it('slow requests', () => {
    expect(turns({ maxSlow }, 0, 10)).toBe('pass');
    expect(turns({ maxSlow }, 0, 200)).toBe('metrics-failed');
  });

  it('more failed requests than the budget, though the limit allows them', () => {
    expect(turns({ maxErrorRate: 0.05 }, 20, 0)).toBe('pass');
    expect(turns({ maxErrorRate: 0.05, errorBudget: 50 }, 20, 0)).toBe('error-budget-spent');
    expect(turns({ maxErrorRate: 0.05, errorBudget: 5000 }, 20, 0)).toBe('pass');
  });
});
