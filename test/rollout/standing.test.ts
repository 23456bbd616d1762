import { describe, expect, test } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import { abortedState, abortOutcome, abortTruth } from '../../src/rollout/situation/abort.ts';
import { leftRollouts } from '../../src/rollout/situation/clean-up.ts';
import type { FoundJob, Situation } from '../../src/rollout/situation/situation.ts';
import { leftOf, standingOf } from '../../src/rollout/situation/standing.ts';
import { describeStatus, statusOf, statusOutcome } from '../../src/rollout/situation/status.ts';
import type { Phase } from '../../src/rollout/state.ts';
import { signalFor } from '../../src/runner/repair/finish-record.ts';
import { jobUid, nowMs, observation, plan, stable, state, workload } from './scene.ts';

const outcome = { result: 'rolled-back', reason: 'crash', because: 'it crashes', evidence: [] } as const;
const phases = {
  step: { kind: 'step', index: 0, sinceMs: nowMs },
  promoting: { kind: 'promoting', sinceMs: nowMs, proved: true, because: 'good', judged: [] },
  reverting: { kind: 'reverting', sinceMs: nowMs, outcome },
  ending: { kind: 'ending', sinceMs: nowMs, outcome },
} satisfies Readonly<Record<string, Phase>>;

function situation(changes: Partial<Situation> = {}): Situation {
  return {
    nowMs,
    target: plan().target,
    names: plan().names,
    stable: {
      uid: 'web-1',
      rollout: undefined,
      owned: false,
      terminating: false,
      unhealthy: undefined,
      desiredReplicas: 4,
      updatedReplicas: 4,
      availableReplicas: 4,
      images: [{ name: 'app', image: 'app:v1' }],
    },
    job: undefined,
    canary: undefined,
    ...changes,
  };
}

function job(phase: Phase, silentMs: number, changes: Partial<FoundJob> = {}): FoundJob {
  return {
    facts: { uid: jobUid, startedAtMs: nowMs - 500_000, deadlineAtMs: nowMs + 10_000, over: undefined },
    ours: true,
    createdAtMs: nowMs - 500_000,
    journal: { plan: plan(), state: state(phase, { heartbeatAtMs: nowMs - silentMs }) },
    ...changes,
  };
}

const orphan = { uid: 'c', rollout: 'job-0', ours: true, terminating: false, desiredReplicas: 1, availableReplicas: 1, pods: [] };
const over = { uid: jobUid, startedAtMs: nowMs, deadlineAtMs: undefined, over: 'its condition is Suspended' };

describe('standingOf', () => {
  test.each<[string, Partial<Situation>, string]>([
    ['nothing', {}, 'none'],
    ['a label', { stable: { ...situation().stable, rollout: 'job-0' } }, 'left'],
    ['our name in managedFields', { stable: { ...situation().stable, owned: true } }, 'left'],
    ['an orphaned canary', { canary: orphan }, 'left'],
    ["somebody else's Job and canary", { job: job(phases.step, 0, { ours: false }), canary: { ...orphan, ours: false } }, 'none'],
    ['a step with heartbeats', { job: job(phases.step, 30_000) }, 'running'],
    ['a step without', { job: job(phases.step, 100_000) }, 'silent'],
    ['a promotion with heartbeats', { job: job(phases.promoting, 239_000) }, 'running'],
    ['a promotion without', { job: job(phases.promoting, 240_000) }, 'stale'],
    ['a way back without', { job: job(phases.reverting, 240_000) }, 'stale'],
    ['a Job that is over, its run alive', { job: job(phases.step, 1_000, { facts: over }) }, 'running'],
    ['a Job that is over, its run dead', { job: job(phases.step, 300_000, { facts: over }) }, 'over'],
    ['a Job without a journal', { job: job(phases.step, 0, { journal: undefined }) }, 'unreadable'],
    [
      'a rollout that lives, and its label',
      { job: job(phases.step, 0), stable: { ...situation().stable, rollout: jobUid, owned: true } },
      'running',
    ],
  ])('%s', (_, changes, expected) => {
    const found = situation(changes);
    expect(standingOf(found)).toBe(expected);
    const report = statusOf(found, 'Step 1 of 2: 20 %');
    expect(describeStatus(report).length).toBeGreaterThan(2);
    expect(statusOutcome(report, 'web')).toMatchObject({ result: 'done' });
    if (expected !== 'left') expect(leftOf(found)).toEqual([]);
  });

  test('of two rollouts that have left something, both are cleaned up after', () => {
    expect(leftRollouts(situation({ canary: orphan, stable: { ...situation().stable, rollout: 'job-9' } }))).toEqual(['job-0', 'job-9']);
    expect(leftRollouts(situation({ stable: { ...situation().stable, owned: true } }))).toEqual(['']);
    expect(leftRollouts(situation({ canary: { ...orphan, ours: false } }))).toEqual([]);
  });
});

