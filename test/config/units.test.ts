import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration, parseErrorLimit, parseErrorRate, parsePercent } from '../../src/config/units.ts';
import { anyText } from './any-text.ts';

describe('parseDuration', () => {
  test.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h1m1s', 3_661_000],
    ['0s', 0],
    [' 90s ', 90_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toEqual({ value: ms });
  });

  test.each(['', '30', '1d', '1.5h', '30m1h', '10 m', '-5s', '5S', '1h1h', '9999999999s'])('refuses %j with an example', (text) => {
    expect(parseDuration(text)).toEqual({ problem: expect.stringContaining('for example 30s, 10m or 1h30m') });
  });

  test('reads what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 * 3600 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).toEqual({ value: seconds * 1000 });
      }),
    );
  });
});

describe('parsePercent', () => {
  test.each([
    ['25%', 25],
    ['0.5%', 0.5],
    ['12.5 %', 12.5],
    ['100%', 100],
    ['0%', 0],
  ])('%s', (text, percent) => {
    expect(parsePercent(text)).toEqual({ value: percent });
  });

  test.each(['', '25', '%', '101%', '-1%', '1e1%', '.5%', '5%%', '0x10%'])('refuses %j with an example', (text) => {
    expect(parsePercent(text)).toEqual({ problem: expect.stringContaining('for example 25%') });
  });
});

describe('parseErrorRate', () => {
  test.each([
    ['1%', 0.01],
    ['0.07%', 0.0007],
    ['99.9%', 0.999],
  ])('%s', (text, rate) => {
    expect(parseErrorRate(text)).toEqual({ value: rate });
  });

  test.each(['0%', '100%', '1', 'one'])('refuses %j with an example', (text) => {
    expect(parseErrorRate(text)).toEqual({ problem: expect.stringMatching(/for example/) });
  });
});

describe('parseErrorLimit', () => {
  test.each([
    ['1.25x + 0.5%', 1.25, 0.005],
    ['1x+0.1%', 1, 0.001],
    ['2 x + 1 %', 2, 0.01],
  ])('%s', (text, ratio, absolute) => {
    expect(parseErrorLimit(text)).toEqual({ value: { ratio, absolute } });
  });

  test.each(['', '1.25x', '0.5%', '0.5% + 1.25x', '0.9x + 1%', '1.25x + 0%', '101x + 1%', '2x + 100%', '1.25x - 0.5%'])(
    'refuses %j with an example',
    (text) => {
      expect(parseErrorLimit(text)).toEqual({ problem: expect.stringContaining('for example 1.25x + 0.5%') });
    },
  );

  test('round trip', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 10_000 }), fc.integer({ min: 1, max: 9_999 }), (ratio, points) => {
        const parsed = parseErrorLimit(`${ratio / 100}x + ${points / 100}%`);
        expect(parsed).toEqual({ value: { ratio: ratio / 100, absolute: points / 10_000 } });
      }),
    );
  });
});

test('no parser throws', () => {
  const parsers = [parseDuration, parsePercent, parseErrorRate, parseErrorLimit];
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: fc.constantFrom(...'0123456789hmsx%.+ \n') })), (text) => {
      for (const parser of parsers) {
        const parsed = parser(text);
        if ('problem' in parsed) expect(parsed.problem).not.toMatch(/[\n\r]/);
      }
    }),
  );
});
