import { describe, expect, it } from 'vitest';
import { noBatch } from '../../../src/rollout/gates/counters.ts';
import { fullBudget, isOverdrawn, isSpent, spend } from '../../../src/rollout/gates/error-budget.ts';
import { reasonToHold } from '../../../src/rollout/gates/hold.ts';
import { absorbReading, judgeMetrics, type MetricsEvidence, startEvidence } from '../../../src/rollout/gates/metrics-gate.ts';
import { evidenceNumbers } from '../../../src/rollout/gates/metrics-numbers.ts';
import { type JudgedSpec, type MetricsRules, rulesFor, worseTest } from '../../../src/rollout/gates/metrics-rules.ts';
import { type SequentialTest, startTest, updateTest } from '../../../src/rollout/gates/sequential-test.ts';
import { slowBoundProblem } from '../../../src/rollout/gates/slow-requests.ts';
import { absorbTraffic, startTraffic } from '../../../src/rollout/gates/traffic-share.ts';
import { binomial, seeded } from './random.ts';
import { type ErrorRates, ScrapedPods } from './scraped-pods.ts';

const spec: JudgedSpec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs: 1_800_000 };

function rules(changes: Partial<JudgedSpec>, compare = true): MetricsRules {
  const found = rulesFor({ compare, spec: { ...spec, ...changes } });
  if (found === undefined) throw new Error('no rules');
  return found;
}

type Counter = { readonly errors: number; readonly requests: number; readonly slow?: number };

/** Cumulative counters of one pod each, 15 s apart; through JSON, as in the journal. */
function feed(by: MetricsRules, readings: readonly (readonly [canary: Counter, stable: Counter])[], share?: number): MetricsEvidence {
  let evidence = startEvidence(by);
  for (const [index, [canary, stable]] of readings.entries()) {
    const next = absorbReading(by, evidence, { canary: { c: canary }, stable: { s: stable } }, index * 15_000, share);
    evidence = JSON.parse(JSON.stringify(next));
  }
  return evidence;
}

/** So many readings, each with the same counts on top. */
function growing(readings: number, canary: Counter, stable: Counter): readonly (readonly [Counter, Counter])[] {
  const times = (counter: Counter, factor: number): Counter => ({
    errors: counter.errors * factor,
    requests: counter.requests * factor,
    ...(counter.slow === undefined ? {} : { slow: counter.slow * factor }),
  });
  return Array.from({ length: readings }, (_, index) => [times(canary, index), times(stable, index + 1)]);
}

describe('alpha', () => {
  it('is shared by every test, and by the budget not, which is none', () => {
    const all = rules({ maxErrorRate: 0.01, maxSlow: { absolute: 0.05, boundMs: 300 }, minTraffic: 0.5, errorBudget: 10, dispersion: 3 });
    expect(all.limits).toHaveLength(3);
    expect(all.failNats).toBeCloseTo(Math.log(4 / 0.001), 12);
    expect(all).toMatchObject({ minTraffic: 0.5, errorBudget: 10, dispersion: 3 });
    expect(rules({ errorBudget: 10 }).failNats).toBeCloseTo(Math.log(1000), 12);
  });

  it('goes to the absolute limits alone beside an unhealthy stable', () => {
    const alone = rules({ maxErrorRate: 0.01, minTraffic: 0.5, errorBudget: 10 }, false);
    expect(alone).toMatchObject({ limits: [{ ratio: 0, absolute: 0.01 }], minTraffic: undefined, errorBudget: undefined });
    expect(alone.failNats).toBeCloseTo(Math.log(1000), 12);
  });
});

