import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeProbe, type ProbeAnswer, ProbeTally } from '../../src/rollout/probe-tally.ts';

const good: ProbeAnswer = { kind: 'answered', status: 200 };
const bad: ProbeAnswer = { kind: 'answered', status: 503 };
const silent: ProbeAnswer = { kind: 'unanswered', why: 'no answer (ECONNREFUSED)' };
const unknown: ProbeAnswer = { kind: 'unknown', why: 'the API server: down' };

/** One question every 500 ms, each answered after 10 ms. */
function played(answers: readonly ProbeAnswer[], endedAtMs = answers.length * 500) {
  const tally = new ProbeTally('http://web/', 500, 0);
  answers.forEach((answer, index) => {
    tally.note(answer, index * 500, index * 500 + 10);
  });
  return tally.numbers(endedAtMs);
}

describe('ProbeTally', () => {
  it.each([
    ['only good answers', [good, good, good], { failed: 0, longestGapMs: 0, unknown: 0, p50Ms: 10, p99Ms: 10, firstFailure: undefined }],
    ['nobody ever asked', [], { questions: 0, failed: 0, longestGapMs: 0, p50Ms: undefined, p99Ms: undefined }],
    ['one 503', [good, bad, good], { failed: 1, longestGapMs: 1000, firstFailure: 'answered 503' }],
    ['a silence', [good, silent, silent, good], { failed: 2, longestGapMs: 1500, firstFailure: 'no answer (ECONNREFUSED)' }],
    ['two gaps', [good, bad, good, bad, bad, good], { failed: 3, longestGapMs: 1500 }],
    ['a gap that does not end', [good, bad, bad], { failed: 2, longestGapMs: 1490 }],
    ['not known is not failed', [good, unknown, unknown, good], { failed: 0, unknown: 2, longestGapMs: 0 }],
    ['not known within a gap', [good, bad, unknown, good], { failed: 1, unknown: 1, longestGapMs: 1500 }],
    ['4xx is an answer', [good, { kind: 'answered', status: 404 }, good], { failed: 0, clientErrors: 1, longestGapMs: 0 }],
    ['a redirect is good', [{ kind: 'answered', status: 302 }], { failed: 0, clientErrors: 0 }],
  ] as const)('%s', (_name, answers, expected) => {
    expect(played(answers)).toMatchObject({ questions: answers.length, ...expected });
  });

  it('ranks milliseconds as they are, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { minLength: 1, maxLength: 300 }), (durations) => {
        const tally = new ProbeTally('x', 500, 0);
        for (const duration of durations) tally.note(good, 1_000, 1_000 + duration);
        const { p50Ms = -1, p99Ms = -1 } = tally.numbers(0);
        const atMost = (limit: number) => durations.filter((duration) => duration <= limit).length / durations.length;
        expect(atMost(p50Ms)).toBeGreaterThanOrEqual(0.5);
        expect(atMost(p99Ms)).toBeGreaterThanOrEqual(0.99);
        expect(atMost(p50Ms - 1)).toBeLessThan(0.5);
        expect(atMost(p99Ms - 1)).toBeLessThan(0.99);
      }),
    );
  });
});

describe('describeProbe', () => {
  it('says what was seen, and what cannot be seen', () => {
    expect(describeProbe(played([good, good]))).toBe(
      'probe: 2 questions to http://web/ in 1 s: 0 failed (no answer, or 5xx); p50 10 ms, p99 10 ms. One question every 500 ms: gaps shorter than that are not seen',
    );
    const worse = describeProbe(played([good, silent, unknown, good, { kind: 'answered', status: 429 }]));
    expect(worse).toContain(
      '1 failed (no answer, or 5xx, the first: no answer (ECONNREFUSED)); longest time without a good answer 1500 ms',
    );
    expect(worse).toContain('1 answered with 4xx');
    expect(worse).toContain("1 not known: the API server's proxy did not get through");
  });
});
