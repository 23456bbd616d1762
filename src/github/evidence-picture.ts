import type { GateNumbers } from '../rollout/explain/report.ts';
import type { CourseArm, CoursePoint } from '../rollout/gates/course.ts';
import { fence } from './escape.ts';

const bars = '▁▂▃▄▅▆▇█';
const labelWidthMin = 22;
const pointsMin = 2;

/**
 * Both rates with their bounds and the evidence, over time, as rows of bars: GitHub's summary runs no script, and Mermaid's charts have no
 * legend. Only numbers are in it. Empty where there is no course to show.
 */
export function renderPicture(numbers: GateNumbers): string {
  const { judged = 'canary', course: points = [], neededNats } = numbers;
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < pointsMin || neededNats === undefined) return '';
  // An upper bound of 100 % after ten requests would flatten everything else.
  const peak = Math.max(...points.flatMap(({ canary, stable, allowedRate }) => [canary.rate ?? 0, stable.rate ?? 0, allowedRate]));
  const top = Math.min(1, Math.max(1.5 * peak, 1e-6));
  const width = Math.max(labelWidthMin, `${judged}, upper bound  `.length);
  const rates = (label: string, pick: (point: CoursePoint) => number | undefined): string =>
    row(label.padEnd(width), points.map(pick), top, percent(pick(last)));
  const arm = (name: string, pick: (point: CoursePoint) => CourseArm): string[] => [
    rates(`${name}, upper bound`, (point) => pick(point).upperBound),
    rates(name, (point) => pick(point).rate),
    rates(`${name}, lower bound`, (point) => pick(point).lowerBound),
  ];
  const nats = (label: string, pick: (point: CoursePoint) => number, needed: number): string =>
    row(label.padEnd(width), points.map(pick), needed, `${pick(last).toFixed(1)} of ${needed.toFixed(1)}`);
  const seconds = Math.round((last.atMs - first.atMs) / 1000);
  const lines = [
    `${numbers.measured ?? 'error rate'} so far, from 0 to ${percent(top)}, over ${seconds} s, and at the end`,
    ...arm(judged, (point) => point.canary),
    rates('allowed', (point) => point.allowedRate),
    ...arm('stable', (point) => point.stable),
    'evidence, from none to what decides',
    nats('of bad', (point) => point.evidenceOfBad, neededNats.bad),
    nats('of good', (point) => point.evidenceOfGood, neededNats.good),
  ];
  return `### Course\n\n${fence(lines, 200)}`;
}

function row(label: string, values: readonly (number | undefined)[], top: number, end: string): string {
  return `  ${label}${values.map((value) => barOf(value, top)).join('')}  ${end}`;
}

function barOf(value: number | undefined, top: number): string {
  if (value === undefined) return '·';
  const place = Math.floor((Math.min(Math.max(value, 0), top) / top) * bars.length);
  return bars.charAt(Math.min(place, bars.length - 1));
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? 'none yet' : `${Number((100 * fraction).toPrecision(3))} %`;
}
