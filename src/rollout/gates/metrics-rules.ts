import type { ErrorLimit, ReleaseSpec } from '../spec.ts';
import type { SequentialTest } from './sequential-test.ts';

/** What the canary's errors are judged by: plain data, the same for the same spec. */
export type MetricsRules = {
  /** `compare` to stable, or an absolute limit (`ratio` 0); never empty. The canary must keep within all, one that is broken fails. */
  readonly limits: readonly ErrorLimit[];
  /** Evidence of a broken limit that convicts: ln(limits / alpha). */
  readonly failNats: number;
  /** Evidence of a kept limit that acquits: ln(1 / beta). Not divided: all must pass. */
  readonly passNats: number;
  /**
   * How much of the evidence that decides one batch may give: one scrape alone never does, two can. On both sides: in an outage that both
   * arms share, but that the scrapes of stable show first, an uncapped pass side acquitted a bad canary in half of the runs.
   */
  readonly batchShareMax: number;
  readonly restarts: number;
  readonly dispersion: number;
  /** Fewer canary errors than this never convict: they may be the retries of one client. */
  readonly errorsMin: number;
  /** Without new requests for longer than this nothing passes. */
  readonly staleMs: number;
};

const alpha = 0.001;
const beta = 0.05;
const batchMs = 15_000;

/**
 * The rules of a release (gates.md §4): `maxErrorIncrease` if stable is there to compare with, and `maxErrorRate` if it is given.
 * Undefined if that leaves no limit: then metrics cannot judge.
 */
export function rulesFor(given: {
  readonly compare: boolean;
  readonly spec: Pick<ReleaseSpec, 'maxErrorIncrease' | 'maxErrorRate' | 'timeoutMs'>;
}): MetricsRules | undefined {
  const { maxErrorIncrease, maxErrorRate, timeoutMs } = given.spec;
  const limits: ErrorLimit[] = [];
  if (given.compare) limits.push(maxErrorIncrease);
  if (maxErrorRate !== undefined) limits.push({ ratio: 0, absolute: maxErrorRate });
  if (limits.length === 0) return undefined;
  const failNats = Math.log(limits.length / alpha);
  return {
    limits,
    failNats,
    passNats: Math.log(1 / beta),
    batchShareMax: 0.75,
    restarts: Math.min(Math.max(Math.ceil(timeoutMs / batchMs), 10), 240),
    dispersion: 1,
    errorsMin: 5,
    staleMs: 45_000,
  };
}

/** The test whose evidence, at `failNats`, says that the canary breaks the limit. */
export function worseTest(rules: MetricsRules, limit: ErrorLimit): SequentialTest {
  return { side: 'worse', ...limit, dispersion: rules.dispersion, capNats: rules.batchShareMax * rules.failNats, restarts: rules.restarts };
}

/** The test whose evidence, at `passNats`, says that the canary keeps the limit. */
export function withinTest(rules: MetricsRules, limit: ErrorLimit): SequentialTest {
  return { side: 'within', ...limit, dispersion: rules.dispersion, capNats: rules.batchShareMax * rules.passNats, restarts: 0 };
}

/** The canary's largest allowed error rate, a fraction, beside the given rate of stable. */
export function allowedRate(limit: ErrorLimit, stableRate: number): number {
  return limit.ratio * stableRate + limit.absolute;
}
