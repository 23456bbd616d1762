import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exitCodeOf, renderOutputs } from '../../src/github/outputs.ts';
import { renderSummary } from '../../src/github/summary.ts';
import type { Report } from '../../src/rollout/explain/report.ts';
import type { Revision } from '../../src/rollout/history/revisions.ts';
import type { Result } from '../../src/rollout/verdict.ts';
import { hostileText } from './hostile-text.ts';
import { report } from './report-fixture.ts';

const revision = (changes: Partial<Revision> = {}): Revision => ({
  revision: 1,
  current: false,
  images: [{ container: 'app', image: 'app:v1' }],
  changeCause: undefined,
  run: undefined,
  commit: undefined,
  actor: undefined,
  createdAtMs: 0,
  ageMs: 60_000,
  replicas: 0,
  ...changes,
});
const outcome = { result: 'done', reason: 'listed', because: 'so', evidence: [] } as const;
const history = (revisions: readonly Revision[]): Report => ({ ...report, command: 'history', outcome, revisions });

describe('the summary', () => {
  test('of foreign change-causes has no markup', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const shown = revision({
          revision: 77,
          changeCause: text,
          run: text,
          commit: text,
          actor: text,
          images: [{ container: text, image: text }],
        });
        const rows = renderSummary(history([shown]))
          .split('\n')
          .filter((line) => line.startsWith('| 77 '));
        expect(rows).toHaveLength(1);
        expect(rows[0]?.split('|')).toHaveLength(10);
        expect(rows[0]).not.toMatch(/<(?!\/?code>|br>)/u);
      }),
    );
  });

  test('links a run only where it is nothing but an address', () => {
    const shown = (run: string) => renderSummary(history([revision({ run })]));
    expect(shown('https://ci.example/1')).toContain('[run](https://ci.example/1)');
    expect(shown('https://ci.example/1)[x](javascript:1')).not.toContain('](javascript');
  });

  test('tells of an earlier release', () => {
    const earlier = {
      outcome: { ...outcome, result: 'promoted' as const, reason: 'gates-passed' as const },
      images: report.images,
      runUrl: 'https://ci.example/1',
      actor: '@mallory',
    };
    const text = renderSummary({ ...report, earlier });
    expect(text).toContain('### The release of an earlier run');
    expect(text).not.toContain('@mallory');
  });
});

test('the json of a long history stays small, and whole where it can', () => {
  const long = history(Array.from({ length: 100 }, (_, index) => revision({ revision: index + 1, changeCause: 'x'.repeat(250_000) })));
  const { json } = renderOutputs(long);
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(60_000);
  expect(JSON.parse(json)).toMatchObject({ truncated: true });
  expect(JSON.parse(renderOutputs(history([revision()])).json)).toMatchObject({ truncated: false, revisions: [{ revision: 1 }] });
});

test.each<[Report['command'], readonly Result[]]>([
  ['rollback', ['rolled-back', 'unchanged']],
  ['abort', ['rolled-back', 'unchanged']],
  ['reconcile', ['done']],
  ['status', ['done']],
  ['history', ['done']],
])('command: %s exits with 0 for %j alone', (command, good) => {
  const all: readonly Result[] = ['promoted', 'rolled-back', 'inconclusive', 'unchanged', 'planned', 'done', 'refused', 'failed'];
  expect(all.filter((result) => exitCodeOf(command, result) === 0).sort()).toEqual([...good].sort());
});
