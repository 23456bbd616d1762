import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absorbReading, judgeMetrics, type MetricsEvidence, startEvidence } from '../../../src/rollout/gates/metrics-gate.ts';
import { evidenceNumbers } from '../../../src/rollout/gates/metrics-numbers.ts';
import { type JudgedSpec, type MetricsRules, rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import { type ReplayRules, replayBatches, type TimedBatch } from '../../../src/rollout/gates/replay-batches.ts';

const counts = fc.record({ requests: fc.integer({ min: 1, max: 5_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) });
const batch: fc.Arbitrary<TimedBatch> = fc.record({ canary: counts, stable: counts, rare: fc.constantFrom(1, 0.1, 0.01) }).map((found) => ({
  seconds: 15,
  counts: {
    canaryErrors: Math.round(found.canary.requests * found.canary.share * found.rare),
    canaryRequests: found.canary.requests,
    stableErrors: Math.round(found.stable.requests * found.stable.share * found.rare),
    stableRequests: found.stable.requests,
  },
}));
const batches = fc.array(batch, { minLength: 1, maxLength: 12 });

function plain(limit: { readonly ratio: number; readonly absolute: number }): ReplayRules {
  const never = { alpha: 0.001, beta: 0.05, minErrors: 1e18, minSeconds: 1e18, deadlineSeconds: 1e18 };
  return { limits: [limit], ...never, dispersion: 1, restarts: 0, capNats: { worse: undefined, within: undefined } };
}

describe('properties', () => {
  it('how counts are split into batches does not matter, without restarts and cap', () => {
    fc.assert(
      fc.property(batches, fc.constantFrom(0.001, 0.01, 0.2), fc.integer({ min: 0, max: 11 }), (all, absolute, cut) => {
        const rules = plain({ ratio: 0, absolute });
        const sum = (some: readonly TimedBatch[]): TimedBatch => ({
          seconds: 15,
          counts: {
            canaryErrors: some.reduce((total, one) => total + one.counts.canaryErrors, 0),
            canaryRequests: some.reduce((total, one) => total + one.counts.canaryRequests, 0),
            stableErrors: 0,
            stableRequests: 0,
          },
        });
        const parts = [all.slice(0, cut), all.slice(cut)].filter((part) => part.length > 0).map(sum);
        const [one, some, many] = [[sum(all)], parts, all].map((split) => replayBatches(rules, split).at(-1));
        for (const other of [some, many]) {
          const tolerance = 1e-8 * Math.max(1, Math.abs(one?.logEvidenceBad ?? 0), Math.abs(one?.logEvidenceOk ?? 0));
          expect(Math.abs((other?.logEvidenceBad ?? 0) - (one?.logEvidenceBad ?? 0))).toBeLessThan(tolerance);
          expect(Math.abs((other?.logEvidenceOk ?? 0) - (one?.logEvidenceOk ?? 0))).toBeLessThan(tolerance);
        }
      }),
      { seed: 4 },
    );
  });

  it('of one batch: a wider limit never has more evidence of bad where there is any, nor less of good', () => {
    fc.assert(
      fc.property(batch, fc.constantFrom(0.001, 0.005, 0.05), fc.constantFrom(1.1, 2, 5), (one, absolute, wider) => {
        const [narrow, wide] = [absolute, absolute * wider].map((limit) => replayBatches(plain({ ratio: 0, absolute: limit }), [one])[0]);
        // Below 0 both say "no evidence"; how strongly the bets lost is no order (gates.md §3.6).
        expect(Math.max(0, wide?.logEvidenceBad ?? 0)).toBeLessThanOrEqual(Math.max(0, narrow?.logEvidenceBad ?? 0) + 1e-9);
        expect(Math.max(0, wide?.logEvidenceOk ?? 0)).toBeGreaterThanOrEqual(Math.max(0, narrow?.logEvidenceOk ?? 0) - 1e-9);
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

const specs: fc.Arbitrary<JudgedSpec> = fc.record({
  maxErrorIncrease: fc.constantFrom({ ratio: 1.25, absolute: 0.005 }, { ratio: 1, absolute: 1e-8 }, { ratio: 100, absolute: 0.99 }),
  maxErrorRate: fc.constantFrom(undefined, 1e-8, 0.01, 0.999999),
  maxSlow: fc.constantFrom(undefined, { absolute: 0.05, boundMs: 300 }),
  minTraffic: fc.constantFrom(undefined, 0.01, 0.5, 0.9),
  errorBudget: fc.constantFrom(undefined, 1, 1e9),
  dispersion: fc.constantFrom(undefined, 1, 10),
  timeoutMs: fc.constantFrom(1_000, 1_800_000, 86_400_000),
});
const counter = fc
  .record({
    errors: fc.constantFrom(0, 1, 7, 1e6, 1e15),
    requests: fc.constantFrom(0, 1, 10, 150, 1e6, 1e15),
    slow: fc.constantFrom(undefined, 0, 5, 1e9),
  })
  .map(({ slow, ...rest }) => (slow === undefined ? rest : { ...rest, slow }));
const pods = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), counter);
const readings = fc.array(fc.record({ canary: pods, stable: pods, share: fc.constantFrom(undefined, 0, 0.2, 0.5, 1) }), { maxLength: 12 });

function numbersIn(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

describe('whatever is read', () => {
  it('no number is NaN or infinite, the evidence survives the journal, and there is a verdict', () => {
    fc.assert(
      fc.property(specs, readings, (spec, all) => {
        const rules: MetricsRules | undefined = rulesFor({ compare: true, spec });
        if (rules === undefined) return;
        let evidence: MetricsEvidence = startEvidence(rules);
        for (const [index, { canary, stable, share }] of all.entries()) {
          evidence = absorbReading(rules, evidence, { canary, stable }, index * 20_000, share);
          const numbers = numbersIn(evidence);
          expect(numbers.every(Number.isFinite)).toBe(true);
          expect(JSON.parse(JSON.stringify(evidence))).toEqual(JSON.parse(JSON.stringify(structuredClone(evidence))));
          expect(judgeMetrics(rules, evidence, index * 20_000).because).not.toMatch(/NaN|undefined/);
        }
        expect(numbersIn(evidenceNumbers(rules, evidence)).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});
