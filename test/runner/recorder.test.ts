import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseReplayFlags } from '../../src/config/replay-inputs.ts';
import { judgeSamples } from '../../src/config/samples-file.ts';
import { UserError } from '../../src/errors.ts';
import { absorb } from '../../src/rollout/absorb.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import type { PairPlan } from '../../src/rollout/plan/pair-plan.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { Phase } from '../../src/rollout/state.ts';
import { withoutStable } from '../../src/rollout/strategies/rules-in-force.ts';
import type { Reporter } from '../../src/runner/ports.ts';
import { Recorder } from '../../src/runner/recorder.ts';
import { SampleFile } from '../../src/sample-file.ts';
import { nowMs, observation, plan, spec, stable, state, workload } from '../rollout/scene.ts';

const release = spec({ judgedBy: 'metrics' });
const rules = rulesFor({ compare: true, spec: release });
const judged = plan({ spec: release, rules });
const phase = { kind: 'step', index: 1, sinceMs: nowMs - 100_000 } as const;
const wait = { kind: 'wait', ms: 1000, because: 'waiting' } as const;

const folder = mkdtempSync(join(tmpdir(), 'samples-'));
afterAll(() => rmSync(folder, { recursive: true }));

function listening(): { readonly reporter: Reporter; readonly warnings: string[] } {
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  const reporter = { phase: nothing, write: nothing, info: nothing, quote: nothing, outcome: nothing };
  return { reporter: { ...reporter, warning: (line) => warnings.push(line) }, warnings };
}

/** Turns 15 s apart; so many errors in each of canary's 1,500 requests. */
function turns(recorder: Recorder, count: number, errors: number): void {
  const current = state(phase, { servingSinceMs: nowMs - 100_000, steadiness: steady });
  for (let index = 0; index < count; index += 1) {
    const reading = {
      canary: { c: { errors: errors * index, requests: 1500 * index } },
      stable: { s: { errors: 5 * index, requests: 1500 * (index + 1) } },
    };
    const seen = observation({
      nowMs: nowMs + index * 15_000,
      canary: workload(4),
      stable: stable(),
      metrics: index % 5 === 4 ? { kind: 'unavailable', why: 'secret' } : { kind: 'reading', reading },
    });
    recorder.turn(current, seen, wait);
  }
}
const pairPlan: PairPlan = {
  name: 'web-v2',
  uid: 'web-v2-1',
  images: [],
  templateHash: 'hash-1',
  found: { old: 4, new: 4 },
  total: 8,
  minAvailable: 3,
  maxTotal: 9,
  fences: { old: undefined, new: undefined },
};
const steady = { replicas: 4, availableSinceMs: nowMs - 100_000, missingSinceMs: undefined, wasAvailable: true };
const asRecorded = parseReplayFlags(new Map());

