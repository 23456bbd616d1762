import { describe, expect, test } from 'vitest';
import { exitCodeOf, renderOutputs, writeOutputs } from '../../src/github/outputs.ts';
import type { Report } from '../../src/rollout/explain/report.ts';
import type { Result } from '../../src/rollout/verdict.ts';
import { report } from './report-fixture.ts';

describe('renderOutputs', () => {
  test('one container', () => {
    expect(renderOutputs(report)).toEqual({
      result: 'rolled-back',
      reason: 'metrics-failed',
      image: 'sample:v2',
      'previous-image': 'sample:v1',
      'judged-by': 'metrics',
      samples: '',
      json: expect.any(String),
    });
    expect(JSON.parse(renderOutputs(report).json)).toEqual({ ...report, truncated: false });
  });

  test('several containers, and none', () => {
    const images = ['web', 'proxy'].map((container, index) => ({ container, index, from: 'a:1', to: 'a:2' }));
    expect(renderOutputs({ ...report, images })).toMatchObject({ image: 'web=a:2\nproxy=a:2', 'previous-image': 'web=a:1\nproxy=a:1' });
    expect(renderOutputs({ ...report, images: [] })).toMatchObject({ image: '', 'previous-image': '' });
  });

  test.each([
    [
      'a long timeline',
      { timeline: Array.from({ length: 5_000 }, (_, index) => ({ atMs: index, phase: 'step', text: 'é'.repeat(900), because: 'x' })) },
    ],
    ['much evidence', { outcome: { ...report.outcome, evidence: Array<string>(5_000).fill('x'.repeat(9_999)) } }],
    ['something that cannot be shortened', { leftovers: ['x'.repeat(99_999)] }],
  ])('the JSON of %s is bounded, and JSON', (_, change: Partial<Report>) => {
    const { json } = renderOutputs({ ...report, ...change });
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(60_000);
    expect(JSON.parse(json)).toMatchObject({ truncated: true, outcome: { result: 'rolled-back' } });
  });
});

test('writeOutputs', () => {
  const written = new Map<string, string>();
  writeOutputs(renderOutputs(report), (name, value) => written.set(name, value));
  expect([...written.keys()]).toEqual(['result', 'reason', 'image', 'previous-image', 'judged-by', 'samples', 'json']);
});

describe('exitCodeOf', () => {
  const results: readonly Result[] = ['promoted', 'rolled-back', 'inconclusive', 'unchanged', 'planned', 'refused', 'failed'];
  test.each([
    ['deploy', ['promoted', 'unchanged']],
    ['plan', ['planned']],
  ] as const)('%s', (command, good) => {
    expect(results.filter((result) => exitCodeOf(command, result) === 0)).toEqual(good);
  });
});