describe('abort', () => {
  test.each([
    ['step', 'aborting'],
    ['promoting', 'promoting'],
    ['reverting', 'reverting'],
    ['ending', 'ending'],
  ] as const)('in phase %s it goes on with %s', (phase, expected) => {
    const aborted = abortedState(state(phases[phase]), nowMs + 5, 'aborted by alice');
    expect(aborted).toMatchObject({ abort: 'aborted by alice', phase: { kind: expected, sinceMs: nowMs + 5 } });
    expect(signalFor(aborted).aborted).toBe(phase === 'promoting' || phase === 'reverting');
  });

  test.each([
    [{ ...outcome }, { result: 'rolled-back', reason: 'aborted' }],
    [
      { ...outcome, result: 'promoted' as const },
      { result: 'unchanged', reason: 'nothing-running' },
    ],
    [
      { ...outcome, result: 'failed' as const },
      { result: 'failed', reason: 'crash' },
    ],
  ])('of a rollout that ends as %j', (ended, expected) => {
    expect(abortOutcome(ended, plan(), 'aborted by alice')).toMatchObject(expected);
  });

  test('says what stands in the end', () => {
    const { images } = plan();
    const aborted = { ...outcome, reason: 'aborted' as const };
    const at = (image: string, more: object = {}) =>
      situation({ stable: { ...situation().stable, images: [{ name: 'app', image }], ...more } });
    expect(abortTruth(aborted, images, at('app:v1'))).toBe(aborted);
    expect(abortTruth(aborted, images, at('app:v2'))).toMatchObject({ result: 'unchanged', reason: 'nothing-running' });
    expect(abortTruth(aborted, images, at('app:v1', { rollout: 'x' }))).toMatchObject({ result: 'failed', reason: 'write-refused' });
    expect(abortTruth(aborted, [], at('app:v1'))).toBe(aborted);
  });
});

describe('aborting', () => {
  const because = 'aborted by alice in https://example.invalid/1';
  const phase: Phase = { kind: 'aborting', sinceMs: nowMs, outcome: { ...outcome, reason: 'aborted', because } };
  const next = (changes: Parameters<typeof observation>[0]) =>
    decide(plan(), state(phase), observation({ stable: stable({ rollout: jobUid }), ...changes }));

  test('the canary goes at once, by itself', () => {
    expect(next({ canary: workload(1) })).toMatchObject({ kind: 'apply', command: { kind: 'ensure-canary-deleted' } });
  });

  test('but not the last pods that serve', () => {
    expect(next({ canary: workload(1), stable: stable({ availableReplicas: 0 }) })).toMatchObject({ kind: 'wait' });
  });

  test('then the end comes at once: there the Job stays until the other run has had its look', () => {
    expect(next({})).toMatchObject({ kind: 'advance', journal: true, to: { phase: { kind: 'ending' } } });
  });

  test('a Job that is gone ends it', () => {
    expect(next({ job: undefined })).toMatchObject({ kind: 'advance', journal: false, to: { phase: { kind: 'ending' } } });
  });

  const seized = { uid: jobUid, startedAtMs: nowMs, deadlineAtMs: nowMs + 9, over: undefined, holder: 'run-2', abort: because };

  test('the run that is aborted says who did it, and writes nothing', () => {
    const decided = decide(
      plan(),
      state(phases.step),
      observation({ stable: stable({ rollout: jobUid }), job: seized, canary: workload(1) }),
    );
    expect(decided).toMatchObject({
      kind: 'advance',
      journal: false,
      to: { phase: { kind: 'ending', outcome: { result: 'rolled-back', reason: 'aborted', because } } },
    });
  });

  test('in its promotion too, and which image stands', () => {
    const now = stable({ rollout: jobUid, images: { app: 'app:v2' } });
    expect(decide(plan(), state(phases.promoting), observation({ stable: now, job: seized }))).toMatchObject({
      journal: false,
      to: { phase: { outcome: { result: 'failed', reason: 'aborted', because: `${because}; the new image stands` } } },
    });
  });
});
