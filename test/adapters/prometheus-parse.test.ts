import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/prometheus/parse.ts';
import { families } from '../../src/rollout/metric-families/families.ts';

const [byCode] = families;
if (byCode === undefined) throw new Error('no family');
const pods = { canary: ['c'], stable: ['s'] };
const sample = (metric: Record<string, string>, value: unknown = '1') => ({ metric, value: [1795212593.863, value] });
const success = (result: unknown, more: object = {}) => ({ status: 'success', data: { resultType: 'vector', result }, ...more });
const byStatus = (...result: unknown[]) => parseAnswer(success(result), pods, byCode);
const bySide = (...result: unknown[]) => parseAnswer(success(result), pods, 'by-side');
const side = (pod: string, which: string, value: string) => sample({ pod, gated_rollout_side: which }, value);

describe('by status', () => {
  it('an error is a 5xx, in either label', () => {
    const answer = byStatus(
      sample({ pod: 'c', code: '200' }, '100'),
      sample({ pod: 'c', code: '503' }, '7'),
      sample({ pod: 'c', code: '404' }, '3'),
      sample({ pod: 'c', status: '5XX' }, '2'),
      sample({ pod: 'c', code: 'unknown' }, '1'),
      sample({ pod: 's', status: '200', code: '' }, '1e+06'),
      sample({ pod: 'stranger', code: '500' }, '9'),
    );
    expect(answer).toEqual({
      kind: 'reading',
      reading: { canary: { c: { errors: 9, requests: 113 } }, stable: { s: { errors: 0, requests: 1_000_000 } } },
      atSeconds: 1795212593.863,
    });
  });

  it('of a pod that two replicas of Prometheus scrape, the one counts that has seen the most', () => {
    const answer = byStatus(
      sample({ pod: 'c', job: 'pods', prometheus_replica: 'a', code: '200' }, '90'),
      sample({ pod: 'c', job: 'pods', prometheus_replica: 'a', code: '500' }, '9'),
      sample({ pod: 'c', job: 'pods', prometheus_replica: 'b', code: '200' }, '95'),
      sample({ pod: 'c', job: 'pods', prometheus_replica: 'b', code: '500' }, '10'),
      sample({ pod: 's', job: 'pods', __replica__: 'a', code: '200' }, '70'),
      sample({ pod: 's', job: 'pods', __replica__: 'b', code: '200' }, '69'),
    );
    expect(answer).toMatchObject({ reading: { canary: { c: { errors: 10, requests: 105 } }, stable: { s: { errors: 0, requests: 70 } } } });
  });

  it('of a pod that two jobs scrape, the job counts that has seen the most', () => {
    const answer = byStatus(
      sample({ pod: 'c', job: 'pods', code: '200' }, '90'),
      sample({ pod: 'c', job: 'pods', code: '500' }, '9'),
      sample({ pod: 'c', job: 'services', code: '200' }, '95'),
      sample({ pod: 'c', job: 'services', code: '500' }, '10'),
      sample({ pod: 's', job: 'kubelet' }, '5000'),
      sample({ pod: 's', job: 'pods', code: '200' }, '70'),
    );
    expect(answer).toMatchObject({ reading: { canary: { c: { errors: 10, requests: 105 } }, stable: { s: { errors: 0, requests: 70 } } } });
  });

  it('no series is a reading without pods', () => {
    expect(byStatus()).toEqual({ kind: 'reading', reading: { canary: {}, stable: {} }, atSeconds: undefined });
  });

  it('infos are no warnings', () => {
    expect(parseAnswer(success([], { infos: ['PromQL info: …'], warnings: [] }), pods, byCode).kind).toBe('reading');
  });

  it.each([
    ['not a number', sample({ pod: 'c', code: '200' }, 'NaN'), 'the value of pod c is NaN'],
    ['infinite', sample({ pod: 'c', code: '200' }, '+Inf'), 'the value of pod c is +Inf'],
    ['empty', sample({ pod: 'c', code: '200' }, ''), 'the value of pod c is '],
    ['no string', sample({ pod: 'c', code: '200' }, 5), 'the value of pod c is 5'],
    ['negative', sample({ pod: 'c', code: '200' }, '-1'), 'the value of pod c is negative (-1): not a counter'],
    ['of no pod', sample({ code: '200' }), 'a sample has no label `pod`: the query must keep it'],
    ['of an empty pod', sample({ pod: '', code: '200' }), 'a sample has no label `pod`: the query must keep it'],
    ['without a time', { metric: { pod: 'c', code: '200' }, value: ['now', '1'] }, 'the sample of pod c has no time'],
    ['a histogram', { metric: { pod: 'c', code: '200' }, histogram: [1, {}] }, 'the sample of pod c is a histogram and not a counter'],
    ['without labels', { value: [1, '1'] }, 'a sample has no labels'],
    [
      'of no known status',
      sample({ pod: 'c', code: 'OK' }),
      'http_requests_total of pod c does not tell what failed in the labels `code` and `status` and `status_code`',
    ],
  ])('a sample that is %s makes it unavailable', (_, bad, why) => {
    expect(byStatus(sample({ pod: 's', code: '200' }), bad)).toEqual({ kind: 'unavailable', why });
  });
});

