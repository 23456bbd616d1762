import { describe, expect, test } from 'vitest';
import { renderPicture } from '../../src/github/evidence-picture.ts';
import { renderSummary } from '../../src/github/summary.ts';
import { gateNumbers } from '../../src/rollout/explain/gate-numbers.ts';
import type { GateNumbers } from '../../src/rollout/explain/report.ts';
import { addToCourse, type Course, noCourse, pointsOf } from '../../src/rollout/gates/course.ts';
import { absorbReading, judgeMetrics, type MetricsEvidence, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import { plan, state } from '../rollout/scene.ts';
import { report } from './report-fixture.ts';

const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs: 1_800_000 };
const rules = rulesFor({ compare: true, spec });
if (rules === undefined) throw new Error('no rules');
const by = rules;

/** So many readings, a second apart, with the canary's errors a second. */
function watch(seconds: number, errors: number): { readonly course: Course; readonly evidence: MetricsEvidence } {
  let evidence = startEvidence(by);
  let course = noCourse;
  for (let at = 0; at < seconds; at += 1) {
    const reading = {
      canary: { c: { errors: errors * at, requests: 20 * at } },
      stable: { s: { errors: Math.floor(at / 10), requests: 80 * (at + 1) } },
    };
    evidence = absorbReading(by, evidence, reading, at * 1000);
    course = addToCourse(course, by, evidence, at * 1000);
  }
  return { course, evidence };
}

function numbersOf({ course, evidence }: ReturnType<typeof watch>, outcome: Outcome): GateNumbers {
  const rollout = { state: state({ kind: 'ending', sinceMs: 0, outcome }, { evidence }), course };
  const numbers = gateNumbers(plan({ rules: by }), rollout, outcome);
  if (numbers === undefined) throw new Error('no numbers');
  return numbers;
}

const promoted: Outcome = { result: 'promoted', reason: 'gates-passed', because: '', evidence: [] };

describe('the course', () => {
  test('stays small, and keeps its first mark, however long the run', () => {
    const { course } = watch(3000, 0);
    expect(course.marks.length).toBeLessThanOrEqual(64);
    expect(course.marks[0]?.atMs).toBe(1000);
    expect(course.marks.at(-1)?.atMs).toBeGreaterThan(2_900_000);
    expect(JSON.stringify(pointsOf(by, course)).length).toBeLessThan(16_000);
  });

  test('has nothing new where nothing was counted', () => {
    const { course, evidence } = watch(30, 0);
    expect(addToCourse(course, by, evidence, 1e9)).toBe(course);
    expect(addToCourse(noCourse, undefined, undefined, 0)).toBe(noCourse);
  });

  test('ends with the conviction', () => {
    const { course, evidence } = watch(100, 10);
    expect(evidence.failure?.atMs).toBe(course.marks.at(-1)?.atMs);
    expect(course.marks.at(-1)?.evidenceOfBad).toBeGreaterThanOrEqual(by.failNats);
  });

  test('has bounds around each rate', () => {
    for (const { canary, stable } of pointsOf(by, watch(200, 1).course)) {
      for (const arm of [canary, stable]) {
        expect(arm.lowerBound).toBeLessThanOrEqual(arm.rate ?? 0);
        expect(arm.upperBound).toBeGreaterThanOrEqual(arm.rate ?? 0);
      }
    }
  });
});

describe('the picture', () => {
  test('shows rates, bounds and evidence as rows', () => {
    const lines = renderPicture(numbersOf(watch(300, 0), promoted)).split('\n');
    expect(lines[0]).toBe('### Course');
    expect(lines[3]).toMatch(/^error rate so far, from 0 to [\d.]+ %, over \d+ s, and at the end$/);
    expect(lines.slice(4, 11).map((line) => line.trim().replace(/ {2,}.*/, ''))).toEqual([
      'canary, upper bound',
      'canary',
      'canary, lower bound',
      'allowed',
      'stable, upper bound',
      'stable',
      'stable, lower bound',
    ]);
    expect(lines[4]).toMatch(/^ {2}canary, upper bound {3}█[▁▂▃▄▅▆▇█]{10,31} {2}[\d.]+ %$/);
    expect(lines[13]).toMatch(/^ {2}of good {15}[▁▂▃▄▅▆▇█]{10,32} {2}\d+\.\d of 3\.0$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(90);
  });

  test('is left out where there is nothing to show', () => {
    expect(renderPicture(numbersOf(watch(1, 0), promoted))).toBe('');
    expect(
      renderPicture({
        canary: { errors: 0, requests: 0 },
        stable: { errors: 0, requests: 0 },
        limitRate: undefined,
        confidence: undefined,
      }),
    ).toBe('');
  });

  test('is in the summary, below the numbers', () => {
    const text = renderSummary({ ...report, numbers: numbersOf(watch(300, 0), promoted) });
    expect(text.indexOf('### Course')).toBeGreaterThan(text.indexOf('### Numbers'));
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the numbers', () => {
  test('say as data what the sentence says', () => {
    const watched = watch(100, 10);
    const verdict = judgeMetrics(by, watched.evidence, 100_000);
    const numbers = numbersOf(watched, { result: 'rolled-back', reason: 'metrics-failed', because: verdict.because, evidence: [] });
    expect(verdict.because).toContain(`(${numbers.canary.errors} of ${numbers.canary.requests})`);
    expect(numbers).toMatchObject({
      measured: 'error rate',
      neededNats: { bad: by.failNats, good: by.passNats },
      gate: { limits: [{ limit: { ratio: 1.25, absolute: 0.005 } }], failedAtMs: watched.evidence.failure?.atMs },
    });
    expect(numbers.confidence).toBeGreaterThan(0.999);
    expect(JSON.parse(JSON.stringify(numbers))).toMatchObject({ limitRate: numbers.limitRate });
  });
});
