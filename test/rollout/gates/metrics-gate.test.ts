import { describe, expect, it } from 'vitest';
import {
  absorbReading,
  absorbUnavailable,
  describeProgress,
  judgeMetrics,
  type MetricsEvidence,
  type MetricsRules,
  startEvidence,
} from '../../../src/rollout/gates/metrics-gate.ts';
import { evidenceNumbers } from '../../../src/rollout/gates/metrics-numbers.ts';
import { rulesFor, withinTest, worseTest } from '../../../src/rollout/gates/metrics-rules.ts';
import type { Batch } from '../../../src/rollout/gates/sequential-test.ts';
import { binomial, seeded } from './random.ts';

const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs: 1_800_000 };
const rules = must(rulesFor({ compare: true, spec }));
const both = must(rulesFor({ compare: true, spec: { ...spec, maxErrorRate: 0.01 } }));
const absolute = must(rulesFor({ compare: false, spec: { ...spec, maxErrorRate: 0.01 } }));

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('undefined');
  return value;
}

type Quad = readonly [canaryErrors: number, canaryRequests: number, stableErrors: number, stableRequests: number];

/** Feeds readings of one pod each, 15 s apart, that differ by the given counts; every state goes through JSON, as in the journal. */
function feed(by: MetricsRules, quads: readonly Quad[], start?: { evidence: MetricsEvidence; total: Quad; nowMs: number }) {
  let total: Quad = start?.total ?? [0, 0, 1000, 1_000_000];
  let nowMs = start?.nowMs ?? 0;
  const add = (a: Quad, b: Quad): Quad => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
  const read = (evidence: MetricsEvidence): MetricsEvidence => {
    const reading = { canary: { c: { errors: total[0], requests: total[1] } }, stable: { s: { errors: total[2], requests: total[3] } } };
    const next: MetricsEvidence = JSON.parse(JSON.stringify(absorbReading(by, evidence, reading, nowMs)));
    return next;
  };
  let evidence = start?.evidence ?? read(startEvidence(by));
  for (const quad of quads) {
    nowMs += 15_000;
    total = add(total, quad);
    evidence = read(evidence);
  }
  return { evidence, total, nowMs };
}

const times = (count: number, quad: Quad): readonly Quad[] => Array.from({ length: count }, () => quad);

describe('rules', () => {
  it('share alpha between the limits', () => {
    expect(rules.limits).toEqual([spec.maxErrorIncrease]);
    expect(rules.failNats).toBeCloseTo(Math.log(1000), 12);
    expect(worseTest(rules, spec.maxErrorIncrease).capNats).toBeCloseTo(5.1808, 4);
    expect(withinTest(rules, spec.maxErrorIncrease).capNats).toBeCloseTo(2.2468, 4);
    expect(both.limits).toEqual([spec.maxErrorIncrease, { ratio: 0, absolute: 0.01 }]);
    expect(both.failNats).toBeCloseTo(Math.log(2000), 12);
    expect(worseTest(both, spec.maxErrorIncrease).capNats).toBeCloseTo(0.75 * Math.log(2000), 12);
    expect(both.passNats).toBeCloseTo(Math.log(20), 12);
    expect(absolute.limits).toEqual([{ ratio: 0, absolute: 0.01 }]);
    expect(rules).toMatchObject({ errorsMin: 5, dispersion: 1, restartsMs: 1_800_000, staleMs: 45_000 });
  });

  it('are none without a limit', () => expect(rulesFor({ compare: false, spec })).toBeUndefined());
});