describe('max-slow', () => {
  const slow = rules({ maxSlow: { absolute: 0.05, boundMs: 300 } });

  it('convicts a canary that answers without errors and too late', () => {
    const evidence = feed(slow, growing(4, { errors: 0, requests: 150, slow: 30 }, { errors: 0, requests: 1350, slow: 13 }));
    expect(judgeMetrics(slow, evidence, 45_000)).toMatchObject({
      kind: 'fail',
      reason: 'metrics-failed',
      because: expect.stringMatching(
        /^canary 20 % slower than 300ms \(\d+ of \d+\): worse than the allowed 5 % with 99\.\d+ % confidence$/,
      ),
    });
  });

  it('passes only when both are within', () => {
    const fast = feed(slow, growing(12, { errors: 0, requests: 150, slow: 1 }, { errors: 0, requests: 1350, slow: 13 }));
    expect(judgeMetrics(slow, fast, 165_000).kind).toBe('pass');
    const near = feed(slow, growing(12, { errors: 0, requests: 150, slow: 7 }, { errors: 0, requests: 1350, slow: 13 }));
    expect(judgeMetrics(slow, near, 165_000)).toMatchObject({
      kind: 'unknown',
      reason: 'too-close-to-call',
      because: expect.stringMatching(/^canary 4\.67 % slower than 300ms \(77 of 1,650\): too close to the allowed 5 % to call/),
    });
  });

  it('does not take what is not counted for fast', () => {
    const blind = feed(slow, growing(12, { errors: 0, requests: 150 }, { errors: 0, requests: 1350 }));
    expect(judgeMetrics(slow, blind, 165_000)).toMatchObject({ kind: 'unknown', reason: 'metrics-unavailable' });
  });

  it('says the numbers of slow requests, too', () => {
    const evidence = feed(slow, growing(4, { errors: 0, requests: 150, slow: 3 }, { errors: 0, requests: 1350, slow: 13 }));
    expect(evidenceNumbers(slow, evidence).limits[1]).toMatchObject({ limit: { slowOverMs: 300 }, allowedRate: 0.05 });
  });

  it.each<[number, readonly number[] | undefined, string | undefined]>([
    [300, [100, 300, 1000], undefined],
    [300, [0.3 * 1000, 0.1 * 1000], undefined],
    [2500, [100, 2500.0000000000005], undefined],
    [300, [500, 100, 250, 100], "max-slow: 5 % over 300ms: 300ms is no bound of the histogram's buckets; valid: 100ms, 250ms, 500ms"],
    [300, [], 'max-slow: 5 % over 300ms: the metrics have no histogram of response times'],
    [300, undefined, 'max-slow: 5 % over 300ms: the metrics have no histogram of response times'],
    [1500, [1000, 2500], "max-slow: 5 % over 1.5s: 1.5s is no bound of the histogram's buckets; valid: 1s, 2.5s"],
  ])('%d ms with the bounds %j: %s', (boundMs, bounds, problem) => {
    expect(slowBoundProblem({ absolute: 0.05, boundMs }, bounds)).toBe(problem);
  });

  it('lists no endless number of bounds', () => {
    const bounds = Array.from({ length: 10_000 }, (_, index) => index + 0.5);
    expect(slowBoundProblem({ absolute: 0.05, boundMs: 300 }, bounds)?.length).toBeLessThan(500);
  });
});

describe('dispersion', () => {
  it('divides the evidence', () => {
    const readings = growing(2, { errors: 6, requests: 150 }, { errors: 5, requests: 1350 });
    const [one, three] = [rules({}), rules({ dispersion: 3 })].map((by) => feed(by, readings).limits[0]?.worse.logE ?? 0);
    expect(one).toBeGreaterThan(1.5);
    expect(three).toBeLessThan(0.6 * (one ?? 0));
  });
});

