import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bounded,
  escapeCode,
  escapeHtml,
  escapeLogLine,
  escapeLogLines,
  escapeMarkdown,
  fence,
  lineLengthMax,
} from '../../src/github/escape.ts';
import { hostileText } from './hostile-text.ts';
import { commandOf, looksLikeCommand } from './runner-oracle.ts';

describe('the oracle', () => {
  test.each([
    ['::error::x', 'error'],
    [' \t::add-mask::x', 'add-mask'],
    ['::set-output name=a::b', 'set-output'],
    ['a ##[set-env name=A]b', 'set-env'],
    ['#\u00AD#[error]', 'error'],
    ['\u200B::error::x', 'error'],
    [':: error::x', undefined],
    ['a::error::x', undefined],
    ['::nothing::x', undefined],
  ])('%j', (line, command) => {
    expect(commandOf(line)).toBe(command);
  });
});

describe('escapeLogLines', () => {
  test.each([
    ['::error::x', [': :error::x']],
    ['  ::error::x', ['  : :error::x']],
    [':::error::x', [': ::error::x']],
    ['a ##[error]x ###[', ['a # #[error]x ## #[']],
    ['#\u00AD#[error]', ['# #[error]']],
    ['#\u0591#[error]', ['# \u0591#[error]']],
    ['a\r\nb\rc\u2028::d', ['a', 'b', 'c', ': :d']],
    ['\u001B[31mred\u001B[0m\u0007 \u001B]0;title\u0007x', ['red x']],
    ['\u001B[31m::error::x', [': :error::x']],
    ['plain std::vector # 1', ['plain std::vector # 1']],
    ['', ['']],
  ])('%j', (text, lines) => {
    expect(escapeLogLines(text)).toEqual(lines);
  });

  test('no line is a command, none is long, none has what nobody sees', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const line of [...escapeLogLines(text), escapeLogLine(text)]) {
          expect(commandOf(line)).toBeUndefined();
          expect(looksLikeCommand(line)).toBe(false);
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('bounds the length', () => {
    const [line = ''] = escapeLogLines(`##[${'😀'.repeat(lineLengthMax)}`);
    expect(line.length).toBeLessThanOrEqual(lineLengthMax + 1);
    expect(line.isWellFormed()).toBe(true);
  });
});

test('escapeHtml', () => {
  expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;');
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
    }),
  );
});

describe('escapeMarkdown', () => {
  test.each([
    ['a | b', 'a &#124; b'],
    ['`rm`', '&#96;rm&#96;'],
    ['web@sha256:0123456789abcdef0', 'web@sha256:0123456789abcdef0'],
    ['@octocat', '@\u200Boctocat'],
    ['fixes #123', 'fixes #\u200B123'],
    ['&#123', '&amp;#\u200B123'],
    ['gh-7', 'gh-\u200B7'],
    ['https://e.vil www.e.vil', 'https:\u200B//e.vil www\u200B.e.vil'],
    ['- a', '&#45; a'],
    ['1. a', '1&#46; a'],
    ['# a', '&#35; a'],
    ['a\nb', 'a b'],
    ['[x](y)', '&#91;x&#93;&#40;y&#41;'],
    ["it's", 'it&#39;s'],
    ['2 of 10: web-canary', '2 of 10: web-canary'],
  ])('%j', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  test('leaves no markup, mention or link', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const escaped = escapeMarkdown(text);
        expect(escaped).not.toMatch(/[<>|`*_[\]\\~\n\r]|@[a-z0-9]|(?<!&)#\d|gh-\d|:\/\//i);
        expect(escapeCode(text).slice(6, -7)).not.toMatch(/[<>|`*_[\]\\~\n\r]|:\/\//);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('fence', () => {
  test('is longer than what it holds', () => {
    expect(fence(['a', '````', 'b\n```'])).toBe('`````text\na\n````\nb\n```\n`````');
    expect(fence([])).toBe('```text\n```');
  });

  test('ends only at its end', () => {
    fc.assert(
      fc.property(fc.array(hostileText), (lines) => {
        const [first = '', ...rest] = fence(lines).split('\n');
        const ticks = first.slice(0, -'text'.length);
        expect(rest.findIndex((line) => line.trim().startsWith(ticks))).toBe(rest.length - 1);
      }),
    );
  });
});

test('bounded', () => {
  expect([bounded('abcd', 4), bounded('abcde', 4), bounded('a😀b', 3), bounded('ab', 0)]).toEqual(['abcd', 'abc…', 'a…', '…']);
});