describe('fail', () => {
  it('takes two scrapes of half of the answers being errors', () => {
    const one = feed(rules, [[75, 150, 5, 1350]]);
    expect(judgeMetrics(rules, one.evidence, one.nowMs)).toMatchObject({ kind: 'unknown' });
    const two = feed(rules, [[75, 150, 5, 1350]], one);
    expect(judgeMetrics(rules, two.evidence, two.nowMs)).toMatchObject({ kind: 'fail', reason: 'metrics-failed' });
  });

  it('says the numbers of that moment, and stays', () => {
    const { evidence, total, nowMs } = feed(rules, [
      [10, 300, 11, 2700],
      [14, 500, 17, 4500],
    ]);
    const later = feed(rules, times(20, [0, 500, 5, 1350]), { evidence, total, nowMs });
    expect(judgeMetrics(rules, later.evidence, later.nowMs + 1e6)).toEqual({
      kind: 'fail',
      reason: 'metrics-failed',
      because:
        'canary 3 % errors (24 of 800) against stable 0.39 % (28 of 7,200): worse than the allowed 1.25 x stable + 0.5 % = 0.99 % with 99.91 % confidence',
      evidence: [describeProgress(rules, evidence)],
    });
    expect(later.evidence).toEqual(evidence);
    expect(absorbUnavailable(evidence, 'gone', nowMs)).toBe(evidence);
  });

  it('needs five errors', () => {
    const few = feed(rules, times(4, [1, 1, 0, 1000]));
    expect(few.evidence.limits[0]?.worse.logE).toBeGreaterThan(rules.failNats);
    expect(judgeMetrics(rules, few.evidence, few.nowMs)).toMatchObject({ kind: 'unknown', reason: 'too-little-traffic' });
    const five = feed(rules, [[1, 1, 0, 1000]], few);
    expect(judgeMetrics(rules, five.evidence, five.nowMs).kind).toBe('fail');
  });

  it('is not for an outage that both share', () => {
    const random = seeded(7);
    const outage = Array.from({ length: 40 }, (): Quad => [binomial(random, 150, 0.3), 150, binomial(random, 1350, 0.3), 1350]);
    const { evidence, nowMs } = feed(rules, outage);
    expect(judgeMetrics(rules, evidence, nowMs).kind).toBe('pass');
    const severe = feed(both, outage);
    expect(judgeMetrics(both, severe.evidence, severe.nowMs)).toMatchObject({
      kind: 'fail',
      because: expect.stringMatching(/^canary \d+.* %.*: worse than the allowed 1 % with/),
    });
  });

  it('of a defect that comes late names the time since then, as the totals hide it', () => {
    const good = feed(rules, times(100, [0, 1500, 5, 13_500]));
    const { evidence, nowMs } = feed(rules, times(3, [225, 750, 5, 6750]), good);
    const verdict = judgeMetrics(rules, evidence, nowMs);
    expect(verdict).toMatchObject({
      kind: 'fail',
      because: expect.stringMatching(
        /^canary 30 % errors \(675 of 2,250\) against stable 0\.074 % \(15 of 20,250\) in the last 30 s: worse than/,
      ),
    });
  });

  it('claims the confidence of all limits together, and never 100 %', () => {
    const { evidence, nowMs } = feed(both, times(2, [13, 200, 0, 0]));
    const one = must(evidence.limits[1]);
    expect(judgeMetrics(both, evidence, nowMs)).toMatchObject({
      kind: 'fail',
      because: expect.stringMatching(/^canary 6\.5 % errors \(26 of 400\): worse than the allowed 1 % with 99\.9\d? % confidence$/),
    });
    const atThreshold = { ...evidence, limits: [must(evidence.limits[0]), { ...one, worse: { ...one.worse, logE: both.failNats } }] };
    expect(judgeMetrics(both, atThreshold, nowMs)).toMatchObject({ because: expect.stringContaining('with 99.9 % confidence') });
    const certain = { ...evidence, limits: [must(evidence.limits[0]), { ...one, worse: { ...one.worse, logE: 99 } }] };
    expect(judgeMetrics(both, certain, nowMs)).toMatchObject({ because: expect.stringContaining('with 99.99 % confidence') });
  });

  it('is checked before pass', () => {
    const { evidence } = feed(rules, times(3, [75, 150, 5, 1350]));
    const within = { ...must(evidence.limits[0]).within, logE: 99 };
    const contradictory = { ...evidence, limits: [{ ...must(evidence.limits[0]), within }] };
    expect(judgeMetrics(rules, contradictory, 45_000).kind).toBe('fail');
    expect(judgeMetrics(rules, { ...contradictory, failure: undefined }, 45_000).kind).toBe('unknown');
  });
});

