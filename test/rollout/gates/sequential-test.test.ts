import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerBound, upperBound } from '../../../src/rollout/gates/error-bounds.ts';
import {
  type Batch,
  project,
  type SequentialTest,
  startTest,
  type TestState,
  updateTest,
} from '../../../src/rollout/gates/sequential-test.ts';
import { binomial, seeded } from './random.ts';
import vectors from './vectors.json' with { type: 'json' };

const one: SequentialTest = { side: 'worse', ratio: 0, absolute: 0.01, dispersion: 1, capNats: undefined, restarts: 0 };
const ofCanary = (canaryErrors: number, canaryRequests: number): Batch => ({
  canaryErrors,
  canaryRequests,
  stableErrors: 0,
  stableRequests: 0,
});

function run(test: SequentialTest, batches: readonly Batch[]): readonly TestState[] {
  const states: TestState[] = [];
  for (const batch of batches) states.push(updateTest(test, states.at(-1) ?? startTest(test), batch));
  return states;
}

/** The vectors were computed with 50 digits and hold 14. */
const toClose = (actual: number, expected: string): void => {
  expect(Math.abs(actual - Number(expected))).toBeLessThan(2e-11 * Math.max(1, Math.abs(Number(expected))));
};

describe('vectors', () => {
  it('are all there', () => {
    expect(vectors.eprocess).toHaveLength(19);
    expect(vectors.project).toHaveLength(4);
  });

  it.each(vectors.eprocess)('$name', ({ opts, batches, logE }) => {
    const given = opts as {
      side: number;
      ratio?: number;
      abs: number;
      dispersion?: number;
      cap?: number;
      restarts?: number;
      prior?: { errors: number; requests: number };
    };
    const test: SequentialTest = {
      side: given.side === 1 ? 'worse' : 'within',
      ratio: given.ratio ?? 0,
      absolute: given.abs,
      dispersion: given.dispersion ?? 1,
      capNats: given.cap,
      restarts: given.restarts ?? 0,
      ...(given.prior === undefined ? {} : { prior: given.prior }),
    };
    const states = run(
      test,
      batches.map(({ ce, cn, se, sn }) => ({ canaryErrors: ce, canaryRequests: cn, stableErrors: se, stableRequests: sn })),
    );
    expect(states).toHaveLength(logE.length);
    for (const [index, state] of states.entries()) toClose(state.logE, logE[index] ?? '');
  });

  it.each(vectors.project)('project($args)', ({ args, pc, ps }) => {
    const [canaryRequests = 0, stableRequests = 0, canaryRate = 0, stableRate = 0, ratio = 0, absolute = 0] = args;
    const point = project(canaryRequests, stableRequests, canaryRate, stableRate, ratio, absolute);
    toClose(point.canaryRate, pc);
    toClose(point.stableRate, ps);
  });

  it('of the bounds for display', () => {
    const fail = Math.log(1000);
    const pass = Math.log(20);
    expect(lowerBound(62, 2000, fail)).toBeCloseTo(0.01724994663, 10);
    expect(upperBound(62, 2000, pass)).toBeCloseTo(0.04461393204, 10);
    expect(upperBound(0, 400, pass)).toBeCloseTo(0.009142335597, 11);
    expect(lowerBound(30, 30, fail)).toBeCloseTo(0.767702428, 9);
  });
});

