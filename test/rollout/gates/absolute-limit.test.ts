import { describe, expect, it } from 'vitest';
import { absoluteLimit, absoluteRules, explainAbsoluteLimit } from '../../../src/rollout/gates/absolute-limit.ts';
import { upperBound } from '../../../src/rollout/gates/error-bounds.ts';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import { spec } from '../scene.ts';

describe('absoluteLimit', () => {
  it('is 1.25 x the upper bound of what stable has shown + 0.5 points', () => {
    const bound = upperBound(20, 2_000, Math.log(20));
    expect(bound).toBeGreaterThan(0.01);
    expect(absoluteLimit(spec(), { errors: 20, requests: 2_000 })).toBeCloseTo(1.25 * bound + 0.005, 10);
  });

  it('is max-error-rate where that is given', () => {
    expect(absoluteLimit(spec({ maxErrorRate: 0.02 }), { errors: 0, requests: 0 })).toBe(0.02);
  });

  it('is wider the less stable has answered, and none without an answer', () => {
    const few = absoluteLimit(spec(), { errors: 0, requests: 50 }) ?? 0;
    const many = absoluteLimit(spec(), { errors: 0, requests: 5_000 }) ?? 0;
    expect(few).toBeGreaterThan(many);
    expect(many).toBeGreaterThan(0.005);
    expect(absoluteLimit(spec(), { errors: 0, requests: 0 })).toBeUndefined();
    expect(absoluteLimit(spec(), { errors: 2, requests: 2 })).toBeUndefined();
    expect(explainAbsoluteLimit(spec(), { errors: 0, requests: 0 })).toContain('no absolute limit');
  });

  it('has the confidence of one limit, however many the comparison had', () => {
    const one = rulesFor({ compare: true, spec: spec() });
    const two = rulesFor({ compare: true, spec: spec({ maxErrorRate: 0.02 }) });
    if (one === undefined || two === undefined) throw new Error('no rules');
    expect(absoluteRules(two, 0.02).failNats).toBeCloseTo(one.failNats, 10);
    expect(absoluteRules(two, 0.02).limits).toEqual([{ ratio: 0, absolute: 0.02 }]);
  });
});
