import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CountersState, closeBatch, difference, noBatch, noCounters } from '../../../src/rollout/gates/counters.ts';
import type { MetricsReading, PodCounters } from '../../../src/rollout/observation.ts';

type Pair = readonly [errors: number, requests: number];
type Pods = Readonly<Record<string, Pair>>;

const counters = (pods: Pods): PodCounters =>
  Object.fromEntries(Object.entries(pods).map(([pod, [errors, requests]]) => [pod, { errors, requests }]));
const reading = (canary: Pods, stable: Pods): MetricsReading => ({ canary: counters(canary), stable: counters(stable) });

/** The deltas of consecutive readings, as [canary errors, canary requests, stable errors, stable requests]. */
function deltas(...readings: readonly MetricsReading[]): readonly (readonly number[])[] {
  let state: CountersState = noCounters;
  return readings.map((one) => {
    const next = difference(state, one);
    state = JSON.parse(JSON.stringify(next.state));
    const { canaryErrors, canaryRequests, stableErrors, stableRequests } = next.delta;
    return [canaryErrors, canaryRequests, stableErrors, stableRequests];
  });
}

const cases: readonly { name: string; readings: readonly MetricsReading[]; expected: readonly (readonly number[])[] }[] = [
  {
    name: 'canary pods count from zero, the first stable pods are the baseline',
    readings: [reading({ c: [2, 30] }, { s: [900, 90_000] })],
    expected: [[2, 30, 0, 0]],
  },
  {
    name: 'afterwards both count what was added',
    readings: [reading({ c: [2, 30] }, { s: [900, 90_000] }), reading({ c: [3, 50] }, { s: [901, 90_100] })],
    expected: [
      [2, 30, 0, 0],
      [1, 20, 1, 100],
    ],
  },
  {
    name: 'a canary pod that appears later counts from zero',
    readings: [reading({ c: [0, 30] }, { s: [0, 1] }), reading({ c: [0, 30], d: [4, 5] }, { s: [0, 1] })],
    expected: [
      [0, 30, 0, 0],
      [4, 5, 0, 0],
    ],
  },
  {
    name: 'a stable pod that appears later counts from zero',
    readings: [reading({}, { s: [0, 1000] }), reading({}, { s: [0, 1100], t: [3, 90] })],
    expected: [
      [0, 0, 0, 0],
      [0, 0, 3, 190],
    ],
  },
  {
    name: 'but not with more requests than stable has answered since the baseline: it is older',
    readings: [reading({}, { s: [0, 1000] }), reading({}, { s: [0, 1100], t: [50, 101] }), reading({}, { s: [0, 1100], t: [51, 111] })],
    expected: [
      [0, 0, 0, 0],
      [0, 0, 0, 100],
      [0, 0, 1, 10],
    ],
  },
  {
    name: 'all that stable has answered counts for that, and just as much is not more',
    readings: [
      reading({}, { s: [0, 1000] }),
      reading({}, { s: [0, 1100] }),
      reading({}, { s: [0, 1110] }),
      reading({}, { s: [0, 1150], t: [3, 150] }),
    ],
    expected: [
      [0, 0, 0, 0],
      [0, 0, 0, 100],
      [0, 0, 0, 10],
      [0, 0, 3, 190],
    ],
  },
  {
    name: 'the baseline is the first reading that has stable pods',
    readings: [reading({ c: [0, 10] }, {}), reading({ c: [0, 20] }, { s: [5, 500] }), reading({ c: [0, 20] }, { s: [6, 510] })],
    expected: [
      [0, 10, 0, 0],
      [0, 10, 0, 0],
      [0, 0, 1, 10],
    ],
  },
  {
    name: 'fewer than half is a restart and counts in full',
    readings: [reading({ c: [8, 100] }, {}), reading({ c: [2, 49] }, {}), reading({ c: [2, 50] }, {})],
    expected: [
      [8, 100, 0, 0],
      [2, 49, 0, 0],
      [0, 1, 0, 0],
    ],
  },
  {
    name: 'a restart counts all errors, even where they are more than before it',
    readings: [reading({ c: [1, 100] }, {}), reading({ c: [20, 20] }, {})],
    expected: [
      [1, 100, 0, 0],
      [20, 20, 0, 0],
    ],
  },
  {
    name: 'a small step back and forth (another replica answers) counts nothing twice',
    readings: [reading({ c: [3, 100] }, {}), reading({ c: [1, 95] }, {}), reading({ c: [4, 110] }, {})],
    expected: [
      [3, 100, 0, 0],
      [0, 0, 0, 0],
      [1, 10, 0, 0],
    ],
  },
  {
    name: 'half exactly is a step back',
    readings: [reading({ c: [0, 100] }, {}), reading({ c: [0, 50] }, {})],
    expected: [
      [0, 100, 0, 0],
      [0, 0, 0, 0],
    ],
  },
  {
    name: 'series that vanish and come back are not counted twice, in either arm',
    readings: [reading({ c: [3, 100] }, { s: [0, 5000] }), reading({}, {}), reading({ c: [5, 120] }, { s: [1, 5050] })],
    expected: [
      [3, 100, 0, 0],
      [0, 0, 0, 0],
      [2, 20, 1, 50],
    ],
  },
  {
    name: 'series that come back after a restart count in full',
    readings: [reading({ c: [3, 100] }, {}), reading({}, {}), reading({ c: [2, 10] }, {})],
    expected: [
      [3, 100, 0, 0],
      [0, 0, 0, 0],
      [2, 10, 0, 0],
    ],
  },
  {
    name: 'errors beyond the new requests wait',
    readings: [reading({ c: [0, 100] }, {}), reading({ c: [5, 103] }, {}), reading({ c: [5, 110] }, {})],
    expected: [
      [0, 100, 0, 0],
      [3, 3, 0, 0],
      [2, 7, 0, 0],
    ],
  },
];