describe('min-traffic', () => {
  const by = rules({ minTraffic: 0.5 });
  const share = 0.2;

  /** Seconds until the conviction, if any; windows of 15 s. `canaryShare` is what the canary really answers. */
  function convictedAfter(seconds: number, requests: number, canaryOf: (at: number, requests: number) => number): number | undefined {
    let evidence = startTraffic(by);
    for (let at = 0; at <= seconds; at += 15) {
      const canaryRequests = canaryOf(at, requests);
      const delta = { canaryErrors: 0, canaryRequests, stableErrors: 0, stableRequests: requests - canaryRequests };
      evidence = absorbTraffic(by, evidence, delta, share, at * 1000);
      if (evidence.test.logE >= by.failNats) return at;
    }
    return undefined;
  }

  it('is not judged unless it is asked for', () => {
    expect(startEvidence(rules({})).traffic).toBeUndefined();
  });

  it('convicts a canary that hangs, after two windows and not after one', () => {
    const random = seeded(1);
    const hangs = convictedAfter(900, 1500, (at, requests) => (at >= 300 ? 0 : binomial(random, requests, share)));
    expect(hangs).toBeGreaterThanOrEqual(300 + 45);
    expect(hangs).toBeLessThanOrEqual(300 + 135);
  });

  it('is not convinced by one window, however many requests of stable are in it', () => {
    let evidence = startTraffic(by);
    const logE: number[] = [];
    for (let at = 0; at <= 180; at += 45) {
      const delta = { canaryErrors: 0, canaryRequests: 0, stableErrors: 0, stableRequests: 1_000_000 };
      evidence = absorbTraffic(by, evidence, delta, share, at * 1000);
      logE.push(evidence.test.logE);
    }
    const [first, warm, one = 0, two = 0] = logE;
    expect([first, warm]).toEqual([0, 0]);
    expect(one).toBeLessThan(by.failNats);
    expect(two).toBeGreaterThan(one);
    expect(logE.at(-1)).toBeGreaterThan(by.failNats);
  });

  it('convicts no canary that answers its share, where requests are spread one by one', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed);
      for (const requests of [15, 1500]) {
        const found = convictedAfter(600, requests, (_, all) => binomial(random, all, share));
        if (found !== undefined) alarms += 1;
      }
    }
    expect(alarms).toBe(0);
  });

  it('holds at its own boundary: exactly half of its share, connections of five requests each', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 1000; seed += 1) {
      const random = seeded(seed);
      if (convictedAfter(600, 1500, (_, all) => 5 * binomial(random, all / 5, share / 2)) !== undefined) alarms += 1;
    }
    expect(alarms).toBeLessThanOrEqual(4);
  });

  it('would convict healthy canaries where few connections are kept: that is why it is off by default', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seeded(seed);
      const pods = Array.from({ length: 10 }, () => random() < share);
      const kept = (requests: number): number => (requests * pods.filter((isCanary) => isCanary).length) / pods.length;
      if (convictedAfter(600, 1500, (_, all) => kept(all)) !== undefined) alarms += 1;
    }
    expect(alarms).toBeGreaterThan(10);
  });

  it('waits while the share changes, is unknown, or stable answers nothing', () => {
    let evidence = startTraffic(by);
    const silent = { canaryErrors: 0, canaryRequests: 0, stableErrors: 0, stableRequests: 1500 };
    for (let at = 0; at < 1000; at += 15) evidence = absorbTraffic(by, evidence, silent, at % 30 === 0 ? 0.2 : 0.25, at * 1000);
    for (let at = 1000; at < 2000; at += 15) evidence = absorbTraffic(by, evidence, silent, undefined, at * 1000);
    for (let at = 2000; at < 3000; at += 15) evidence = absorbTraffic(by, evidence, { ...silent, stableRequests: 0 }, 0.2, at * 1000);
    expect(evidence.test.logE).toBe(0);
  });

  it('says so in a verdict', () => {
    const readings = Array.from({ length: 40 }, (_, index): readonly [Counter, Counter] => [
      { errors: 0, requests: 10 + Math.min(index, 12) * 300 },
      { errors: 0, requests: index * 1200 },
    ]);
    expect(judgeMetrics(by, feed(by, readings, share), 39 * 15_000)).toMatchObject({
      kind: 'fail',
      reason: 'traffic-vanished',
      because: expect.stringMatching(/^the canary answered [\d,]+ requests where its share of the pods is [\d,]+: less than the 50 %/),
    });
    expect(judgeMetrics(by, feed(by, readings), 39 * 15_000).kind).not.toBe('fail');
  });
});

