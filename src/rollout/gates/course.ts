import { lowerBound, upperBound } from './error-bounds.ts';
import type { MetricsEvidence } from './metrics-evidence.ts';
import { allowedRateSoFar, countsOf } from './metrics-numbers.ts';
import type { GateLimit, MetricsRules } from './metrics-rules.ts';
import type { Batch } from './sequential-test.ts';

/** Where the evidence stood at one moment, in counts since the beginning. */
type Mark = {
  readonly atMs: number;
  readonly counts: Batch;
  readonly allowedRate: number;
  readonly evidenceOfBad: number;
  readonly evidenceOfGood: number;
};

/** The course of a judgement, for people: never more than `marksMax` marks, in equal parts of the time that has passed. */
export type Course = { readonly marks: readonly Mark[]; readonly strideMs: number };

export const noCourse: Course = { marks: [], strideMs: 1_000 };

const marksMax = 64;
const pointsMax = 32;

/** The course after one more turn; nothing before the canary's first request, and nothing new unless requests were counted. It is of the first limit, or of the one that convicted. */
export function addToCourse(course: Course, rules: MetricsRules | undefined, evidence: MetricsEvidence | undefined, atMs: number): Course {
  if (rules === undefined || evidence === undefined || evidence.canaryMovedAtMs === undefined) return course;
  const index = limitShown(evidence);
  const [limit, one] = [rules.limits[index], evidence.limits[index]];
  if (limit === undefined || one === undefined) return course;
  const counts = countsOf(limit, evidence);
  if (counts.canaryRequests === 0) return course;
  const last = course.marks.at(-1);
  // A conviction must show, however close it is to the mark before.
  const isEarly = last !== undefined && atMs - last.atMs < course.strideMs && evidence.failure === undefined;
  if (isEarly || (last !== undefined && isSame(last.counts, counts))) return course;
  const mark: Mark = {
    atMs,
    counts,
    allowedRate: allowedRateSoFar(limit, one, evidence),
    evidenceOfBad: Math.max(...evidence.limits.map(({ worse }) => worse.logE)),
    evidenceOfGood: Math.min(...evidence.limits.map(({ within }) => within.logE)),
  };
  const marks = [...course.marks, mark];
  if (marks.length <= marksMax) return { ...course, marks };
  return { strideMs: course.strideMs * 2, marks: marks.filter((_, place) => place % 2 === 0 || place === marks.length - 1) };
}

function isSame(a: Batch, b: Batch): boolean {
  return a.canaryRequests === b.canaryRequests && a.stableRequests === b.stableRequests;
}

/** The limit that convicted, else the first. */
export function limitShown({ failure }: MetricsEvidence): number {
  return typeof failure?.limit === 'number' ? failure.limit : 0;
}

export type CourseArm = {
  /** A fraction; undefined before the first request. */
  readonly rate: number | undefined;
  /** The true rate is above it with 99.9 % confidence, and below `upperBound` with 95 % (gates.md §3.6); fractions. */
  readonly lowerBound: number;
  readonly upperBound: number;
};

export type CoursePoint = {
  readonly atMs: number;
  readonly canary: CourseArm;
  readonly stable: CourseArm;
  readonly allowedRate: number;
  /** In nats. */
  readonly evidenceOfBad: number;
  readonly evidenceOfGood: number;
};

/** The course as points, 32 at most, with the bounds of both rates. Takes milliseconds a point: for a report, not for every turn. */
export function pointsOf(rules: MetricsRules, { marks }: Course): readonly CoursePoint[] {
  const every = Math.ceil(marks.length / pointsMax);
  const chosen = marks.filter((_, index) => (marks.length - 1 - index) % every === 0);
  return chosen.map(({ atMs, counts, allowedRate, evidenceOfBad, evidenceOfGood }) => ({
    atMs,
    canary: armOf(rules, counts.canaryErrors, counts.canaryRequests),
    stable: armOf(rules, counts.stableErrors, counts.stableRequests),
    allowedRate,
    evidenceOfBad,
    evidenceOfGood,
  }));
}

function armOf(rules: MetricsRules, errors: number, requests: number): CourseArm {
  return {
    rate: requests > 0 ? errors / requests : undefined,
    lowerBound: lowerBound(errors, requests, rules.failNats),
    upperBound: upperBound(errors, requests, rules.passNats),
  };
}

/** What the points are of, in words. */
export function courseTitle(limit: GateLimit | undefined): string {
  return limit?.slowOverMs === undefined ? 'error rate' : 'share of slow requests';
}
