import { describe, expect, test } from 'vitest';
import { type JudgeSettings, parseReplayFlags, parseReplayInputs } from '../../src/config/replay-inputs.ts';
import { judgeSamples } from '../../src/config/samples-file.ts';
import { UserError } from '../../src/errors.ts';
import { type ReplayRules, replayBatches } from '../../src/rollout/gates/replay-batches.ts';
import vectors from '../rollout/gates/vectors.json' with { type: 'json' };

const asWritten = parseReplayFlags(new Map());
const stable = { errors: 1, requests: 1350 };
const good = { seconds: 15, canary: { errors: 5, requests: 150 }, stable };

function judge(file: unknown, settings: Partial<JudgeSettings> = {}) {
  return judgeSamples(typeof file === 'string' ? file : JSON.stringify(file), { ...asWritten, ...settings });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a plain file', () => {
  test('gives the numbers of gates.md §9', () => {
    const batches = [
      good,
      { seconds: 15, canary: { errors: 7, requests: 140 }, stable: { errors: 3, requests: 1400 } },
      { seconds: 15, canary: { errors: 20, requests: 160 }, stable: { errors: 2, requests: 1300 } },
    ];
    const [first, second, third] = judge({ rule: { maxErrorIncrease: '1.25x + 0.5%' }, batches });
    expect(Object.keys(first ?? {})).toEqual(['logEvidenceBad', 'logEvidenceOk', 'verdict']);
    expect(first?.logEvidenceBad).toBeCloseTo(2.2358969141507, 11);
    expect(second?.logEvidenceBad).toBeCloseTo(7.2468267398714, 4);
    expect([first?.verdict, second?.verdict]).toEqual(['continue', 'fail']);
    expect(third).toEqual(second);
  });

  test.each(vectors.eprocess.filter(({ opts }) => !('prior' in opts)))('judged as in the vector $name', ({ opts, batches, logE }) => {
    const given: { side: number; ratio?: number; abs: number; dispersion?: number; cap?: number; restarts?: number } = opts;
    const rules: ReplayRules = {
      limits: [{ ratio: given.ratio ?? 0, absolute: given.abs }],
      alpha: 1e-300,
      beta: 1e-300,
      minErrors: 0,
      minSeconds: 0,
      deadlineSeconds: 1e9,
      dispersion: given.dispersion ?? 1,
      restarts: given.restarts ?? 0,
      capNats: { worse: given.cap, within: given.cap },
    };
    const lines = replayBatches(
      rules,
      batches.map(({ ce, cn, se, sn }) => ({
        seconds: 1,
        counts: { canaryErrors: ce, canaryRequests: cn, stableErrors: se, stableRequests: sn },
      })),
    );
    for (const [index, line] of lines.entries()) {
      const expected = Number(logE[index]);
      const actual = given.side === 1 ? line.logEvidenceBad : line.logEvidenceOk;
      expect(Math.abs(actual - expected)).toBeLessThan(2e-11 * Math.max(1, Math.abs(expected)));
      expect(line.verdict).toBe('continue');
    }
  });

  const clean = { seconds: 30, canary: { errors: 0, requests: 400 }, stable: { errors: 0, requests: 3600 } };
  const times = (count: number, batch: object) => Array.from({ length: count }, () => batch);
  const verdicts = (file: object, settings?: Partial<JudgeSettings>) => judge(file, settings).map((line) => line.verdict);

  test('lets what has nothing to be compared with wait for the next batch', () => {
    const quiet = { errors: 0, requests: 0 };
    const rest = { seconds: 15, canary: { errors: 7, requests: 140 }, stable: { errors: 3, requests: 1400 } };
    const [whole] = judge({ batches: [{ ...good, seconds: 15 }] });
    const parted = judge({ batches: [{ seconds: 15, canary: quiet, stable }, { seconds: 15, canary: good.canary, stable: quiet }, rest] });
    expect(parted.slice(0, 2)).toEqual([{ logEvidenceBad: 0, logEvidenceOk: 0, verdict: 'continue' }, whole]);
    expect(parted[2]?.logEvidenceBad).toBeGreaterThan(whole?.logEvidenceBad ?? Infinity);
    expect(judge({ batches: Array.from({ length: 40 }, () => ({ seconds: 15, canary: quiet, stable: quiet })) }).at(-1)).toEqual({
      logEvidenceBad: 0,
      logEvidenceOk: 0,
      verdict: 'inconclusive',
    });
  });

  test('passes at 60 s and not before, without a cap on that side, and repeats the line', () => {
    const lines = judge({ rule: {}, batches: times(4, { ...clean, canary: { errors: 0, requests: 4000 } }) });
    expect(lines.map((line) => line.verdict)).toEqual(['continue', 'pass', 'pass', 'pass']);
    expect(lines[0]?.logEvidenceOk).toBeGreaterThan(5);
    expect(lines[3]).toBe(lines[1]);
    expect(verdicts({ rule: { minSeconds: 90 }, batches: times(4, clean) })).toEqual(['continue', 'continue', 'pass', 'pass']);
    expect(verdicts({ batches: times(2, clean) }, { minDurationMs: 0 })).not.toContain('fail');
  });

  test('is inconclusive at the deadline', () => {
    const near = { seconds: 15, canary: { errors: 1, requests: 100 }, stable: { errors: 5, requests: 900 } };
    const last = verdicts({ rule: {}, batches: times(40, near) });
    expect([last[38], last[39]]).toEqual(['continue', 'inconclusive']);
    expect(verdicts({ rule: { deadlineSeconds: 30 }, batches: times(3, near) })).toEqual(['continue', 'inconclusive', 'inconclusive']);
    expect(verdicts({ batches: times(3, near) }, { timeoutMs: 30_000 })[1]).toBe('inconclusive');
  });

  test('fails with five errors and not with four', () => {
    const burst = { seconds: 5, canary: { errors: 1, requests: 1 }, stable: { errors: 0, requests: 1000 } };
    expect(verdicts({ rule: {}, batches: times(6, burst) })).toEqual(['continue', 'continue', 'continue', 'continue', 'fail', 'fail']);
    expect(verdicts({ rule: { minErrors: 0 }, batches: times(6, burst) })[2]).toBe('fail');
  });

  test('one batch alone never fails, two can', () => {
    const all = { seconds: 15, canary: { errors: 1e6, requests: 1e6 }, stable };
    expect(verdicts({ rule: {}, batches: [all, all] })).toEqual(['continue', 'fail']);
  });

  test('with both limits shows the most evidence of bad and the least of good, and they share alpha', () => {
    const rule = { maxErrorIncrease: '1.25x + 0.5%', maxErrorRate: '10%' };
    const [increase] = judge({ rule: { maxErrorIncrease: rule.maxErrorIncrease }, batches: [good] });
    const [rate] = judge({ rule: { maxErrorRate: rule.maxErrorRate }, batches: [good] });
    const [both] = judge({ rule, batches: [good] });
    expect(both?.logEvidenceBad).toBe(Math.max(increase?.logEvidenceBad ?? 0, rate?.logEvidenceBad ?? 0));
    expect(both?.logEvidenceOk).toBe(Math.min(increase?.logEvidenceOk ?? 0, rate?.logEvidenceOk ?? 0));
    const borderline = { seconds: 15, canary: { errors: 2, requests: 3 }, stable: { errors: 0, requests: 1000 } };
    const alone = judge({ rule: { maxErrorIncrease: rule.maxErrorIncrease, minErrors: 0 }, batches: times(3, borderline) });
    const shared = judge({ rule: { ...rule, minErrors: 0 }, batches: times(3, borderline) });
    expect(shared[1]?.logEvidenceBad).toBeGreaterThanOrEqual(alone[1]?.logEvidenceBad ?? 0);
  });

  test('an absolute limit needs no stable', () => {
    const batch = { seconds: 30, canary: { errors: 0, requests: 400 } };
    expect(verdicts({ rule: { maxErrorRate: '1%' }, batches: [batch, batch] })).toEqual(['continue', 'pass']);
  });

  test('other settings outweigh the file', () => {
    const [written] = judge({ rule: {}, batches: [good] });
    const [stricter] = judge({ rule: {}, batches: [good] }, { maxErrorIncrease: { ratio: 1, absolute: 0.001 } });
    const [bursts] = judge({ rule: {}, batches: [good] }, { dispersion: 3 });
    expect(stricter?.logEvidenceBad).toBeGreaterThan(written?.logEvidenceBad ?? 0);
    expect(bursts?.logEvidenceBad).toBeLessThan(written?.logEvidenceBad ?? 0);
  });
});