describe('a recorded run', () => {
  const file = new SampleFile({ RUNNER_TEMP: folder }, 'web');
  const { reporter, warnings } = listening();
  turns(new Recorder(judged, file, reporter), 20, 3);
  const text = readFileSync(file.path ?? '', 'utf8');

  test('is a file of its own, for its owner, in the folder of the runner', () => {
    expect(file.path).toMatch(/gated-rollout-web-[0-9a-f-]{36}\.jsonl$/);
    expect(file.path?.startsWith(folder)).toBe(true);
    expect(statSync(file.path ?? '').mode & 0o777).toBe(0o600);
    expect(warnings).toEqual([]);
    expect(text).not.toContain('secret');
  });

  test('is judged again, with its settings and with others', () => {
    const verdicts = (flags: Record<string, string>) =>
      judgeSamples(text, parseReplayFlags(new Map(Object.entries(flags)))).map((line) => line.verdict);
    expect(verdicts({})).toContain('pass');
    expect(verdicts({})).toHaveLength(20);
    expect(verdicts({ 'max-error-rate': '0.05%' })).toContain('fail');
    expect(verdicts({ 'max-error-increase': '1x + 0.01%', timeout: '60s', 'min-duration': '0s' })).toContain('inconclusive');
    expect(verdicts({ 'error-budget': '1000' })).toContain('pass');
    expect(verdicts({ dispersion: '10' }).indexOf('pass')).toBeGreaterThan(verdicts({}).indexOf('pass'));
  });

  test('is judged on where the verdict did not come about, and only there', () => {
    const judge = (all: string) => judgeSamples(all, asRecorded);
    const first = judge(text).findIndex(({ verdict }) => verdict === 'pass');
    const undoneAfter = (turn: number): string => {
      const all = text.split('\n');
      const at = all.flatMap((line, index) => (line.includes('"kind":"turn"') ? [index] : []))[turn] ?? 0;
      return all.toSpliced(at + 1, 0, JSON.stringify({ kind: 'undone', atMs: nowMs })).join('\n');
    };
    const [before, after] = judge(undoneAfter(first)).slice(first);
    expect(before).toEqual(judge(text)[first]);
    expect(after?.verdict).toBe('pass');
    expect(after?.logEvidenceOk).toBeGreaterThan(before?.logEvidenceOk ?? Number.NaN);
    for (const elsewhere of [first - 1, first + 1]) expect(judge(undoneAfter(elsewhere))).toEqual(judge(text));
  });

  test('is judged without a last line that was cut off', () => {
    expect(judgeSamples(text.slice(0, -20), asRecorded)).toHaveLength(19);
  });

  test.each<[string, (text: string) => string, string]>([
    ['a line in the middle is broken', (all) => all.replace('"kind":"turn"', '"kind":"turn'), 'line 2: '],
    ['a kind is unknown', (all) => all.replace('"kind":"turn"', '"kind":"tern"'), 'line 2.kind: valid: turn, phase, decision, undone'],
    ['a counter is negative', (all) => all.replace('"errors":3,', '"errors":-3,'), 'metrics.canary["c"].errors: -3 is not valid'],
    ['a counter is text', (all) => all.replace('"errors":3,', '"errors":"3",'), 'errors: "3" is not valid'],
    ['a stage is unknown', (all) => all.replace('"stage":"last"', '"stage":"first"'), 'line 2.stage: valid: none, busy, step, last'],
    ['the version is another', (all) => all.replace('"version":1', '"version":2'), 'line 1.version: 2 is not valid'],
    ['nothing follows', (all) => `${all.split('\n', 1)[0]}\n`, 'it holds no turn'],
    ['a time is missing', (all) => all.replace(/"atMs":\d+,/, ''), 'line 2.atMs: it is missing'],
  ])('is refused where %s', (_, change, problem) => {
    expect(refusal(() => judgeSamples(change(text), asRecorded))).toContain(problem);
  });

  test('is judged as before where it is of the time when only steps were recorded', () => {
    const earlier = text.replace('"strategy":"canary",', '').replace(/,"bakeMs":0,"onInconclusive":"rollback"/, '');
    expect(earlier.length).toBeLessThan(text.length - 50);
    expect(judgeSamples(earlier, asRecorded)).toEqual(judgeSamples(text, asRecorded));
  });

  test('is not judged by what was not counted', () => {
    const flags = (name: string, value: string) => parseReplayFlags(new Map([[name, value]]));
    expect(refusal(() => judgeSamples(text, flags('max-slow', '5% over 300ms')))).toContain('no slow requests were counted');
    expect(refusal(() => judgeSamples(text, flags('min-traffic', '50%')))).toContain('was not noted');
  });
});

