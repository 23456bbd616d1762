import type { ErrorLimit, ReleaseSpec } from '../spec.ts';
import type { SequentialTest } from './sequential-test.ts';

/** A limit for errors; with `slowOverMs`, for requests that take longer than that (milliseconds). */
export type GateLimit = ErrorLimit & { readonly slowOverMs?: number };

/** What the canary's errors are judged by: plain data, the same for the same spec. */
export type MetricsRules = {
  /** What the judged version is called in sentences; undefined: canary. */
  readonly judged?: 'green' | 'new version' | undefined;
  /** `compare` to stable, or an absolute limit (`ratio` 0); never empty. The canary must keep within all, one that is broken fails. */
  readonly limits: readonly GateLimit[];
  /** The part of its fair share of the requests that the canary must answer; undefined: not judged. */
  readonly minTraffic?: number | undefined;
  /** Failed requests beyond those at stable's rate; undefined: no bound. No test, so it shares no alpha. */
  readonly errorBudget?: number | undefined;
  /** Stable's error rate (a fraction) for the budget where stable does not serve beside the canary; undefined: that of the same time. */
  readonly rateBefore?: number | undefined;
  /** Evidence of a broken limit that convicts: ln(tests / alpha). */
  readonly failNats: number;
  /** Evidence of a kept limit that acquits: ln(1 / beta). Not divided: all must pass. */
  readonly passNats: number;
  /**
   * How much of the evidence that decides one batch may give: one scrape alone never does, two can. On both sides: in an outage that both
   * arms share, but that the scrapes of stable show first, an uncapped pass side acquitted a bad canary in half of the runs.
   */
  readonly batchShareMax: number;
  /** The time over which restarts are spread, in proportion: the whole release. */
  readonly restartsMs: number;
  /** Of how many requests stable's rate is guessed from at least: after an outage an older guess would bet on the wrong rates. */
  readonly memoryRequests: number;
  readonly dispersion: number;
  /** Fewer canary errors than this never convict: they may be the retries of one client. */
  readonly errorsMin: number;
  /** Without new requests for longer than this nothing passes. */
  readonly staleMs: number;
};

const alpha = 0.001;
const beta = 0.05;
const memoryRequests = 300;

/** What of a spec the metrics are judged by. */
export type JudgedSpec = Pick<
  ReleaseSpec,
  'maxErrorIncrease' | 'maxErrorRate' | 'maxSlow' | 'minTraffic' | 'errorBudget' | 'dispersion' | 'timeoutMs'
>;

/**
 * The rules of a release (gates.md §4): `maxErrorIncrease` if stable is there to compare with, `maxErrorRate` and `maxSlow` if
 * they are given.
 * Undefined if that leaves no limit: then metrics cannot judge.
 */
export function rulesFor(given: { readonly compare: boolean; readonly spec: JudgedSpec }): MetricsRules | undefined {
  const { maxErrorIncrease, maxErrorRate, maxSlow, minTraffic, errorBudget, dispersion, timeoutMs } = given.spec;
  const limits: GateLimit[] = [];
  if (given.compare) limits.push(maxErrorIncrease);
  if (maxErrorRate !== undefined) limits.push({ ratio: 0, absolute: maxErrorRate });
  if (maxSlow !== undefined) limits.push({ ratio: 0, absolute: maxSlow.absolute, slowOverMs: maxSlow.boundMs });
  if (limits.length === 0) return undefined;
  return {
    limits,
    // Beside an unhealthy stable nobody knows what a fair share or a normal rate is.
    minTraffic: given.compare ? minTraffic : undefined,
    errorBudget: given.compare ? errorBudget : undefined,
    failNats: Math.log((limits.length + (given.compare && minTraffic !== undefined ? 1 : 0)) / alpha),
    passNats: Math.log(1 / beta),
    batchShareMax: 0.75,
    restartsMs: timeoutMs,
    memoryRequests,
    dispersion: dispersion ?? 1,
    errorsMin: 5,
    staleMs: 45_000,
  };
}

export function isSlowLimit(limit: GateLimit): boolean {
  return limit.slowOverMs !== undefined;
}

/** What the judged version is called. */
export function judgedName({ judged }: Pick<MetricsRules, 'judged'>): string {
  return judged ?? 'canary';
}

/** The same with its article, for a sentence. */
export function theJudged(rules: Pick<MetricsRules, 'judged'>): string {
  return rules.judged === 'green' ? 'green' : `the ${judgedName(rules)}`;
}

/** Its requests, for a number before it. */
export function judgedRequests(rules: Pick<MetricsRules, 'judged'>): string {
  return rules.judged === undefined ? 'canary requests' : `requests of ${theJudged(rules)}`;
}

/** Its pods, for a number before it. */
export function judgedPods(rules: Pick<MetricsRules, 'judged'>): string {
  return rules.judged === undefined ? 'canary pods' : `pods of ${theJudged(rules)}`;
}

/** How many tests share alpha. */
export function testCount(rules: MetricsRules): number {
  return rules.limits.length + (rules.minTraffic === undefined ? 0 : 1);
}

/** The test whose evidence, at `failNats`, says that the canary breaks the limit. */
export function worseTest(rules: MetricsRules, limit: ErrorLimit): SequentialTest {
  return { ...testOf(rules, limit), side: 'worse', capNats: rules.batchShareMax * rules.failNats, restarts: 'by-time' };
}

/** The test whose evidence, at `passNats`, says that the canary keeps the limit. */
export function withinTest(rules: MetricsRules, limit: ErrorLimit): SequentialTest {
  return { ...testOf(rules, limit), side: 'within', capNats: rules.batchShareMax * rules.passNats, restarts: 0 };
}

function testOf({ dispersion, memoryRequests }: MetricsRules, { ratio, absolute }: ErrorLimit) {
  return { ratio, absolute, dispersion, memoryRequests };
}

/** The canary's largest allowed error rate, a fraction, beside the given rate of stable. */
export function allowedRate(limit: ErrorLimit, stableRate: number): number {
  return limit.ratio * stableRate + limit.absolute;
}