describe('pass', () => {
  it('names the evidence', () => {
    const { evidence, nowMs } = feed(rules, times(17, [1, 200, 7, 1800]));
    expect(judgeMetrics(rules, evidence, nowMs)).toEqual({
      kind: 'pass',
      because: expect.stringMatching(
        /^canary 0\.5 % errors \(17 of 3,400\) against stable 0\.39 % \(119 of 30,600\): within the allowed 1\.25 x stable \+ 0\.5 % = 0\.99 % with 9\d(\.\d+)? % confidence$/,
      ),
    });
  });

  it('takes two scrapes, as one may show an outage of both in stable only', () => {
    const one = feed(rules, [[0, 150, 135, 1350]]);
    expect(judgeMetrics(rules, one.evidence, one.nowMs).kind).toBe('unknown');
    const two = feed(rules, [[0, 150, 135, 1350]], one);
    expect(judgeMetrics(rules, two.evidence, two.nowMs).kind).toBe('pass');
  });

  it('is of all limits', () => {
    const { evidence, nowMs } = feed(both, times(10, [4, 200, 40, 1800]));
    expect(evidence.limits[0]?.within.logE).toBeGreaterThan(both.passNats);
    expect(judgeMetrics(both, evidence, nowMs).kind).not.toBe('pass');
  });

  it('is not latched', () => {
    const good = feed(rules, times(6, [0, 150, 7, 1350]));
    expect(judgeMetrics(rules, good.evidence, good.nowMs).kind).toBe('pass');
    const bad = feed(rules, [[20, 150, 7, 1350]], good);
    expect(judgeMetrics(rules, bad.evidence, bad.nowMs).kind).toBe('unknown');
  });

  it('of an absolute limit needs no stable', () => {
    const { evidence, nowMs } = feed(absolute, times(4, [0, 150, 0, 0]));
    expect(judgeMetrics(absolute, evidence, nowMs)).toEqual({
      kind: 'pass',
      because: expect.stringMatching(/^canary 0 % errors \(0 of 600\): within the allowed 1 % with 9\d/),
    });
  });
});