describe('a recording of more than one phase', () => {
  const direct = spec({ judgedBy: 'metrics', strategy: 'rolling', steps: [] });
  const rolled = plan({ spec: direct, rules, stableSample: { errors: 20, requests: 5_000 } });
  /** Beside the old pods first, then alone: so many errors in each 1,000 requests of the new ones. */
  const record = (recorder: Recorder, errors: number): void => {
    const fresh = stable({ images: { app: 'app:v2' } });
    let now = state({ kind: 'rolling', sinceMs: nowMs, judged: [] }, { startedAtMs: nowMs });
    for (let turn = 0; turn < 20; turn += 1) {
      const atMs = nowMs + turn * 5_000;
      const canary = { new: { errors: errors * turn, requests: 1_000 * turn } };
      const reading = { canary, stable: turn < 4 ? { old: { errors: 4 * turn, requests: 1_000 * (turn + 1) } } : {} };
      const seen = observation({ nowMs: atMs, stable: fresh, metrics: { kind: 'reading', reading } });
      now = absorb(rolled, now, seen);
      recorder.turn(now, seen, wait);
      const baking: Phase = { kind: 'baking', sinceMs: atMs, proved: true, because: '', judged: [] };
      if (turn === 3) now = { ...withoutStable(rolled, now), phase: baking };
    }
  };
  const recorded = (errors: number): string => {
    const lines: string[] = [];
    record(new Recorder(rolled, { write: (line) => lines.push(line) }, listening().reporter), errors);
    return `${lines.join('\n')}\n`;
  };
  const verdicts = (text: string, flags: Record<string, string> = {}) =>
    judgeSamples(text, parseReplayFlags(new Map(Object.entries(flags)))).map(({ verdict }) => verdict);

  test('is of both', () => {
    const phases = recorded(0)
      .split('\n')
      .filter((line) => line.includes('"kind":"phase"'));
    expect(phases.map((line) => JSON.parse(line) as object)).toEqual([
      { kind: 'phase', name: 'rolling', atMs: nowMs },
      { kind: 'phase', name: 'baking', atMs: nowMs + 15_000, before: { errors: 32, requests: 8_000 } },
    ]);
  });

  test('shows the course of the one that counts', () => {
    const recorder = new Recorder(rolled, undefined, listening().reporter);
    record(recorder, 1);
    const [first, ...later] = recorder.course.marks;
    expect(first).toMatchObject({ atMs: nowMs + 20_000, counts: { canaryRequests: 4_000, stableRequests: 0 } });
    expect(later.length).toBeGreaterThan(10);
    expect(later.every(({ counts }) => counts.stableRequests === 0)).toBe(true);
  });

  test('passes in the second, once its time is over', () => {
    const said = verdicts(recorded(0));
    expect(said).toHaveLength(20);
    expect(said.indexOf('pass')).toBe(15);
    expect(verdicts(recorded(0), { 'min-duration': '10s' }).indexOf('pass')).toBe(5);
  });

  test('is judged with another limit, in each phase', () => {
    expect(verdicts(recorded(10))).not.toContain('fail');
    expect(verdicts(recorded(10), { 'max-error-rate': '0.1%' }).indexOf('fail')).toBeLessThan(4);
    expect(verdicts(recorded(10), { 'max-error-increase': '1x + 0.01%' })).toContain('fail');
    expect(verdicts(recorded(10), { 'error-budget': '40' })).toContain('fail');
    expect(verdicts(recorded(300)).indexOf('fail')).toBeLessThan(4);
  });

  test.each<[string, (text: string) => string, string]>([
    ['a phase is unknown', (all) => all.replace('"name":"baking"', '"name":"cooking"'), '.name: valid: step, '],
    ['what was before is no count', (all) => all.replace('"errors":32', '"errors":-1'), '.before.errors: -1 is not valid'],
    ['the strategy is unknown', (all) => all.replace('"strategy":"rolling"', '"strategy":"a-b"'), 'line 1.strategy: valid: canary, '],
  ])('is refused where %s', (_, change, problem) => {
    expect(refusal(() => judgeSamples(change(recorded(0)), asRecorded))).toContain(problem);
  });
});

describe('a recording of green without traffic', () => {
  const idle = spec({ judgedBy: 'metrics', strategy: 'blue-green', steps: [], minDurationMs: 10_000 });
  const flipped = plan({ spec: idle, rules, stableSample: { errors: 0, requests: 60 } });
  const preview = { rollout: 'job-1', terminating: false };
  /** Turns 5 s apart, in which stable answers 10 requests each; then users are led to green, which answers. */
  const lines: string[] = [];
  const recorder = new Recorder(flipped, { write: (line) => lines.push(line) }, listening().reporter);
  let now = state({ kind: 'green', sinceMs: nowMs }, { startedAtMs: nowMs });
  for (let turn = 0; turn < 20; turn += 1) {
    const answered = { errors: 0, requests: 1_000 * Math.max(0, turn - 9) };
    const reading = { canary: turn < 10 ? {} : { g: answered }, stable: { s: { errors: 0, requests: 10 * (turn + 1) } } };
    const blueGreen = { green: { ...workload(4), owned: true }, preview, services: [] };
    const seen = observation({ nowMs: nowMs + turn * 5_000, blueGreen, metrics: { kind: 'reading', reading } });
    now = absorb(flipped, now, seen);
    recorder.turn(now, seen, wait);
    if (turn === 9) now = { ...withoutStable(flipped, now), phase: { kind: 'live', sinceMs: seen.nowMs, judged: [] } };
  }
  const text = `${lines.join('\n')}\n`;
  const said = (all: string, flags: Record<string, string> = {}) =>
    judgeSamples(all, parseReplayFlags(new Map(Object.entries(flags)))).map(({ verdict }) => verdict);

  test('passes when enough of stable is known, and green has been ready long enough', () => {
    expect(said(text).indexOf('pass')).toBe(4);
    expect(said(text).slice(10).indexOf('pass')).toBeGreaterThan(0);
    expect(said(text, { 'max-error-rate': '1%' }).indexOf('pass')).toBe(2);
    expect(said(text, { 'max-error-rate': '1%', 'min-duration': '30s' }).indexOf('pass')).toBe(6);
  });

  test('is inconclusive when the time is up, and then nothing that came later passes', () => {
    expect(said(text, { 'min-duration': '120s', timeout: '30s' }).indexOf('inconclusive')).toBe(6);
    expect(said(text, { 'min-duration': '46s' })).not.toContain('pass');
  });

  test('of the time when the flip’s other reasons were not noted, can only convict in green', () => {
    const earlier = text.replace(/"flip":\{[^}]*\},/, '');
    expect(earlier.length).toBeLessThan(text.length);
    expect(said(earlier).slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'continue'));
    expect(said(earlier)).toContain('pass');
  });

  test.each<[string, string, string]>([
    ['"tested":false', '"tested":0', 'line 1.flip.tested: valid: true, false'],
    ['"errors":0,"requests":60', '"errors":0,"requests":-60', 'line 1.flip.requests: -60 is not valid'],
  ])('is refused where %s is %s', (right, wrong, problem) => {
    expect(text).toContain(right);
    expect(refusal(() => judgeSamples(text.replace(right, wrong), asRecorded))).toContain(problem);
  });
});

