import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSteps } from '../../src/config/steps.ts';
import { formatDuration } from '../../src/config/units.ts';

describe('parseSteps', () => {
  test.each([
    [
      '10%, 50%',
      [
        { weightPercent: 10, holdMs: undefined },
        { weightPercent: 50, holdMs: undefined },
      ],
    ],
    [
      '25% for 5m\n50% for 1h30m # long',
      [
        { weightPercent: 25, holdMs: 300_000 },
        { weightPercent: 50, holdMs: 5_400_000 },
      ],
    ],
    ['1%', [{ weightPercent: 1, holdMs: undefined }]],
  ])('%j', (text, steps) => {
    expect(parseSteps(text)).toEqual({ value: steps });
  });

  test.each([
    ['10%, 50%, 100%', '"100%": end at 50 %: more is promotion'],
    ['50.1%', 'end at 50 %: more is promotion'],
    ['20%, 10%', '"10%" does not grow after 20%'],
    ['20%, 20%', 'does not grow'],
    ['0.5%', 'is below 1%'],
    ['10', 'for example 10%, 25%, 50%'],
    ['', 'there is no step'],
    ['10% for', 'is not a step'],
    ['10% for long', '"long" is not a duration'],
    ['10% for 5m for 5m', 'more than one "for"'],
    [Array.from({ length: 21 }, (_, index) => `${index + 1}%`).join(), '21 steps are too many'],
  ])('refuses %j', (text, problem) => {
    expect(parseSteps(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('round trip', () => {
    const weights = fc
      .uniqueArray(fc.integer({ min: 10, max: 500 }), { minLength: 1, maxLength: 20 })
      .map((tenths) => tenths.sort((a, b) => a - b).map((tenth) => tenth / 10));
    const hold = fc.option(fc.integer({ min: 0, max: 86_400 }), { nil: undefined });
    fc.assert(
      fc.property(weights, hold, fc.constantFrom(', ', '\n'), (percents, seconds, separator) => {
        const suffix = seconds === undefined ? '' : ` for ${formatDuration(seconds * 1000)}`;
        const expected = percents.map((weightPercent) => ({ weightPercent, holdMs: seconds === undefined ? undefined : seconds * 1000 }));
        expect(parseSteps(percents.map((percent) => `${percent}%${suffix}`).join(separator))).toEqual({ value: expected });
      }),
    );
  });

  test('whatever it accepts grows and ends at 50', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789%, formhs\n.') }), (text) => {
        const parsed = parseSteps(text);
        if ('problem' in parsed) return;
        const weights = parsed.value.map((step) => step.weightPercent);
        expect(weights.every((weight, index) => weight >= 1 && weight <= 50 && weight > (weights[index - 1] ?? 0))).toBe(true);
      }),
    );
  });
});