describe('error-budget', () => {
  const delta = (canaryErrors: number, canaryRequests: number, stableErrors: number, stableRequests: number) => ({
    canaryErrors,
    canaryRequests,
    stableErrors,
    stableRequests,
  });

  it('is spent by errors above the rate of stable, and settled by the next window', () => {
    const once = spend(fullBudget, delta(60, 300, 12, 1200), 0);
    expect([once.spent, isOverdrawn(50, once)]).toEqual([0, true]);
    const settled = spend(once, delta(0, 300, 0, 1200), 15_000);
    expect(settled.spent).toBe(57);
    expect([isSpent(50, settled), isSpent(57, settled), isOverdrawn(57, settled)]).toEqual([true, false, false]);
  });

  it('is not spent by an outage that stable shows a scrape later or earlier, and errors that are saved buy none', () => {
    const play = (...deltas: readonly ReturnType<typeof delta>[]) =>
      deltas.reduce((evidence, next, index) => spend(evidence, next, index * 15_000), fullBudget);
    const none = delta(0, 300, 0, 1200);
    expect(play(delta(300, 300, 0, 1200), delta(0, 300, 1200, 1200), delta(0, 300, 0, 1200)).spent).toBe(0);
    expect(play(delta(0, 300, 1200, 1200), delta(300, 300, 0, 1200), delta(0, 300, 0, 1200)).spent).toBe(0);
    expect(play(delta(0, 300, 600, 1200), none, delta(30, 300, 0, 1200), none).spent).toBe(30);
  });

  const by = rules({ errorBudget: 100, maxErrorIncrease: { ratio: 100, absolute: 0.9 } });

  function play(seed: number, ratesAt: (at: number) => ErrorRates, seconds = 600): MetricsEvidence {
    const random = seeded(seed);
    const pods = new ScrapedPods(random, { canary: 1, stable: 9, requestsPerSecond: 100, scrapeSeconds: 15 });
    let evidence = startEvidence(by);
    for (let at = 0; at < seconds && evidence.failure === undefined; at += 1)
      evidence = absorbReading(by, evidence, pods.second(at, ratesAt(at)), at * 1000);
    return evidence;
  }

  it('ends a canary whose errors the limit would allow', () => {
    const evidence = play(1, () => ({ canary: 0.3, stable: 0 }));
    const endedAtMs = evidence.failure?.atMs ?? 0;
    expect(evidence.failure?.limit).toBe('budget');
    expect(endedAtMs).toBeLessThanOrEqual(90_000);
    expect(judgeMetrics(by, evidence, endedAtMs)).toMatchObject({
      kind: 'fail',
      reason: 'error-budget-spent',
      because: expect.stringMatching(/^the canary failed \d+ of \d+ requests, \d+ more than at stable's rate: the error budget is 100$/),
    });
  });

  it('survives outages that both share, whichever scrape shows them first', () => {
    let ended = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const evidence = play(seed, (at) => (at >= 120 && at < 165 ? { canary: 1, stable: 1 } : { canary: 0.002, stable: 0.002 }), 300);
      if (evidence.failure !== undefined) ended += 1;
    }
    expect(ended).toBe(0);
  });

  it('lets no step grow, and nothing pass, while it is overdrawn', () => {
    const evidence = feed(by, growing(8, { errors: 0, requests: 300 }, { errors: 0, requests: 1200 }));
    expect(reasonToHold(evidence, by)).toBeUndefined();
    const overdrawn = { ...evidence, budget: { ...fullBudget, last: { ...noBatch, canaryErrors: 200, canaryRequests: 300 } } };
    expect(reasonToHold(overdrawn, by)).toContain('overdrawn');
    expect(judgeMetrics(by, evidence, 105_000).kind).toBe('pass');
    expect(judgeMetrics(by, overdrawn, 105_000).kind).toBe('unknown');
  });
});