describe('unknown', () => {
  const good = feed(rules, times(6, [0, 150, 7, 1350]));

  it('before the first reading', () => {
    const none = startEvidence(rules);
    expect(judgeMetrics(rules, none, 0)).toEqual({ kind: 'unknown', reason: 'metrics-unavailable', because: 'no metrics were read yet' });
    expect(describeProgress(rules, none)).toBe('no metrics were read yet');
    const down = absorbUnavailable(none, 'no connection', 0);
    expect(judgeMetrics(rules, down, 46_000)).toMatchObject({
      reason: 'metrics-unavailable',
      because: expect.stringContaining('no connection'),
    });
  });

  it('when Prometheus is gone for more than 45 s, whatever was seen before', () => {
    const down = absorbUnavailable(good.evidence, 'x'.repeat(1000), good.nowMs + 5_000);
    expect(judgeMetrics(rules, down, good.nowMs + 45_000).kind).toBe('pass');
    expect(judgeMetrics(rules, down, good.nowMs + 45_001)).toEqual({
      kind: 'unknown',
      reason: 'metrics-unavailable',
      because: `no request was counted for 45 s: ${'x'.repeat(300)}`,
    });
    const back = feed(rules, [[0, 600, 20, 5400]], { ...good, evidence: down, nowMs: good.nowMs + 60_000 });
    expect(judgeMetrics(rules, back.evidence, back.nowMs).kind).toBe('pass');
    expect(describeProgress(rules, back.evidence)).not.toContain('unavailable');
    expect(back.evidence.totals).toEqual({ canaryErrors: 0, canaryRequests: 1500, stableErrors: 62, stableRequests: 13_500 });
  });

  it('when the canary goes silent, as hangs count no errors', () => {
    const silent = feed(rules, times(4, [0, 0, 7, 1350]), good);
    expect(judgeMetrics(rules, silent.evidence, silent.nowMs)).toMatchObject({
      kind: 'unknown',
      reason: 'too-little-traffic',
      because: expect.stringContaining('hangs'),
    });
  });

  it('when both go silent, whatever the limits', () => {
    for (const by of [rules, absolute]) {
      const { evidence, nowMs } = feed(by, [...times(6, [0, 150, 7, 1350]), ...times(4, [0, 0, 0, 0])]);
      expect(judgeMetrics(by, evidence, nowMs)).toEqual({
        kind: 'unknown',
        reason: 'metrics-unavailable',
        because: 'no request was counted for 60 s: no traffic, or Prometheus does not scrape',
      });
    }
  });

  it('when stable goes silent, for a comparison', () => {
    const silent = feed(rules, times(4, [0, 150, 0, 0]), good);
    expect(judgeMetrics(rules, silent.evidence, silent.nowMs)).toMatchObject({
      kind: 'unknown',
      reason: 'metrics-unavailable',
      because: 'no request of stable was counted for 60 s: there is nothing to compare the canary with',
    });
  });

  it('with too little traffic', () => {
    const { evidence, nowMs } = feed(absolute, times(4, [0, 50, 0, 450]));
    expect(judgeMetrics(absolute, evidence, nowMs)).toEqual({
      kind: 'unknown',
      reason: 'too-little-traffic',
      because: 'too little traffic: 200 of about 368 canary requests; even without errors so many are needed to show that it is within 1 %',
    });
  });

  it('close to the limit', () => {
    const { evidence, nowMs } = feed(absolute, times(10, [4, 580, 0, 1]));
    expect(judgeMetrics(absolute, evidence, nowMs)).toEqual({
      kind: 'unknown',
      reason: 'too-close-to-call',
      because: expect.stringMatching(
        /^canary 0\.69 % errors \(40 of 5,800\): too close to the allowed 1 % to call; leaning good \(evidence [\d.]+ to 1, 20 to 1 needed\)$/,
      ),
    });
    const bad = feed(absolute, times(10, [7, 580, 0, 1]));
    expect(judgeMetrics(absolute, bad.evidence, bad.nowMs)).toMatchObject({
      reason: 'too-close-to-call',
      because: expect.stringMatching(/leaning bad \(evidence [\d.]+ to 1, 1,000 to 1 needed\)$/),
    });
  });
});

describe('numbers', () => {
  const { evidence } = feed(both, [
    [1, 400, 12, 3600],
    [1, 412, 19, 3700],
  ]);

  it('in one line', () => {
    expect(describeProgress(both, evidence)).toMatch(
      /^canary 2 of 812 failed \(0\.25 %\), stable 31 of 7,300 \(0\.42 %\); evidence of bad -\d\.\d of 7\.6, of good \d\.\d of 3\.0$/,
    );
    expect(describeProgress(both, absorbUnavailable(evidence, 'no connection', 0))).toMatch(
      /of 3\.0; metrics unavailable now: no connection$/,
    );
  });

  it('as plain data', () => {
    const numbers = evidenceNumbers(both, evidence);
    expect(JSON.parse(JSON.stringify(numbers))).toEqual({
      canary: { errors: 2, requests: 812, rate: 2 / 812, lowerBound: expect.any(Number), upperBound: expect.any(Number) },
      stable: { errors: 31, requests: 7300, rate: 31 / 7300, lowerBound: expect.any(Number), upperBound: expect.any(Number) },
      limits: [
        {
          limit: { ratio: 1.25, absolute: 0.005 },
          allowedRate: expect.closeTo(1.25 * (31 / 7300) + 0.005, 4),
          worse: expect.anything(),
          within: expect.anything(),
        },
        {
          limit: { ratio: 0, absolute: 0.01 },
          allowedRate: expect.closeTo(0.01, 12),
          worse: { logE: expect.any(Number), neededNats: Math.log(2000), confidence: 0 },
          within: expect.anything(),
        },
      ],
    });
  });

  it('stay small: they go into an annotation', () => {
    const totals: Batch = evidence.totals;
    expect(totals.canaryRequests).toBe(812);
    expect(JSON.stringify(evidence).length).toBeLessThan(3000);
  });
});