describe('a plain file is refused, with the place', () => {
  const at = (change: object) => ({ rule: {}, batches: [good, { ...good, ...change }] });
  test.each<[string, unknown, string]>([
    ['empty', '', 'the file is empty'],
    ['blank', ' \n\t', 'the file is empty'],
    ['not JSON', '{"rule": }', 'the file is not JSON'],
    ['NaN', '{"batches": [{"seconds": NaN}]}', 'the file is not JSON'],
    ['a list', [], 'the file: a list is not an object'],
    ['a number', 7, 'the file: 7 is not an object'],
    ['null', 'null', 'the file: null is not an object'],
    ['no batches', { rule: {} }, 'batches: valid is a list'],
    ['empty batches', { rule: {}, batches: [] }, 'batches: valid is a list'],
    ['batches of another kind', { rule: {}, batches: {} }, 'batches: valid is a list'],
    ['an unknown key', { rule: {}, batches: [good], rules: {} }, '"rules": there is no such key; valid: rule, batches'],
    ['an unknown rule', { rule: { alfa: 1 }, batches: [good] }, 'rule."alfa": there is no such key'],
    ['__proto__', '{"rule":{"__proto__":{"alpha":1}},"batches":[]}', 'rule."__proto__": there is no such key'],
    ['rule a text', { rule: '1.25x + 0.5%', batches: [good] }, 'rule: "1.25x + 0.5%" is not an object'],
    ['a limit that is a number', { rule: { maxErrorRate: 0.01 }, batches: [good] }, 'rule.maxErrorRate: "0.01" is not a text'],
    ['a limit without sign', { rule: { maxErrorRate: '1' }, batches: [good] }, 'rule.maxErrorRate: "1" is not an error rate'],
    ['a wrong increase', { rule: { maxErrorIncrease: '1.25' }, batches: [good] }, 'rule.maxErrorIncrease: "1.25" is not a limit'],
    ['alpha 0', { rule: { alpha: 0 }, batches: [good] }, 'rule.alpha: 0 is not valid; valid is a number above 0 and at most 0.5'],
    ['beta as text', { rule: { beta: '5%' }, batches: [good] }, 'rule.beta: "5%" is not valid'],
    ['half an error', { rule: { minErrors: 0.5 }, batches: [good] }, 'rule.minErrors: 0.5 is not valid; valid is a whole number'],
    [
      'dispersion 0.5',
      { rule: { dispersion: 0.5 }, batches: [good] },
      'rule.dispersion: 0.5 is not valid; valid is a number of at least 1',
    ],
    ['deadline 0', { rule: { deadlineSeconds: 0 }, batches: [good] }, 'rule.deadlineSeconds: 0 is not valid'],
    ['no seconds', at({ seconds: undefined }), 'batches[1].seconds: it is missing; valid is a number above 0'],
    ['no time', at({ seconds: 0 }), 'batches[1].seconds: 0 is not valid'],
    ['negative time', at({ seconds: -15 }), 'batches[1].seconds: -15 is not valid'],
    ['no canary', at({ canary: undefined }), 'batches[1].canary: it is missing'],
    ['no stable', at({ stable: undefined }), 'batches[1].stable: it is missing'],
    ['more errors than requests', at({ canary: { errors: 3, requests: 2 } }), 'batches[1].canary.errors: 3 errors of 2 requests'],
    ['negative errors', at({ canary: { errors: -1, requests: 2 } }), 'batches[1].canary.errors: -1 is not valid'],
    ['text', at({ stable: { errors: '0', requests: 2 } }), 'batches[1].stable.errors: "0" is not valid'],
    ['null', at({ stable: { errors: null, requests: 2 } }), 'batches[1].stable.errors: null is not valid'],
    [
      'infinity',
      '{"batches":[{"seconds":1e999,"canary":{"errors":0,"requests":1},"stable":{"errors":0,"requests":1}}]}',
      'Infinity is not valid',
    ],
    ['an unknown arm', at({ preview: {} }), 'batches[1]."preview": there is no such key; valid: seconds, canary, stable'],
    ['an unknown count', at({ canary: { errors: 0, requests: 1, slow: 0 } }), 'batches[1].canary."slow": there is no such key'],
    ['a batch that is a list', { batches: [[]] }, 'batches[0]: a list is not an object'],
  ])('%s', (_, file, problem) => {
    expect(refusal(() => judge(file))).toContain(problem);
  });

  test('every place at once, twenty at most', () => {
    const bad = { ...good, seconds: 0 };
    const message = refusal(() => judge({ rule: {}, batches: Array.from({ length: 30 }, () => bad) }));
    expect(message.split('\n')).toHaveLength(22);
    expect(message).toContain('and 10 more');
  });

  test('for what only a recording knows', () => {
    expect(refusal(() => judge({ batches: [good] }, { errorBudget: 5 }))).toContain('a plain file has nothing to judge it by');
  });
});