describe('bounds for display', () => {
  it('say nothing of nothing', () => {
    expect(lowerBound(0, 0, 3)).toBe(0);
    expect(upperBound(0, 0, 3)).toBe(1);
    expect(lowerBound(0, 400, 3)).toBe(0);
    expect(upperBound(400, 400, 3)).toBe(1);
    expect(lowerBound(1, 2, 50)).toBe(0);
    expect(upperBound(1, 2, 50)).toBe(1);
  });

  it('enclose the observed rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (requests, share) => {
        const errors = Math.round(requests * share);
        expect(lowerBound(errors, requests, 6.9)).toBeLessThanOrEqual(errors / requests);
        expect(upperBound(errors, requests, 3)).toBeGreaterThanOrEqual(errors / requests);
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

const sizes = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(0, 1, 1e6, 1e9, 1e15, 0.5, 1e-9));
const arms = fc.record({ c: sizes, s: sizes, x: fc.double({ min: 0, max: 1, noNaN: true }), y: fc.constantFrom(0, 0.001, 0.5, 1) });
const anyBatch: fc.Arbitrary<Batch> = arms.map(({ c, s, x, y }) => ({
  canaryErrors: c * x,
  canaryRequests: c,
  stableErrors: s * y,
  stableRequests: s,
}));
const anyTest: fc.Arbitrary<SequentialTest> = fc.record({
  side: fc.constantFrom('worse' as const, 'within' as const),
  ratio: fc.constantFrom(0, 0.5, 1, 1.25, 2, 100),
  absolute: fc.constantFrom(0, 1e-12, 1e-6, 0.005, 0.5, 0.999999, 1 - 1e-12, 1),
  dispersion: fc.constantFrom(1, 2.5, 10),
  capNats: fc.constantFrom(undefined, 5.18),
  restarts: fc.constantFrom(0, 1, 40),
});

describe('properties', () => {
  it('the evidence of one arm does not depend on how the counts are split into batches', () => {
    const parts = fc.array(fc.record({ requests: fc.integer({ min: 1, max: 500 }), errors: fc.integer({ min: 0, max: 500 }) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        parts,
        fc.constantFrom('worse' as const, 'within' as const),
        fc.constantFrom(0.001, 0.01, 0.3),
        (split, side, absolute) => {
          const test = { ...one, side, absolute };
          const batches = split.map(({ requests, errors }) => ofCanary(Math.min(errors, requests), requests));
          const whole = ofCanary(
            batches.reduce((sum, batch) => sum + batch.canaryErrors, 0),
            batches.reduce((sum, batch) => sum + batch.canaryRequests, 0),
          );
          const pooled = updateTest(test, startTest(test), whole).logE;
          expect(run(test, batches).at(-1)?.logE).toBeCloseTo(pooled, 6);
        },
      ),
      { seed: 2 },
    );
  });

  it('every number stays finite, and the state survives JSON', () => {
    fc.assert(
      fc.property(anyTest, fc.array(anyBatch, { maxLength: 6 }), anyBatch, (test, batches, next) => {
        const state = run(test, batches).at(-1) ?? startTest(test);
        const numbers = [state.batches, state.reserve, state.stableErrors, state.stableRequests, state.logE, ...state.logWealth];
        expect(numbers.every(Number.isFinite)).toBe(true);
        const revived: TestState = JSON.parse(JSON.stringify(state));
        expect(revived).toEqual(state);
        expect(updateTest(test, revived, next)).toEqual(updateTest(test, state, next));
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it('a batch that lacks an arm the limit needs changes nothing', () => {
    const compare: SequentialTest = { ...one, ratio: 1.25, absolute: 0.005 };
    const state = startTest(compare);
    expect(updateTest(compare, state, ofCanary(5, 10))).toBe(state);
    expect(updateTest(compare, state, { ...ofCanary(0, 0), stableErrors: 1, stableRequests: 9 })).toBe(state);
    expect(updateTest(one, startTest(one), ofCanary(0, 0)).batches).toBe(0);
  });

  it('one batch never gives more than the cap', () => {
    const capped: SequentialTest = { ...one, capNats: 5.18, restarts: 40 };
    const states = run(capped, [ofCanary(1e6, 1e6), ofCanary(1e6, 1e6)]);
    expect(states[0]?.logE).toBeLessThan(5.18);
    expect(states[1]?.logE).toBeGreaterThan(6.9);
  });

  it('bets that win and lose nothing leave the capital as it was, with restarts and after them', () => {
    const test: SequentialTest = { ...one, restarts: 10, capNats: 0 };
    for (const state of run(
      test,
      Array.from({ length: 30 }, () => ofCanary(100, 100)),
    ))
      expect(state.logE).toBeCloseTo(0, 12);
  });

  it.each([0, 100])('a prior of %i errors in 100 requests stays finite', (errors) => {
    const test: SequentialTest = { ...one, ratio: 0.5, prior: { errors, requests: 100 } };
    const batch: Batch = { canaryErrors: 3, canaryRequests: 10, stableErrors: 40, stableRequests: 80 };
    for (const state of run(test, [batch, batch])) expect(Number.isFinite(state.logE)).toBe(true);
  });

  it('the whole capital is bet once, over the first batch and the restarts', () => {
    const test: SequentialTest = { ...one, restarts: 10 };
    const states = run(
      test,
      Array.from({ length: 12 }, () => ofCanary(0, 10)),
    );
    expect(states.map((state) => state.reserve)).toEqual(
      [0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0, 0].map((share) => expect.closeTo(share, 12)),
    );
  });
});

describe('false alarms at the limit, seeded', () => {
  const threshold = Math.log(1000);
  const runs = 2000;

  function alarms(
    test: SequentialTest,
    thresholdNats: number,
    batches: number,
    draw: (random: () => number, index: number) => Batch,
  ): number {
    let count = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const random = seeded(seed);
      let state = startTest(test);
      for (let index = 0; index < batches; index += 1) {
        state = updateTest(test, state, draw(random, index));
        if (state.logE >= thresholdNats) {
          count += 1;
          break;
        }
      }
    }
    return count;
  }

  it('one arm: at most 6 of 2,000 runs at alpha 0.001', () => {
    expect(alarms(one, threshold, 100, (random) => ofCanary(binomial(random, 20, 0.01), 20))).toBeLessThanOrEqual(6);
  });

  const compare: SequentialTest = { ...one, ratio: 1.25, absolute: 0.005, restarts: 40, capNats: 0.75 * threshold };
  const outage = (index: number): number => (index >= 12 && index < 18 ? 0.3 : 0.005);
  const world = (random: () => number, index: number, factor = 1): Batch => {
    const stableRate = outage(index);
    const canaryRate = (1.25 * stableRate + 0.005) * factor;
    return {
      canaryErrors: binomial(random, 60, canaryRate),
      canaryRequests: 60,
      stableErrors: binomial(random, 300, stableRate),
      stableRequests: 300,
    };
  };

  it('two arms, the default, through a shared outage: at most 6 of 2,000 runs', () => {
    expect(alarms(compare, threshold, 30, (random, index) => world(random, index))).toBeLessThanOrEqual(6);
  });

  it('the pass side, exactly at the limit: at most 5 %', () => {
    const within: SequentialTest = { ...compare, side: 'within', restarts: 0, capNats: undefined };
    expect(alarms(within, Math.log(20), 30, (random, index) => world(random, index))).toBeLessThanOrEqual(0.05 * runs);
  });

  it('a canary at six times the limit is found in nearly every run', () => {
    expect(alarms(compare, threshold, 12, (random, index) => world(random, index, 6))).toBeGreaterThan(0.95 * runs);
  });
});
