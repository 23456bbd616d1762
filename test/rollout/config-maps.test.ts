import { describe, expect, test } from 'vitest';
import { guardConfigMaps, prunable } from '../../src/rollout/configuration/config-maps.ts';
import { decide } from '../../src/rollout/decide.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import type { ConfigMapFacts, Observation } from '../../src/rollout/observation.ts';
import { leftOver } from '../../src/rollout/phases/ending.ts';
import type { Phase } from '../../src/rollout/state.ts';
import { jobUid, nowMs, observation, plan, stable, state, workload } from './scene.ts';

const name = 'web-aaaaaaaaaa';
const field = {
  pointer: '/spec/volumes/0/configMap/name',
  guards: [],
  what: 'ConfigMap web in volume v',
  from: 'web',
  to: name,
  fromText: 'web',
  toText: name,
};
const release = plan({ configMaps: [{ source: 'web', name }], configuration: [field] });
const version = (changes: Partial<ConfigMapFacts> = {}): ConfigMapFacts => {
  return { name, source: 'web', uid: 'map-1', owners: [jobUid], terminating: false, referred: false, ...changes };
};
const old = version({ name: 'web-bbbbbbbbbb', uid: 'map-0', owners: ['web-1'] });

function brief(decision: Decision): string {
  if (decision.kind === 'apply') return decision.command.kind;
  if (decision.kind !== 'advance') return decision.kind;
  const { phase } = decision.to;
  return phase.kind === 'reverting' || phase.kind === 'ending' ? `${phase.kind} ${phase.outcome.reason}` : phase.kind;
}

type Row = readonly [string, readonly ConfigMapFacts[], string, Partial<Observation>?];
const standing = (states: 'from' | 'to') =>
  stable({ configuration: [states], images: { app: states === 'from' ? 'app:v1' : 'app:v2' }, rollout: jobUid });

function table(phase: Phase, seen: Partial<Observation>, rows: readonly Row[]): void {
  for (const [title, configMaps, expected, more] of rows) {
    test(title, () => {
      expect(brief(decide(release, state(phase), observation({ ...seen, configMaps, ...more })))).toBe(expected);
    });
  }
}

describe('fencing: nothing refers to what is not there', () => {
  table({ kind: 'fencing', sinceMs: nowMs - 1_000 }, { stable: standing('from') }, [
    ['not there', [], 'ensure-config-maps'],
    ['there, of our Job', [version()], 'step'],
    ['there, of the Deployment since an earlier release', [version({ owners: ['web-1'] })], 'step'],
    ['of a Job that is gone', [version({ owners: ['job-0'] })], 'ensure-config-maps'],
    ['of nobody', [version({ owners: [] })], 'ensure-config-maps'],
    ['of two', [version({ owners: [jobUid, 'web-1'] })], 'ensure-config-maps'],
    ['going', [version({ terminating: true })], 'wait'],
    ['not fenced yet', [], 'ensure-fence', { stable: stable({ configuration: ['from'], rollout: undefined }) }],
  ]);

  test('has a bound', () => {
    const late: Phase = { kind: 'fencing', sinceMs: nowMs - 60_000 };
    const going = observation({ stable: standing('from'), configMaps: [version({ terminating: true })] });
    expect(brief(decide(release, state(late), going))).toBe('ending write-refused');
  });
});

describe('promoting: what outlives the Job does not belong to it', () => {
  const phase: Phase = { kind: 'promoting', sinceMs: nowMs, proved: true, because: 'it passed', judged: [] };
  table(phase, { stable: standing('from'), canary: workload(1) }, [
    ['of the Job', [version()], 'ensure-config-maps-kept'],
    ['of the Deployment', [version({ owners: ['web-1'] })], 'ensure-promoted'],
    ['of both', [version({ owners: [jobUid, 'web-1'] })], 'reverting changed-by-others'],
    ['gone', [], 'reverting changed-by-others'],
    ['going', [version({ owners: ['web-1'], terminating: true })], 'reverting changed-by-others'],
  ]);
  test('a half that stands is nobody of ours', () => {
    const half = stable({ configuration: ['to'], rollout: jobUid });
    expect(brief(decide(release, state(phase), observation({ stable: half, configMaps: [version({ owners: ['web-1'] })] })))).toBe(
      'ending changed-by-others',
    );
  });
});

describe('ending: what nothing refers to goes with the Job', () => {
  const outcome = { result: 'promoted', reason: 'gates-passed', because: 'all passed', evidence: [] } as const;
  const phase: Phase = { kind: 'ending', sinceMs: nowMs - 1_000, outcome };
  const kept = version({ owners: ['web-1'], referred: true });
  table(phase, { stable: standing('to') }, [
    ['an old version', [kept, old], 'ensure-config-maps-pruned'],
    ['an old version that the history refers to', [kept, { ...old, referred: true }], 'ensure-job-deleted'],
    ['one of nobody', [kept, { ...old, owners: [] }], 'ensure-config-maps-pruned'],
    ['one that has been given to the Job', [kept, { ...old, owners: [jobUid] }], 'ensure-job-deleted'],
    ['refused again and again', [kept, old], 'ensure-job-deleted', { rejection: { message: 'no', times: 3 } }],
    [
      'no Job any more, ours is about to go',
      [version()],
      'wait',
      { job: undefined, stable: stable({ configuration: ['to'], rollout: undefined }) },
    ],
    [
      'no Job any more, nothing to wait for',
      [kept],
      'finish',
      { job: undefined, stable: stable({ configuration: ['to'], rollout: undefined }) },
    ],
  ]);
  test('has a bound', () => {
    const late: Phase = { ...phase, sinceMs: nowMs - 40_000 };
    expect(brief(decide(release, state(late), observation({ stable: standing('to'), configMaps: [old] })))).toBe('ensure-job-deleted');
    const gone = observation({ stable: stable({ configuration: ['to'], rollout: undefined }), configMaps: [version()], job: undefined });
    expect(brief(decide(release, state({ ...phase, sinceMs: nowMs - 6_000 }), gone))).toBe('finish');
    expect(leftOver(release, state(phase), gone)).toEqual([`ConfigMap ${name}`]);
  });
});

describe('blue-green: green outlives the Job with what it refers to', () => {
  const keep: Decision = { kind: 'apply', command: { kind: 'ensure-green-kept' }, because: 'it has the traffic' };
  const step: Phase = { kind: 'step', index: 0, sinceMs: nowMs };
  test.each<[string, readonly ConfigMapFacts[], string]>([
    ['of the Job', [version()], 'ensure-config-maps-kept'],
    ['of the Deployment', [version({ owners: ['web-1'] })], 'ensure-green-kept'],
    ['gone', [], 'ensure-green-kept'],
  ])('%s', (_title, configMaps, expected) => {
    expect(brief(guardConfigMaps(release, state(step), observation({ configMaps }), keep))).toBe(expected);
  });

  test('while green is there, its version is not given to the Job', () => {
    const green = { ...workload(4), owned: false };
    const seen = observation({ configMaps: [version({ owners: ['web-1'] }), old], blueGreen: { green, preview: undefined, services: [] } });
    expect(prunable(release, seen).map((one) => one.name)).toEqual([old.name]);
  });
});

test('somebody who changes a reference during the canary is named', () => {
  const step: Phase = { kind: 'step', index: 0, sinceMs: nowMs };
  const seen = observation({ stable: stable({ configuration: ['other'], rollout: jobUid }), configMaps: [version()] });
  const decision = decide(release, state(step), seen);
  expect(decision.because).toBe('somebody changed ConfigMap web in volume v during the rollout');
});