describe('by side', () => {
  it('takes errors and totals, and no errors for zero', () => {
    expect(bySide(side('c', 'error', '3'), side('c', 'total', '30'), side('s', 'total', '500'))).toMatchObject({
      reading: { canary: { c: { errors: 3, requests: 30 } }, stable: { s: { errors: 0, requests: 500 } } },
    });
  });

  it.each([
    ['errors without a total', [side('c', 'error', '3')], 'the total query gives nothing for pod c, the error query does'],
    [
      'more errors than requests',
      [side('c', 'error', '3'), side('c', 'total', '2')],
      'the error query counts more than the total query for pod c (3 of 2)',
    ],
    ['no side', [sample({ pod: 'c' })], 'a sample of pod c has no label `gated_rollout_side`'],
  ])('%s: unavailable', (_, result, why) => expect(bySide(...result)).toEqual({ kind: 'unavailable', why }));
});

describe('unavailable', () => {
  it.each([
    ['an error', { status: 'error', errorType: 'timeout', error: 'query timed out' }, 'Prometheus says timeout: query timed out'],
    ['warnings', success([], { warnings: ['store a is down', 'b too'] }), 'the data may be partial: store a is down; b too'],
    ['a matrix', { status: 'success', data: { resultType: 'matrix', result: [] } }, 'the query gives a matrix and not an instant vector'],
    ['no data', { status: 'success' }, 'the answer has no data'],
    ['no result', { status: 'success', data: { resultType: 'vector' } }, 'the answer has no result'],
    ['something else', { kind: 'Status' }, 'the answer is not one of Prometheus'],
    ['a list', [], 'the answer is not one of Prometheus'],
    ['null', null, 'the answer is not one of Prometheus'],
  ])('%s', (_, body, why) => expect(parseAnswer(body, pods, byCode)).toEqual({ kind: 'unavailable', why }));

  it('passes foreign text on, bounded', () => {
    const answer = parseAnswer({ status: 'error', errorType: 'x', error: `::error::${'y'.repeat(1000)}` }, pods, byCode);
    expect(answer).toMatchObject({ kind: 'unavailable', why: expect.stringMatching(/^Prometheus says x: ::error::y+$/) });
    expect(answer.kind === 'unavailable' && answer.why.length).toBe(300);
  });

  it('never throws, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(byCode, 'by-side' as const), (json, shape) => {
        expect(parseAnswer(json, pods, shape).kind).toBe('unavailable');
        expect(['reading', 'unavailable']).toContain(parseAnswer(success([json]), pods, shape).kind);
      }),
      { seed: 6 },
    );
  });
});
