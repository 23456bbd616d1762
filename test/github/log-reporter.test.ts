import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReporter } from '../../src/github/log-reporter.ts';
import { hostileText } from './hostile-text.ts';
import { commandOf } from './runner-oracle.ts';

function record(): { readonly lines: string[]; readonly reporter: ReturnType<typeof createReporter> } {
  const lines: string[] = [];
  return { lines, reporter: createReporter((line) => lines.push(line)) };
}

describe('the log', () => {
  test('of a rollback', () => {
    const { lines, reporter } = record();
    reporter.phase('Preflight');
    reporter.info('ready');
    reporter.phase('Step 1: 10 %');
    reporter.write({ object: 'Deployment shop/web', from: 'image sample:v1', to: 'sample:v2', because: 'the gates passed' });
    reporter.quote('Last lines of web-canary-x:', ['a\nb', '::error::c']);
    reporter.quote('Nothing:', []);
    reporter.warning('slow, 50% of it');
    reporter.outcome({ result: 'rolled-back', reason: 'crash', because: 'it crashed: twice', evidence: ['exit code 1'] });
    expect(lines).toEqual([
      '::group::Preflight',
      'ready',
      '::endgroup::',
      '::group::Step 1: 10 %25',
      'write Deployment shop/web: image sample:v1 → sample:v2 — because the gates passed',
      'Last lines of web-canary-x:',
      '  | a',
      '  | b',
      '  | : :error::c',
      '::warning title=Gated Rollout::slow, 50%25 of it',
      '::endgroup::',
      'Evidence:',
      '  | exit code 1',
      '::error title=Rolled back (crash)::it crashed: twice',
    ]);
  });

  test.each(['promoted', 'unchanged', 'planned'] as const)('%s is a notice', (result) => {
    const { lines, reporter } = record();
    reporter.outcome({ result, reason: 'gates-passed', because: 'good', evidence: [] });
    expect(lines).toEqual([expect.stringMatching(/^::notice title=.* \(gates-passed\)::good$/)]);
  });

  test('keeps warnings that the runner would drop', () => {
    const { lines, reporter } = record();
    for (let turn = 1; turn <= 11; turn += 1) reporter.warning(`w${turn}`);
    expect(lines.filter((line) => line.startsWith('::warning'))).toHaveLength(9);
    expect(lines.slice(9)).toEqual(['Warning: w10', 'Warning: w11']);
  });

  test('bounds messages and quotes', () => {
    const { lines, reporter } = record();
    reporter.quote('Log:', Array<string>(500).fill('x'));
    expect(lines).toHaveLength(202);
    expect(lines.at(-1)).toBe('  (300 more lines)');
    reporter.outcome({ result: 'failed', reason: 'internal', because: 'x\n'.repeat(9_999), evidence: [] });
    reporter.outcome({ result: 'failed', reason: 'internal', because: 'x'.repeat(9_999), evidence: [] });
    for (const line of lines) expect(line.length).toBeLessThan(4_100);
  });

  test('nobody else gives a command', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const { lines, reporter } = record();
        reporter.phase(text);
        reporter.info(text);
        reporter.write({ object: text, from: text, to: text, because: text });
        reporter.quote(text, [text]);
        reporter.warning(text);
        reporter.outcome({ result: 'failed', reason: 'internal', because: text, evidence: [text] });
        expect(lines.join('')).not.toMatch(/[\r\n]/);
        expect(lines.map(commandOf).filter((name) => name !== undefined)).toEqual(['group', 'warning', 'endgroup', 'error']);
      }),
      { numRuns: 1000 },
    );
  });
});
