import { describe, expect, it } from 'vitest';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import { forecast, requestsToConvict, requestsToPass } from '../../../src/rollout/gates/traffic.ts';

const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: 0.01, timeoutMs: 600_000 };
const absolute = rulesFor({ compare: false, spec });
const compare = rulesFor({ compare: true, spec: { ...spec, maxErrorRate: undefined } });
if (absolute === undefined || compare === undefined) throw new Error('no rules');

describe('requests needed', () => {
  it.each([
    [0.001, 3694],
    [0.005, 738],
    [0.01, 368],
    [0.05, 73],
  ])('a faultless canary passes a limit of %f after %i', (limit, requests) => expect(requestsToPass(limit, absolute)).toBe(requests));

  it('a canary at 5 % is convicted of 1 % as fast as in the simulations (198 with 9 steps, 216 with restarts)', () => {
    const requests = requestsToConvict(0.05, 0.01, absolute);
    expect(requests).toBeGreaterThan(0.94 * 198);
    expect(requests).toBeLessThan(1.06 * 216);
  });

  it('limits and rates that cannot be shown', () => {
    expect(requestsToPass(0, absolute)).toBe(Infinity);
    expect(requestsToPass(1, absolute)).toBe(1);
    expect(requestsToConvict(0.01, 0.01, absolute)).toBe(Infinity);
    expect(requestsToConvict(0.01, 0, absolute)).toBe(1);
    expect(requestsToConvict(1, 0.5, absolute)).toBeLessThan(20);
  });

  it('grow with dispersion', () => {
    expect(requestsToPass(0.01, { ...absolute, dispersion: 2 })).toBe(736);
    expect(requestsToConvict(0.05, 0.01, { ...absolute, dispersion: 2 })).toBeGreaterThan(1.9 * requestsToConvict(0.05, 0.01, absolute));
  });
});

describe('forecast', () => {
  const tenPercent = [{ sharePercent: 10, holdMs: 30_000 }];

  it('of an absolute limit agrees with the formula', () => {
    const { neededRequests, secondsToPass } = forecast({
      requestsPerSecond: 100,
      stableErrorRate: 0,
      steps: tenPercent,
      timeoutMs: 600_000,
      rules: absolute,
    });
    expect(neededRequests).toBeGreaterThan(0.9 * 368);
    expect(neededRequests).toBeLessThan(1.2 * 368);
    expect(secondsToPass).toBe(neededRequests / 10);
  });

  it('says no, and how many requests it would take', () => {
    const input = { requestsPerSecond: 1, stableErrorRate: 0.005, steps: tenPercent, timeoutMs: 600_000, rules: compare };
    const short = forecast(input);
    expect(short.secondsToPass).toBeUndefined();
    expect(short.availableRequests).toBe(60);
    expect(short.neededRequests).toBeGreaterThan(250);
    expect(short.neededRequests).toBeLessThan(700);
    const long = forecast({ ...input, timeoutMs: (short.neededRequests + 1) * 10_000 });
    expect(long.secondsToPass).toBe(short.neededRequests * 10);
  });

  it('follows the steps, and stays at the last one', () => {
    const base = { requestsPerSecond: 10, stableErrorRate: 0.005, timeoutMs: 100_000, rules: compare };
    expect(forecast({ ...base, steps: [...tenPercent, { sharePercent: 50, holdMs: 1 }] }).availableRequests).toBe(30 + 350);
    const slow = forecast({ ...base, timeoutMs: 1e6, steps: tenPercent }).secondsToPass ?? Infinity;
    const fast = forecast({ ...base, timeoutMs: 1e6, steps: [{ sharePercent: 50, holdMs: 1 }] }).secondsToPass ?? Infinity;
    expect(fast).toBeLessThan(slow / 2);
  });

  it('of a healthy service at 10 requests a second for the canary is near the simulated median of 180 s', () => {
    const { secondsToPass = 0 } = forecast({
      requestsPerSecond: 100,
      stableErrorRate: 0.005,
      steps: tenPercent,
      timeoutMs: 600_000,
      rules: compare,
    });
    expect(secondsToPass).toBeGreaterThan(20);
    expect(secondsToPass).toBeLessThan(180);
  });

  it('waits for every limit', () => {
    const rules = rulesFor({ compare: true, spec: { ...spec, maxErrorRate: 0.001 } }) ?? compare;
    const input = { requestsPerSecond: 100, stableErrorRate: 0, steps: tenPercent, timeoutMs: 600_000, rules };
    expect(forecast(input).neededRequests).toBeGreaterThan(3000);
    expect(forecast({ ...input, rules: compare }).neededRequests).toBeLessThan(1500);
  });

  it('of a comparison without requests of stable is no, however many the canary gets', () => {
    const alone = forecast({
      requestsPerSecond: 100,
      stableErrorRate: 0,
      steps: [{ sharePercent: 100, holdMs: 0 }],
      timeoutMs: 600_000,
      rules: compare,
    });
    expect(alone).toEqual({ neededRequests: 60_001, availableRequests: 60_000, secondsToPass: undefined });
  });

  it('of no traffic is no', () => {
    const { neededRequests, availableRequests, secondsToPass } = forecast({
      requestsPerSecond: 0,
      stableErrorRate: 0,
      steps: tenPercent,
      timeoutMs: 600_000,
      rules: compare,
    });
    expect(secondsToPass).toBeUndefined();
    expect(availableRequests).toBe(0);
    expect(neededRequests).toBe(requestsToPass(0.005, compare));
  });
});
