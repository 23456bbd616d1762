import { count, percent } from './amounts.ts';
import { type MetricsRules, theJudged } from './metrics-rules.ts';
import { type Batch, type SequentialTest, startTest, type TestState, updateTest } from './sequential-test.ts';

/**
 * Whether the canary answers its part of the requests: hangs produce no errors. Each request that any pod answers is a trial, one of the
 * canary's a success, and the test gathers evidence that these are fewer than `minTraffic` × the share of its pods (gates.md §5e).
 */
export type TrafficEvidence = {
  readonly test: TestState;
  /** Since when every pod counts and their number has not changed; undefined while the share is not known. */
  readonly steadySinceMs: number | undefined;
  readonly share: number;
  /** Since the last window. */
  readonly windowSinceMs: number;
  readonly canaryRequests: number;
  readonly stableRequests: number;
  /** All windows, for people. */
  readonly total: { readonly canaryRequests: number; readonly expectedRequests: number };
};

/** Requests that come over one connection all go to one pod; the least that one must reckon with. */
const dispersionMin = 5;

export function startTraffic(rules: MetricsRules): TrafficEvidence {
  return {
    test: startTest(trafficTest(rules, 0)),
    steadySinceMs: undefined,
    share: 0,
    windowSinceMs: 0,
    canaryRequests: 0,
    stableRequests: 0,
    total: { canaryRequests: 0, expectedRequests: 0 },
  };
}

/**
 * The evidence after the requests of one more reading. `share` is the canary's part of the pods that are ready and in the metrics (a
 * fraction); undefined: not known. A change of it is a warm-up of one window; a window is as long as no scrape interval is, and stable must
 * have answered in it.
 */
export function absorbTraffic(
  rules: MetricsRules,
  before: TrafficEvidence,
  delta: Batch,
  share: number | undefined,
  nowMs: number,
): TrafficEvidence {
  if (share === undefined || share <= 0 || share >= 1) return { ...before, steadySinceMs: undefined, canaryRequests: 0, stableRequests: 0 };
  if (before.steadySinceMs === undefined || before.share !== share)
    return { ...before, share, steadySinceMs: nowMs, windowSinceMs: nowMs, canaryRequests: 0, stableRequests: 0 };
  // Proxies need a moment for new endpoints, Prometheus a scrape; what the reading at the end of it shows is still of that time.
  if (before.windowSinceMs - before.steadySinceMs < rules.staleMs) return { ...before, windowSinceMs: nowMs };
  const canaryRequests = before.canaryRequests + delta.canaryRequests;
  const stableRequests = before.stableRequests + delta.stableRequests;
  const lengthMs = nowMs - before.windowSinceMs;
  if (lengthMs < rules.staleMs || stableRequests <= 0) return { ...before, canaryRequests, stableRequests };
  const requests = canaryRequests + stableRequests;
  const batch: Batch = { canaryErrors: canaryRequests, canaryRequests: requests, stableErrors: 0, stableRequests: 0 };
  const { total } = before;
  return {
    ...before,
    test: updateTest(trafficTest(rules, share), before.test, batch, lengthMs / rules.restartsMs),
    windowSinceMs: nowMs,
    canaryRequests: 0,
    stableRequests: 0,
    total: { canaryRequests: total.canaryRequests + canaryRequests, expectedRequests: total.expectedRequests + share * requests },
  };
}

function trafficTest(rules: MetricsRules, share: number): SequentialTest {
  return {
    side: 'within',
    ratio: 0,
    absolute: (rules.minTraffic ?? 0) * share,
    dispersion: Math.max(dispersionMin, rules.dispersion),
    capNats: rules.batchShareMax * rules.failNats,
    restarts: 'by-time',
  };
}

export function explainVanished(rules: MetricsRules, traffic: TrafficEvidence): string {
  const { canaryRequests, expectedRequests } = traffic.total;
  return `${theJudged(rules)} answered ${count(canaryRequests)} requests where its share of the pods is ${count(expectedRequests)}: less than the ${percent(rules.minTraffic ?? 0)} of it that min-traffic asks for; it hangs, refuses connections, or gets none`;
}