const sinceMs = nowMs - 100_000;
const onGreen = { green: { ...workload(4), owned: false }, preview: undefined, services: [] };
test.each<[string, Plan, Phase, Partial<Observation>]>([
  ['a step', judged, phase, { canary: workload(4) }],
  ['a bake', judged, { kind: 'baking', sinceMs, proved: true, because: '', judged: [] }, {}],
  [
    'green before the flip',
    judged,
    { kind: 'green', sinceMs },
    { blueGreen: { ...onGreen, preview: { rollout: 'job-1', terminating: false } } },
  ],
  ['green under real traffic', judged, { kind: 'live', sinceMs, judged: [] }, { blueGreen: onGreen }],
  [
    'the user’s green',
    plan({ spec: spec({ strategy: 'blue-green' }), rules, pair: pairPlan }),
    { kind: 'live', sinceMs, judged: [] },
    { pair: stable({ ...workload(4, { uid: 'web-v2-1' }) }), blueGreen: { ...onGreen, green: undefined } },
  ],
])('a turn in which metrics of a ready new pod are missing is none in which it could pass: %s', (_, by, at, pods) => {
  const lines: string[] = [];
  const recorder = new Recorder(by, { write: (line) => lines.push(line) }, listening().reporter);
  let current = state(at, { servingSinceMs: sinceMs, steadiness: steady });
  for (const silent of [[], ['pod-1'], ['gone']]) {
    const metrics = { kind: 'reading', reading: { canary: {}, stable: {}, silent } } as const;
    const seen = observation({ nowMs, stable: stable(), metrics, ...pods });
    current = absorb(by, current, seen);
    recorder.turn(current, seen, wait);
  }
  const turns = lines.map((line) => JSON.parse(line) as { kind: string; stage?: string }).filter(({ kind }) => kind === 'turn');
  expect(turns.map(({ stage }) => stage)).toEqual(['last', 'step', 'last']);
  expect(judgeSamples(`${lines.join('\n')}\n`, asRecorded)).toHaveLength(3);
});

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a recording that fails', () => {
  test('says so once, and the release goes on', () => {
    const { reporter, warnings } = listening();
    let lines = 0;
    const full = {
      write: () => {
        lines += 1;
        if (lines > 3) throw new Error('ENOSPC: no space left on device');
      },
    };
    turns(new Recorder(judged, full, reporter), 20, 3);
    expect(lines).toBe(4);
    expect(warnings).toEqual(['the samples are not recorded any more: ENOSPC: no space left on device. The release goes on']);
  });

  test('is no trouble for the release where the folder does not exist, or the code has a bug', () => {
    const missing = new SampleFile({ RUNNER_TEMP: join(folder, 'none') }, 'web');
    const { reporter, warnings } = listening();
    turns(new Recorder(judged, missing, reporter), 3, 0);
    const broken = { ...judged, steps: undefined } as unknown as typeof judged;
    turns(new Recorder(broken, new SampleFile({ RUNNER_TEMP: folder }, 'web'), reporter), 3, 0);
    expect(warnings).toHaveLength(2);
    expect(missing.path).toBeUndefined();
  });

  test('is none where no metrics judge', () => {
    const file = new SampleFile({ RUNNER_TEMP: folder }, 'web');
    const { reporter, warnings } = listening();
    turns(new Recorder(plan(), file, reporter), 3, 0);
    expect([file.path, warnings]).toEqual([undefined, []]);
  });
});
