import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderSummary } from '../../src/github/summary.ts';
import { appendSummary } from '../../src/github/summary-file.ts';
import { hostileText } from './hostile-text.ts';
import { report } from './report-fixture.ts';

describe('renderSummary', () => {
  test('a rollback', () => {
    expect(renderSummary(report)).toBe(`## Rolled back: shop/web

31 of 60 requests to the canary failed, at most 0.63 % may. Reason <code>metrics-failed</code>, canary, judged by readiness and metrics, 1 min 15 s.

### Images

| container | old | new |
| --- | --- | --- |
| web | <code>sample:v1</code> | <code>sample:v2</code> |

### Numbers

|  | requests | errors | error rate | limit |
| --- | --- | --- | --- | --- |
| canary | 60 | 31 | 51.67 % | 0.63 % |
| stable | 200 | 0 | 0 % |  |

Confidence of the verdict: 99.9 %.

### Steps

| step | asked | real share | canary pods | at least |
| --- | --- | --- | --- | --- |
| 1 | 10 % | 25 % | 1 | 30 s |

### Timeline (UTC)

| time | phase | what | why |
| --- | --- | --- | --- |
| 12:00:00 | step 1 | canary scaled to 1 pod | the fence is ours |
| 12:00:42 | reverting | Job deleted | the canary fails &#124; often |

Left in the cluster: nothing of ours.

### Evidence

\`\`\`\`text
GET / 500
\`\`\`
::error::mine
\`\`\`\`

[This run](https://github.com/acme/shop/actions/runs/1)
`);
  });

  test('what is left, and what nobody knows', () => {
    expect(renderSummary({ ...report, leftovers: ['Deployment shop/web-canary'] })).toContain('- <code>Deployment shop/web-canary</code>');
    expect(renderSummary({ ...report, leftovers: undefined })).toContain('not known');
    expect(
      renderSummary({
        ...report,
        numbers: undefined,
        judgedBy: 'readiness',
        outcome: { ...report.outcome, evidence: [] },
        runUrl: 'javascript:x',
      }),
    ).not.toMatch(/Numbers|Evidence|This run/);
  });

  test('a refusal with a list', () => {
    const outcome = {
      result: 'refused',
      reason: 'inputs-invalid',
      because: '2 inputs are wrong:\n- tag: a\n- steps: <b>',
      evidence: ['Nothing was sent'],
    } as const;
    const text = renderSummary({ ...report, outcome });
    expect(text).toContain('2 inputs are wrong:\n\n- tag: a\n- steps: &lt;b&gt;\n\nReason <code>inputs-invalid</code>');
    expect(text).toContain('### What to change\n');
  });

  test('is never quite sure', () => {
    expect(
      renderSummary({
        ...report,
        numbers: {
          canary: report.numbers?.canary ?? { requests: 0, errors: 0 },
          stable: { requests: 0, errors: 0 },
          limitRate: undefined,
          confidence: 0.999999,
        },
      }),
    ).toContain('more than 99.99 %');
  });

  test('stays below 200 kB, whatever it is given', () => {
    const long = '|<@"'.repeat(5_000);
    const timeline = Array.from({ length: 2_000 }, (_, index) => ({ atMs: index, phase: long, text: long, because: long }));
    const text = renderSummary({
      ...report,
      timeline,
      leftovers: timeline.map(() => long),
      outcome: { ...report.outcome, because: long, evidence: Array<string>(1_000).fill(long) },
    });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(200_000);
    expect(text).toContain('entries left out');
    expect(text).toContain('more lines');
  });

  test('nobody else writes markup outside of the fence', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const images = [{ container: text, index: 0, from: text, to: text }];
        const timeline = [{ atMs: 0, phase: text, text, because: text }];
        const target = { namespace: text, deployment: text };
        const rendered = renderSummary({
          ...report,
          target,
          images,
          timeline,
          leftovers: [text],
          outcome: { ...report.outcome, because: text, evidence: [] },
        });
        expect(rendered.replaceAll(/<\/?code>/g, '')).not.toMatch(/[<>*`]/);
        for (const line of rendered.split('\n').filter((row) => row.startsWith('| <') || row.startsWith('| 00:')))
          expect(line.split('|').length).toBeLessThanOrEqual(6);
      }),
      { numRuns: 300 },
    );
  });
});

test('appendSummary', () => {
  const folder = mkdtempSync(join(tmpdir(), 'summary-'));
  try {
    const path = join(folder, 'summary');
    expect([appendSummary(path, 'a'), appendSummary(path, 'b')]).toEqual([true, true]);
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
    expect([appendSummary(undefined, 'a'), appendSummary('', 'a'), appendSummary(join(folder, 'no', 'folder'), 'a')]).toEqual([
      false,
      false,
      false,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