describe('restarts by time', () => {
  const test: SequentialTest = { side: 'worse', ratio: 0, absolute: 0.01, dispersion: 1, capNats: 0, restarts: 'by-time' };
  const batch = { canaryErrors: 10, canaryRequests: 10, stableErrors: 0, stableRequests: 0 };

  it.each([1 / 7, 1 / 120, 0.9])('bet the whole capital and no more, with batches of %d of the time', (timeShare) => {
    let state = startTest(test);
    for (let i = 0; i < 200; i += 1) state = updateTest(test, state, batch, timeShare);
    expect(state.logE).toBeCloseTo(0, 9);
    expect(state.reserve).toBe(timeShare > 0.006 ? 0 : expect.any(Number));
  });

  it('do the same as restarts by number where all batches are alike', () => {
    const by = rules({ timeoutMs: 600_000 });
    const live = worseTest(by, { ratio: 0, absolute: 0.01 });
    const counted: SequentialTest = { ...live, restarts: 40 };
    let [a, b] = [startTest(live), startTest(counted)];
    for (let i = 0; i < 60; i += 1) {
      const next = { ...batch, canaryErrors: i % 3, canaryRequests: 100 };
      [a, b] = [updateTest(live, a, next, 15 / 600), updateTest(counted, b, next)];
      expect(a.logE).toBeCloseTo(b.logE, 9);
    }
  });
});

describe('memory of stable', () => {
  const by = rules({ timeoutMs: 600_000 });
  const live = worseTest(by, { ratio: 1.25, absolute: 0.005 });
  const { memoryRequests: _, ...forEver } = live;

  function convicted(test: SequentialTest, runs: number, ratesAt: (at: number) => ErrorRates): number {
    let found = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const random = seeded(seed);
      let state = startTest(test);
      for (let at = 15; at <= 600 && state.logE < by.failNats; at += 15) {
        const { canary, stable } = ratesAt(at);
        const batch = {
          canaryErrors: binomial(random, 60, canary),
          canaryRequests: 60,
          stableErrors: binomial(random, 240, stable),
          stableRequests: 240,
        };
        state = updateTest(test, state, batch, 15 / 600);
      }
      if (state.logE >= by.failNats) found += 1;
    }
    return found / runs;
  }

  it('finds a bad canary after a total outage of both', () => {
    const outageFirst = (at: number): ErrorRates => (at <= 60 ? { canary: 1, stable: 1 } : { canary: 0.05, stable: 0.005 });
    expect(convicted(live, 200, outageFirst)).toBeGreaterThan(0.98);
    expect(convicted(forEver, 200, outageFirst)).toBeLessThan(0.8);
  });

  it.each<[string, (at: number) => ErrorRates]>([
    ['steady', () => ({ canary: 1.25 * 0.005 + 0.005, stable: 0.005 })],
    [
      'an outage to 30 %',
      (at) => (at > 150 && at <= 225 ? { canary: 1.25 * 0.3 + 0.005, stable: 0.3 } : { canary: 0.01125, stable: 0.005 }),
    ],
    [
      'a swinging rate',
      (at) => {
        const stable = 0.02 * (1 + 0.95 * Math.sin(at / 40));
        return { canary: 1.25 * stable + 0.005, stable };
      },
    ],
    ['a growing rate', (at) => ({ canary: 1.25 * (at / 6000) + 0.005, stable: at / 6000 })],
  ])('convicts no more than alpha on the limit: %s', (_name, ratesAt) => {
    expect(convicted(live, 1000, ratesAt)).toBeLessThanOrEqual(0.004);
  });
});
