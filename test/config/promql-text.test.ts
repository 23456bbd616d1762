import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { promqlProblem } from '../../src/config/promql-text.ts';
import { anyText } from './any-text.ts';

describe('PromQL that stands inside of ours', () => {
  test.each([
    'sum by (pod) (rate(errors{pod=~"$pods"}[1m]))',
    'errors{pod=~"$pods",path="/a)b}"} # why (',
    "errors{pod=~'$pods'} # it's\n + 1",
    'errors{pod=~`$pods`,re=`\\`}',
    'errors{pod=~"$pods",x="\\")"}',
    '',
  ])('%s', (query) => expect(promqlProblem(query)).toBeUndefined());

  test.each([
    ['errors{pod=~"$pods"}) or (vector(1)', 'the ) at character 21 closes nothing'],
    ['errors{pod=~"$pods"', 'a { is not closed'],
    ['sum(errors{pod=~"$pods"}', 'a ( is not closed'],
    ['errors{pod=~"$pods"}[5m', 'a [ is not closed'],
    ['errors{pod=~"$pods}', 'the string that begins with " at character 13 has no end'],
    ["errors{pod=~'$pods\n'}", "the string that begins with ' at character 13 has no end"],
    ['errors{pod=~`$pods}', 'the string that begins with ` at character 13 has no end'],
    ['errors{pod=~"$pods\\"}', 'the string that begins with " at character 13 has no end'],
    ['sum(errors{pod=~"$pods")}', 'the ) at character 24 closes nothing'],
    ['(]', 'the ] at character 2 closes nothing'],
  ])('%s is refused', (query, problem) => expect(promqlProblem(query)).toBe(problem));

  test('never throws', () => {
    fc.assert(fc.property(anyText, (text) => void promqlProblem(text)));
  });
});
