import { describe, expect, it } from 'vitest';
import { heartbeatOnTheWay, journalTimeoutMs, needsNoJournal, triesJournal } from '../../src/rollout/heartbeat.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import type { Phase } from '../../src/rollout/state.ts';
import { nowMs, observation, plan, spec, state } from './scene.ts';

const outcome = { result: 'rolled-back', reason: 'crash', because: 'it crashed', evidence: [] } as const;
const reverting: Phase = { kind: 'reverting', sinceMs: nowMs - 60_000, outcome };
const ending: Phase = { kind: 'ending', sinceMs: nowMs, outcome };
const exchanging: Phase = { kind: 'exchanging', sinceMs: nowMs, outcome };
const step: Phase = { kind: 'step', index: 0, sinceMs: nowMs };
const rolling: Phase = { kind: 'rolling', sinceMs: nowMs, judged: [] };
const live: Phase = { kind: 'live', sinceMs: nowMs, judged: [] };
const refused = (agoMs: number, kind: Phase['kind'] = 'reverting'): Partial<Observation> => ({
  unjournalled: { phase: kind, atMs: nowMs - agoMs },
});

describe('a heartbeat on the way back, of a dead-man of 240 s', () => {
  it.each<readonly [string, Partial<Observation>, number, boolean]>([
    ['is due after an eighth of it', {}, 30_000, true],
    ['and not before', {}, 29_999, false],
    ['is not tried again at once where it was refused', refused(200), 300_000, false],
    ['nor until a heartbeat would be due again', refused(29_999), 300_000, false],
    ['is tried again then: the Job may take it now', refused(30_000), 300_000, true],
    ['is none where the Job is gone', { job: undefined }, 300_000, false],
    ['is none where the Job is another one', { job: { uid: 'job-2', startedAtMs: 1, deadlineAtMs: 2, over: undefined } }, 300_000, false],
    [
      'is none where another run has taken the Job over',
      { job: { uid: 'job-1', startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
      300_000,
      false,
    ],
  ])('%s', (_name, seen, agoMs, isDue) => {
    const heartbeat = heartbeatOnTheWay(plan(), state(reverting, { heartbeatAtMs: nowMs - agoMs }), observation(seen));
    expect(heartbeat?.kind).toBe(isDue ? 'advance' : undefined);
  });
});

describe('the journal', () => {
  it.each<readonly [string, Phase, Phase, boolean]>([
    ['a release that goes back', rolling, reverting, true],
    ['a heartbeat of the way back', reverting, reverting, true],
    ['the end', step, ending, true],
    ['a heartbeat of the exchange', exchanging, exchanging, true],
    ['the verdict before the exchange', live, exchanging, false],
    ['the next phase on the way forward', step, rolling, false],
    ['a heartbeat on the way forward', step, step, false],
  ])('%s', (_name, from, to, needsNone) => {
    expect(needsNoJournal(from, to)).toBe(needsNone);
  });

  it.each<readonly [string, Partial<Observation>, boolean]>([
    ['is tried where nothing was refused', {}, true],
    ['is not tried again in the same phase', refused(1_000, 'ending'), false],
    ['is tried once in the next phase', refused(1_000, 'reverting'), true],
    ['is tried again at the pace of heartbeats', refused(30_000, 'ending'), true],
  ])('of a phase that needs none %s', (_name, seen, isTried) => {
    expect(triesJournal(plan(), ending, observation(seen))).toBe(isTried);
  });

  it('lets nobody wait long for his old version', () => {
    expect(journalTimeoutMs(plan(), step)).toBe(60_000);
    expect(journalTimeoutMs(plan(), reverting)).toBe(5_000);
    expect(journalTimeoutMs(plan({ spec: spec({ deadManMs: 15_000 }) }), reverting)).toBe(3_750);
  });
});