describe('difference', () => {
  it.each(cases)('$name', ({ readings, expected }) => expect(deltas(...readings)).toEqual(expected));

  it('counts each request of growing counters once, however many readings miss the pod', () => {
    const steps = fc.array(fc.record({ errors: fc.nat(5), more: fc.nat(100), seen: fc.boolean() }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(steps, (growth) => {
        let [errors, requests] = [0, 0];
        const readings = [...growth, { errors: 0, more: 0, seen: true }].map(({ errors: failed, more, seen }) => {
          errors += Math.min(failed, more);
          requests += more;
          return reading(seen ? { c: [errors, requests] } : {}, {});
        });
        const sums = deltas(...readings).reduce((sum, delta) => [(sum[0] ?? 0) + (delta[0] ?? 0), (sum[1] ?? 0) + (delta[1] ?? 0)], [0, 0]);
        expect(sums).toEqual([errors, requests]);
      }),
      { seed: 4 },
    );
  });

  it('never gives negative counts nor more errors than requests', () => {
    const pods = fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), fc.tuple(fc.nat(100), fc.nat(200)), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(pods, pods), { maxLength: 8 }), (raw) => {
        for (const [canaryErrors = 0, canaryRequests = 0, stableErrors = 0, stableRequests = 0] of deltas(
          ...raw.map(([c, s]) => reading(c, s)),
        )) {
          expect(canaryErrors).toBeGreaterThanOrEqual(0);
          expect(stableErrors).toBeGreaterThanOrEqual(0);
          expect(canaryRequests).toBeGreaterThanOrEqual(canaryErrors);
          expect(stableRequests).toBeGreaterThanOrEqual(stableErrors);
        }
      }),
      { seed: 5 },
    );
  });
});

describe('closeBatch', () => {
  const canary = { ...noBatch, canaryErrors: 1, canaryRequests: 10 };
  const stable = { ...noBatch, stableErrors: 2, stableRequests: 20 };

  it('waits for both arms, and carries over', () => {
    const first = closeBatch(noBatch, canary, true);
    expect(first).toEqual({ batch: undefined, pending: canary });
    expect(closeBatch(first.pending, stable, true)).toEqual({ batch: { ...canary, ...pickStable(stable) }, pending: noBatch });
    expect(closeBatch(stable, stable, true)).toEqual({ batch: undefined, pending: { ...noBatch, stableErrors: 4, stableRequests: 40 } });
  });

  it('does not wait for stable where the limit does not need it, and always for the canary', () => {
    expect(closeBatch(noBatch, canary, false).batch).toEqual(canary);
    expect(closeBatch(noBatch, stable, false)).toEqual({ batch: undefined, pending: stable });
  });
});

const pickStable = ({ stableErrors, stableRequests }: typeof noBatch) => ({ stableErrors, stableRequests });
