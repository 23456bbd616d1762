import { describe, expect, test } from 'vitest';
import { describeResults, describeSeconds, describeSpread, type ScenarioResult } from '../cluster/harness/results.ts';

function result(scenario: string, peakPods: number, changes: Partial<ScenarioResult> = {}): ScenarioResult {
  return {
    scenario,
    verdict: 'passed',
    expected: 'promoted',
    seconds: 20.04,
    failedRequests: 0,
    peakPods,
    clients: '',
    figures: { 'errors seen': 7 },
    logs: [],
    ...changes,
  };
}

describe('results of scenarios', () => {
  test('are a table of markdown, each row with the columns of its head', () => {
    const [head, rule, first, ...rest] = describeResults([result('good | better', 5)]).split('\n');
    expect(head).toBe('| scenario | verdict | seconds | failed requests | peak pods | expected | figures |');
    expect(rule).toBe('| --- | --- | --- | --- | --- | --- | --- |');
    expect(first).toBe('| good / better | passed | 20.0 | 0 | 5 | promoted | errors seen: 7 |');
    expect(rest).toEqual([]);
  });

  test('name what failed, and why, below the table', () => {
    const lines = describeResults([result('bad', 5, { verdict: 'failed', problem: 'two\nlines', logs: ['/a.log'] })]).split('\n');
    expect(lines.slice(3)).toEqual(['', 'Failed:', 'bad:', '  two', '  lines', '  /a.log']);
  });

  test('of several rounds give median and maximum of every figure, peak pods too', () => {
    const rows = describeSpread([result('bad, round 1', 5), result('bad, round 2', 8), result('bad, round 3', 6), result('alone', 4)]);
    expect(rows).toContain('| bad | peak pods | 6 | 8 | 5, 8, 6 |');
    expect(rows).toContain('| bad | errors seen | 7 | 7 | 7, 7, 7 |');
    expect(rows.join('\n')).not.toContain('alone');
  });

  test('of many releases in one scenario give median and maximum to a tenth of a second', () => {
    const figures = describeSeconds('release', [78.004, 75, 138.123, 78.004]);
    expect(figures).toEqual({ 'seconds of a release, median': 78, 'seconds of a release, at most': 138.1 });
  });
});