describe('settings', () => {
  test('as flags', () => {
    const flags = new Map([
      ['max-error-increase', '1.5x+0.1%'],
      ['max-slow', '5% over 0.3s'],
      ['timeout', '10m'],
      ['dispersion', '1'],
    ]);
    expect(parseReplayFlags(flags)).toMatchObject({
      maxErrorIncrease: { ratio: 1.5, absolute: 0.001 },
      maxErrorRate: undefined,
      maxSlow: { absolute: 0.05, boundMs: 300 },
      timeoutMs: 600_000,
      dispersion: 1,
    });
  });

  test.each([
    ['max-error-increse', '1x + 1%', '--max-error-increse: there is no such flag'],
    ['steps', '10%', '--steps: there is no such flag'],
    ['dispersion', '', '--dispersion: it has no value'],
    ['dispersion', '11', 'dispersion: "11" is not a dispersion'],
    ['timeout', '0s', 'timeout: it is out of range'],
    ['max-error-rate', '0%', 'max-error-rate: '],
  ])('flag %s %j is refused', (name, value, problem) => {
    expect(refusal(() => parseReplayFlags(new Map([[name, value]])))).toContain(problem);
  });

  const inputs = (given: Record<string, string>) => parseReplayInputs((name) => given[name] ?? '');

  test('as inputs, which need no deployment', () => {
    expect(inputs({ command: 'replay', samples: 'a.jsonl', 'max-error-rate': '2%', timeout: '30m' })).toEqual({
      samples: 'a.jsonl',
      settings: { ...asWritten, maxErrorRate: 0.02 },
    });
  });

  test.each([
    [{}, 'samples: it is required'],
    [{ samples: 'a', deployment: 'web' }, 'deployment: command: replay judges a file and does not use it'],
    [{ samples: 'a', prometheus: 'http://x' }, 'prometheus: command: replay judges a file'],
    [{ samples: 'a', 'error-budget': '0' }, 'error-budget: "0" is not a budget'],
  ])('inputs %j are refused', (given, problem) => {
    expect(refusal(() => inputs(given))).toContain(problem);
  });
});
