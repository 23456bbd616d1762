import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ScenarioResult {
  readonly scenario: string;
  readonly verdict: 'passed' | 'failed';
  readonly expected: string;
  /** Of the action itself, of the last run where there are several. */
  readonly seconds: number;
  readonly failedRequests: number;
  /** The largest number of the application's pods at one instant; see `peakPods`. */
  readonly peakPods: number;
  readonly clients: string;
  readonly figures: Readonly<Record<string, number | string>>;
  readonly problem?: string;
  readonly logs: readonly string[];
}

export function appendResult(file: string, result: ScenarioResult): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

export function emptyResults(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
}

export function readResults(file: string): readonly ScenarioResult[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ScenarioResult);
}

/** The table as `docs/measurements.md` has it between its marks, then what failed and why. */
export function describeResults(results: readonly ScenarioResult[]): string {
  const failed = results.filter((result) => result.verdict === 'failed');
  const reasons = failed.map((result) => `${result.scenario}:\n${indented(result.problem ?? '')}\n${indented(result.logs.join('\n'))}`);
  return [...describeTable(results), ...(failed.length === 0 ? [] : ['', 'Failed:', ...reasons])].join('\n');
}

export function describeTable(results: readonly ScenarioResult[]): readonly string[] {
  const rows = results.map((result) => [
    result.scenario,
    result.verdict,
    result.seconds.toFixed(1),
    String(result.failedRequests),
    String(result.peakPods),
    result.expected,
    Object.entries(result.figures)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; '),
  ]);
  const head = ['scenario', 'verdict', 'seconds', 'failed requests', 'peak pods', 'expected', 'figures'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`);
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[middle - 1];
  return sorted.length % 2 === 0 && lower !== undefined && upper !== undefined ? (lower + upper) / 2 : upper;
}

/** Seconds of many releases as figures of one scenario. */
export function describeSeconds(what: string, seconds: readonly number[]): Readonly<Record<string, number>> {
  const rounded = (value: number): number => Number(value.toFixed(1));
  return {
    [`seconds of a ${what}, median`]: rounded(median(seconds) ?? Number.NaN),
    [`seconds of a ${what}, at most`]: rounded(Math.max(...seconds)),
  };
}

/** Median and maximum of every figure of scenarios that ran more than once. */
export function describeSpread(results: readonly ScenarioResult[]): readonly string[] {
  const figures = new Map<string, number[]>();
  const add = (key: string, value: number | string): void => {
    if (typeof value === 'number') figures.set(key, [...(figures.get(key) ?? []), value]);
  };
  for (const result of results) {
    const name = result.scenario.replace(/, round \d+$/u, '');
    add(`${name} | seconds of the action`, result.seconds);
    add(`${name} | failed requests`, result.failedRequests);
    add(`${name} | peak pods`, result.peakPods);
    for (const [figure, value] of Object.entries(result.figures)) add(`${name} | ${figure}`, value);
  }
  const rows = [...figures]
    .filter(([, values]) => values.length > 1)
    .map(([key, values]) => `| ${key} | ${median(values)} | ${Math.max(...values)} | ${values.join(', ')} |`);
  return rows.length === 0 ? [] : ['', '| scenario | figure | median | maximum | all |', '| --- | --- | --- | --- | --- |', ...rows];
}
