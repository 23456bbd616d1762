import { describe, expect, it } from 'vitest';
import { absorb } from '../../src/rollout/absorb.ts';
import { decide } from '../../src/rollout/decide.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import type { BlueGreenFacts, Observation, ServiceFacts, StableFacts } from '../../src/rollout/observation.ts';
import type { BlueGreenPlan } from '../../src/rollout/plan/blue-green-plan.ts';
import type { DeploymentFacts } from '../../src/rollout/plan/deployment-facts.ts';
import { chooseKeptColours, type KeptColourFacts } from '../../src/rollout/plan/kept-green-plan.ts';
import { keptGreenRefusals } from '../../src/rollout/plan/kept-green-refusals.ts';
import type { PairFacts, PairPlan } from '../../src/rollout/plan/pair-plan.ts';
import { planRelease } from '../../src/rollout/plan/plan.ts';
import { roomWarnings } from '../../src/rollout/plan/room.ts';
import { recordedPhase, recordedRun } from '../../src/rollout/recording.ts';
import { replayRecording } from '../../src/rollout/replay-recording.ts';
import { isUndoneByDeletion, type Phase, type RolloutState } from '../../src/rollout/state.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import { container, healthy, jobUid, nowMs, observation, plan, pod, refusedHeartbeat, spec, stable, state, workload } from './scene.ts';

const colours: BlueGreenPlan = {
  key: 'colour',
  blue: 'blue',
  green: 'green',
  isInSelector: true,
  services: ['web', 'admin'],
  preview: { selector: { app: 'shop', colour: 'green' }, ports: [{ port: 80 }] },
};
const pairPlan: PairPlan = {
  name: 'web-2',
  uid: 'web-2-1',
  images: [{ container: 'app', index: 0, from: 'app:v0', to: 'app:v2' }],
  templateHash: 'hash-2',
  found: { old: 4, new: 1 },
  total: 5,
  minAvailable: 4,
  maxTotal: 6,
  fences: { old: undefined, new: undefined },
};
const fullSize: Partial<PairPlan> = { found: { old: 4, new: 5 } };

const green = (replicas = 4, changes: Partial<StableFacts> = {}): StableFacts =>
  stable({ ...workload(replicas, { uid: 'web-2-1' }), images: { app: 'app:v2' }, templateHash: 'hash-2', ...changes });
const found: Partial<StableFacts> = { images: { app: 'app:v0' } };
const service = (name: string, changes: Partial<ServiceFacts> = {}): ServiceFacts => ({
  name,
  colour: 'blue',
  rollout: undefined,
  owned: false,
  terminating: false,
  ...changes,
});
const flipped = { rollout: jobUid, colour: 'green' } as const;
const both = (web: Partial<ServiceFacts> = {}, admin: Partial<ServiceFacts> = web): BlueGreenFacts => ({
  green: undefined,
  preview: { rollout: jobUid, terminating: false },
  services: [service('web', web), service('admin', admin)],
});
const idle: Partial<Observation> = { pair: green(), blueGreen: both() };
const serving: Partial<Observation> = { pair: green(), blueGreen: both(flipped) };
const failed: Outcome = { result: 'rolled-back', reason: 'metrics-failed', because: 'it fails', evidence: [] };
const promoted: Outcome = { result: 'promoted', reason: 'gates-passed', because: 'it is good', evidence: [] };
const steady = (ms: number): Partial<RolloutState> => ({
  steadiness: { replicas: 4, availableSinceMs: nowMs - ms, missingSinceMs: undefined, wasAvailable: true },
  servingSinceMs: nowMs - ms,
  unbrokenSinceMs: nowMs - ms,
});
const badPod = pod({
  ready: false,
  containers: [container({ ready: false, restartCount: 3, waiting: { reason: 'CrashLoopBackOff', message: '' } })],
});
const crashing = green(4, { availableReplicas: 0, pods: [badPod] });

function brief(decision: Decision): string {
  if (decision.kind === 'apply') {
    const { command } = decision;
    if ('service' in command) return `${command.kind} ${command.service}`;
    return command.kind === 'ensure-pair-replicas' ? `${command.side} ${command.replicas}` : command.kind;
  }
  if (decision.kind !== 'advance') return decision.kind === 'finish' ? `finish ${decision.outcome.result}` : 'wait';
  const { phase } = decision.to;
  const journal = decision.journal ? '' : ' without a journal';
  if ('outcome' in phase) return `${phase.kind} ${phase.outcome.result} ${phase.outcome.reason}${journal}`;
  return `${phase.kind}${journal}`;
}

type Row = {
  readonly name: string;
  readonly pair?: Partial<PairPlan>;
  readonly spec?: Parameters<typeof spec>[0];
  readonly state?: Partial<RolloutState>;
  readonly seen?: Partial<Observation>;
  readonly expect: string;
};

function planned(row: Pick<Row, 'pair' | 'spec'> = {}) {
  const names = { ...plan().names, green: 'web-2' };
  const release = spec({ strategy: 'blue-green', greenDeployment: 'web-2', ...row.spec });
  return plan({ spec: release, steps: [], blueGreen: colours, pair: { ...pairPlan, ...row.pair }, names });
}

function table(phase: Phase, seen: Partial<Observation>, rows: readonly Row[]): void {
  it.each(rows)('$name → $expect', (row) => {
    expect(brief(decide(planned(row), state(phase, row.state), observation({ ...seen, ...row.seen })))).toBe(row.expect);
  });
}

const job = { uid: jobUid, startedAtMs: 1, deadlineAtMs: nowMs + 99_000, over: undefined };
const takenOver = { job: { ...job, holder: 'run-2' } };

describe('the fences', () => {
  table(
    { kind: 'fencing', sinceMs: nowMs },
    { pair: green(1, { ...found, rollout: undefined }), blueGreen: { ...both(), preview: undefined } },
    [
      { name: 'the first one comes first', seen: { stable: stable({ rollout: undefined }) }, expect: 'ensure-fence' },
      { name: 'then the second one', expect: 'ensure-pair-fence' },
      { name: 'both stand', seen: { pair: green(1, found) }, expect: 'kept-green' },
      {
        name: 'the second one is of another rollout',
        seen: { pair: green(1, { ...found, rollout: 'job-9' }) },
        expect: 'ending rolled-back fence-lost',
      },
    ],
  );
});

describe('the user’s green without traffic', () => {
  table({ kind: 'kept-green', sinceMs: nowMs - 20_000 }, idle, [
    { name: 'the image comes before any pod', seen: { pair: green(1, found) }, expect: 'ensure-pair-image' },
    { name: 'as large as blue', seen: { pair: green(1) }, expect: 'new 4' },
    {
      name: 'never scaled down',
      pair: fullSize,
      seen: { pair: green(5), blueGreen: { ...both(), preview: undefined } },
      expect: 'ensure-preview',
    },
    {
      name: 'an autoscaler moves what we do not scale',
      pair: fullSize,
      seen: { pair: green(4) },
      state: steady(60_000),
      expect: 'flipping',
    },
    { name: 'no preview', seen: { blueGreen: { ...both(), preview: undefined } }, expect: 'ensure-preview' },
    { name: 'not available', seen: { pair: green(4, { availableReplicas: 3 }) }, expect: 'wait' },
    { name: 'old pods are still there', seen: { pair: green(4, { replicas: 5 }) }, state: steady(60_000), expect: 'wait' },
    { name: 'ready, not long enough', state: steady(30_000), expect: 'wait' },
    { name: 'ready for long enough', state: steady(60_000), expect: 'flipping' },
    { name: 'a smoke test', spec: { smokeTest: 'true' }, state: steady(1_000), expect: 'run-smoke-test' },
    {
      name: 'the smoke test failed',
      spec: { smokeTest: 'true' },
      state: { smoke: { kind: 'failed', because: '', evidence: [] } },
      expect: 'green-restoring rolled-back smoke-test-failed',
    },
    { name: 'crashing', seen: { pair: crashing }, expect: 'green-restoring rolled-back crash' },
    {
      name: 'never ready',
      seen: { pair: green(4, { availableReplicas: 0 }) },
      state: { steadiness: { replicas: 4, availableSinceMs: undefined, missingSinceMs: nowMs - 61_000, wasAvailable: false } },
      expect: 'green-restoring rolled-back not-ready',
    },
    {
      name: 'no verdict in time',
      state: { ...steady(1_000), startedAtMs: nowMs - 600_000 },
      expect: 'green-restoring inconclusive not-ready',
    },
    { name: 'blue is not there to go back to', seen: { stable: stable({ availableReplicas: 2 }) }, state: steady(60_000), expect: 'wait' },
    { name: 'cancelled', seen: { cancelled: true }, expect: 'green-restoring rolled-back cancelled' },
    { name: 'refused three times', seen: { rejection: { message: 'no', times: 3 } }, expect: 'green-restoring rolled-back write-refused' },
    {
      name: 'writes get no answer',
      seen: { pair: green(1) },
      state: { startedAtMs: nowMs },
      spec: { timeoutMs: 10_000 },
      expect: 'green-restoring rolled-back write-refused',
    },
    {
      name: 'somebody changed a Service',
      seen: { blueGreen: both({}, { colour: 'other' }) },
      expect: 'green-restoring rolled-back changed-by-others',
    },
    {
      name: 'somebody changed the image of green',
      seen: { pair: green(4, { images: { app: 'x' } }) },
      expect: 'green-restoring rolled-back changed-by-others',
    },
    {
      name: 'somebody changed the template of green',
      seen: { pair: green(4, { templateHash: 'x' }) },
      expect: 'green-restoring rolled-back changed-by-others',
    },
    { name: 'somebody paused green', seen: { pair: green(4, { paused: true }) }, expect: 'green-restoring rolled-back changed-by-others' },
    { name: 'somebody scaled green', seen: { pair: green(2) }, expect: 'green-restoring rolled-back changed-by-others' },
    {
      name: 'somebody scaled blue up',
      seen: { stable: stable(workload(9, { uid: 'web-1' })) },
      expect: 'green-restoring rolled-back changed-by-others',
    },
    {
      name: 'somebody changed the image of blue',
      seen: { stable: stable({ images: { app: 'x' } }) },
      expect: 'green-restoring rolled-back changed-by-others',
    },
    { name: 'green is gone', seen: { pair: undefined }, expect: 'green-restoring rolled-back deployment-deleted' },
    {
      name: 'blue is gone',
      seen: { stable: undefined },
      expect: 'ending failed deployment-deleted',
    },
    {
      name: 'the label of green is gone',
      seen: { pair: green(4, { rollout: undefined }) },
      expect: 'green-restoring rolled-back fence-lost',
    },
    { name: 'green is of another rollout', seen: { pair: green(4, { rollout: 'job-9' }) }, expect: 'ending failed fence-lost' },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'green-restoring rolled-back lock-lost without a journal' },
    { name: 'another run has the record', seen: takenOver, expect: 'ending failed lock-lost without a journal' },
    {
      name: 'taken over: nobody has judged it',
      state: { ...steady(60_000), resumed: true },
      expect: 'green-restoring rolled-back cancelled',
    },
    { name: 'a heartbeat is due', state: { heartbeatAtMs: nowMs - 31_000 }, seen: { pair: green(1) }, expect: 'kept-green' },
  ]);

  it('is nothing that deleting the Job would undo, from its first write on', () => {
    const outcome = failed;
    const sinceMs = nowMs;
    const phases: Phase[] = [
      { kind: 'kept-green', sinceMs },
      { kind: 'exchanging', sinceMs, outcome },
      { kind: 'green-restoring', sinceMs, outcome, drains: true },
    ];
    expect(phases.filter(isUndoneByDeletion)).toEqual([]);
  });
});

describe('the flip', () => {
  table({ kind: 'flipping', sinceMs: nowMs, judged: [] }, { pair: green(), blueGreen: both({ rollout: jobUid }) }, [
    { name: 'fenced first', seen: { blueGreen: both({ rollout: jobUid }, {}) }, expect: 'ensure-service-fenced admin' },
    { name: 'one after the other', seen: { blueGreen: both(flipped, { rollout: jobUid }) }, expect: 'ensure-flipped admin' },
    { name: 'both lead to green', seen: serving, expect: 'live' },
    { name: 'green lost a pod', seen: { pair: green(4, { availableReplicas: 3 }) }, expect: 'wait' },
    { name: 'green is gone', seen: { pair: undefined }, expect: 'flipping-back rolled-back deployment-deleted' },
    { name: 'somebody put the old image on green', seen: { pair: green(4, found) }, expect: 'flipping-back rolled-back changed-by-others' },
    { name: 'cancelled', seen: { cancelled: true }, expect: 'flipping-back rolled-back cancelled' },
    { name: 'taken over: goes on', state: { resumed: true }, expect: 'ensure-flipped web' },
  ]);
});

describe('green under real traffic', () => {
  table({ kind: 'live', sinceMs: nowMs - 60_000, judged: [] }, serving, [
    { name: 'ready for long enough', state: steady(60_000), expect: 'exchanging promoted gates-passed' },
    { name: 'not long enough', state: steady(30_000), expect: 'wait' },
    { name: 'crashing', seen: { pair: crashing }, expect: 'flipping-back rolled-back crash' },
    {
      name: 'no pod of green serves',
      seen: { pair: green(4, { availableReplicas: 0, pods: [] }) },
      expect: 'flipping-back rolled-back not-ready',
    },
    { name: 'cancelled', state: steady(60_000), seen: { cancelled: true }, expect: 'flipping-back rolled-back cancelled' },
    { name: 'an autoscaler has scaled green', seen: { pair: green(7) }, state: steady(60_000), expect: 'exchanging promoted gates-passed' },
    {
      name: 'somebody changed the image of green',
      seen: { pair: green(4, { images: { app: 'x' } }) },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    {
      name: 'somebody changed a Service',
      seen: { blueGreen: both(flipped, { rollout: jobUid, colour: 'other' }) },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'flipping-back rolled-back lock-lost without a journal' },
    { name: 'blue has no pods any more', seen: { stable: stable(workload(0, { uid: 'web-1' })) }, expect: 'ending failed scaled-to-zero' },
    { name: 'blue is gone', seen: { stable: undefined }, expect: 'ending failed deployment-deleted' },
    { name: 'another run has the record', seen: takenOver, expect: 'ending failed lock-lost without a journal' },
    {
      name: 'no verdict, on-inconclusive: promote',
      spec: { onInconclusive: 'promote', timeoutMs: 1_000, minDurationMs: 2_000 },
      expect: 'exchanging promoted unproved',
    },
  ]);
});

describe('the exchange', () => {
  const phase: Phase = { kind: 'exchanging', sinceMs: nowMs - 6_000, outcome: promoted };
  const free = both({ colour: 'green' });
  table(phase, { pair: green(), blueGreen: free }, [
    { name: 'the Services are the user’s again first', seen: serving, expect: 'ensure-service-fence-released web' },
    { name: 'then blue gets what green had', expect: 'old 1' },
    {
      name: 'somebody led a Service back in that moment, and a heartbeat is refused',
      state: refusedHeartbeat.state,
      seen: { ...refusedHeartbeat.seen, blueGreen: both({ colour: 'green' }, {}), stable: stable(workload(1, { uid: 'web-1' })) },
      expect: 'old 4',
    },
    { name: 'blue has it', seen: { stable: stable(workload(1, { uid: 'web-1' })) }, expect: 'ending promoted gates-passed' },
    { name: 'green was at full size already', pair: fullSize, expect: 'ending promoted gates-passed' },
    { name: 'somebody has scaled blue', seen: { stable: stable(workload(3, { uid: 'web-1' })) }, expect: 'ending promoted gates-passed' },
    { name: 'a pod of green is missing', seen: { pair: green(4, { availableReplicas: 3 }) }, expect: 'wait' },
    { name: 'refused three times', seen: { rejection: { message: 'no', times: 3 } }, expect: 'ending promoted gates-passed' },
    { name: 'somebody led a Service back', seen: { blueGreen: both({ colour: 'green' }, {}) }, expect: 'ending failed changed-by-others' },
    {
      name: 'somebody led a Service back in the moment in which blue was scaled',
      seen: { blueGreen: both({ colour: 'green' }, {}), stable: stable(workload(1, { uid: 'web-1' })) },
      expect: 'old 4',
    },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'old 1' },
    { name: 'the label of blue is gone', seen: { stable: stable({ rollout: undefined }) }, expect: 'ending promoted gates-passed' },
    { name: 'blue is gone', seen: { stable: undefined }, expect: 'ending promoted gates-passed' },
    { name: 'cancelled: the verdict stands', seen: { cancelled: true }, expect: 'old 1' },
    { name: 'another run has the record', seen: takenOver, expect: 'ending failed lock-lost without a journal' },
  ]);
  table({ ...phase, sinceMs: nowMs - 1_000 }, { pair: green(), blueGreen: free }, [
    { name: 'not every node has heard of it', expect: 'wait' },
  ]);
  table({ ...phase, sinceMs: nowMs - 601_000 }, { pair: green(4, { availableReplicas: 3 }), blueGreen: free }, [
    { name: 'green does not come back: blue keeps its replicas', expect: 'ending promoted gates-passed' },
  ]);
});

describe('the way back', () => {
  table({ kind: 'flipping-back', sinceMs: nowMs, outcome: failed, images: 'old', sent: false }, serving, [
    { name: 'blue carries', expect: 'ensure-flipped-back web' },
    { name: 'blue does not carry yet', seen: { stable: stable({ availableReplicas: 2 }) }, expect: 'wait' },
    {
      name: 'nobody carries',
      seen: { stable: stable({ availableReplicas: 2 }), pair: green(4, { availableReplicas: 0 }) },
      expect: 'ensure-flipped-back web',
    },
    { name: 'all are back', seen: { blueGreen: both() }, expect: 'green-restoring rolled-back metrics-failed' },
    { name: 'blue has no pods any more', seen: { stable: stable(workload(0, { uid: 'web-1' })) }, expect: 'ending failed scaled-to-zero' },
    {
      name: 'somebody gave blue the new image: it is theirs',
      seen: { stable: stable({ images: { app: 'app:v2' } }) },
      expect: 'ensure-flipped-back web',
    },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'ensure-flipped-back web' },
    { name: 'a heartbeat is refused: the Service goes back', ...refusedHeartbeat, expect: 'ensure-flipped-back web' },
  ]);
  const phase: Phase = { kind: 'green-restoring', sinceMs: nowMs - 6_000, outcome: failed, drains: true };
  table({ ...phase, sinceMs: nowMs - 1_000 }, idle, [
    { name: 'not every node has heard of it', expect: 'wait' },
    { name: 'a flip that came late', seen: { blueGreen: both({}, flipped) }, expect: 'flipping-back rolled-back metrics-failed' },
  ]);
  table({ ...phase, sinceMs: nowMs - 61_000 }, { ...idle, pair: green(1, { ...found, rollout: undefined, availableReplicas: 0 }) }, [
    { name: 'pods that never come', expect: 'ending rolled-back metrics-failed' },
  ]);
  table({ ...phase, sinceMs: nowMs, drains: false }, idle, [{ name: 'nobody was led to it', expect: 'new 1' }]);
  table(phase, idle, [
    { name: 'replicas first', expect: 'new 1' },
    { name: 'a heartbeat is due', state: { heartbeatAtMs: nowMs - 31_000 }, expect: 'green-restoring rolled-back metrics-failed' },
    { name: 'a heartbeat is refused', ...refusedHeartbeat, expect: 'new 1' },
    { name: 'then the image', seen: { pair: green(1) }, expect: 'ensure-pair-image-back' },
    { name: 'then the fence', seen: { pair: green(1, found) }, expect: 'ensure-pair-fence-released' },
    { name: 'all stands', seen: { pair: green(1, { ...found, rollout: undefined }) }, expect: 'ending rolled-back metrics-failed' },
    { name: 'its pods are on their way', seen: { pair: green(1, { ...found, rollout: undefined, replicas: 3 }) }, expect: 'wait' },
    {
      name: 'a cancel waits for none',
      seen: { cancelled: true, pair: green(1, { ...found, rollout: undefined, replicas: 3 }) },
      expect: 'ending rolled-back metrics-failed',
    },
    { name: 'replicas that were never ours', pair: fullSize, seen: { pair: green(6, found) }, expect: 'ensure-pair-fence-released' },
    {
      name: 'somebody led a Service to green: it stays',
      seen: { blueGreen: both({}, { colour: 'green' }) },
      expect: 'ending failed changed-by-others',
    },
    { name: 'the label of green was dropped', seen: { pair: green(4, { rollout: undefined }) }, expect: 'ensure-pair-fence' },
    {
      name: 'somebody else’s image stands',
      seen: { pair: green(1, { images: { app: 'x' }, rollout: undefined }) },
      expect: 'ending failed metrics-failed',
    },
    {
      name: 'somebody else’s replicas stand',
      seen: { pair: green(3, { ...found, rollout: undefined }) },
      expect: 'ending failed metrics-failed',
    },
    { name: 'green is of another rollout', seen: { pair: green(4, { rollout: 'job-9' }) }, expect: 'ending failed fence-lost' },
    { name: 'blue is of another rollout', seen: { stable: stable({ rollout: 'job-9' }) }, expect: 'new 1' },
    { name: 'green is gone', seen: { pair: undefined }, expect: 'ending rolled-back metrics-failed' },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'new 1' },
    { name: 'refused three times', seen: { rejection: { message: 'no', times: 3 } }, expect: 'ending failed write-refused' },
    { name: 'another run has the record', seen: takenOver, expect: 'ending failed lock-lost without a journal' },
  ]);
});

describe('the end', () => {
  const phase: Phase = { kind: 'ending', sinceMs: nowMs, outcome: promoted };
  const gone = { job: undefined };
  const freed: BlueGreenFacts = { ...both({ colour: 'green' }), preview: undefined };
  const released = green(4, { rollout: undefined });
  table(phase, { ...gone, pair: green(), blueGreen: freed }, [
    { name: 'the Job goes first', seen: { job }, expect: 'ensure-job-deleted' },
    {
      name: 'an annotation goes, the Service stays where it leads',
      seen: { blueGreen: { ...both(flipped), preview: undefined } },
      expect: 'ensure-service-fence-released web',
    },
    { name: 'the labels go', expect: 'ensure-fence-released' },
    { name: 'the second one too', seen: { stable: stable({ rollout: undefined }) }, expect: 'ensure-pair-fence-released' },
    { name: 'nothing is left; green stays', seen: { stable: stable({ rollout: undefined }), pair: released }, expect: 'finish promoted' },
  ]);
});

describe('evidence', () => {
  const rules = rulesFor({ compare: true, spec: spec() });
  it('does not count what pods that had the image already have answered before', () => {
    const reading = { canary: { 'pod-0': { errors: 500, requests: 1000 } }, stable: { old: { errors: 0, requests: 10 } } };
    const seen = observation({ ...idle, metrics: { kind: 'reading', reading } });
    const begun = state({ kind: 'kept-green', sinceMs: nowMs });
    const totals = (images: PairPlan['images']) => absorb({ ...planned({ pair: { images } }), rules }, begun, seen).evidence?.totals;
    expect(totals([])).toMatchObject({ canaryRequests: 0, canaryErrors: 0 });
    expect(totals(pairPlan.images)).toMatchObject({ canaryRequests: 1000, canaryErrors: 500 });
  });

  it('nor does the replay of its recording', () => {
    const reading = { canary: { 'pod-0': { errors: 500, requests: 1000 } }, stable: { old: { errors: 0, requests: 10 } } };
    const later = { canary: { 'pod-0': { errors: 500, requests: 1100 } }, stable: { old: { errors: 0, requests: 110 } } };
    const begun = state({ kind: 'kept-green', sinceMs: nowMs });
    const evidenceBad = (images: PairPlan['images']) => {
      const drawn = { ...planned({ pair: { images } }), rules };
      const run = recordedRun(drawn, begun);
      const phase = recordedPhase(begun);
      if (run === undefined || phase === undefined || rules === undefined) throw new Error('nothing is recorded');
      const turns = [reading, later].map((metrics, index) => ({
        kind: 'turn' as const,
        atMs: nowMs + index * 5_000,
        stage: 'busy' as const,
        servedMs: 0,
        metrics,
      }));
      return replayRecording(rules, { run, lines: [phase, ...turns] }).at(-1)?.logEvidenceBad ?? 0;
    };
    expect(evidenceBad([])).toBeLessThan(0);
    expect(evidenceBad(pairPlan.images)).toBeGreaterThan(4);
  });
});

describe('by which label the two are told apart', () => {
  const shape = (name: string, selector: Record<string, string>) => ({ name, selector, ports: [{ port: 80 }] });
  const web = shape('web', { app: 'shop', colour: 'blue' });
  const facts: KeptColourFacts = {
    deployment: 'web',
    second: 'web-2',
    blue: { app: 'shop', colour: 'blue', version: '1' },
    green: { app: 'shop', colour: 'green', version: '2' },
    leading: [web],
    leadingToSecond: [],
    common: [],
    strangers: [],
  };
  it('reads key and values from the two templates', () => {
    expect(chooseKeptColours(facts)).toEqual({
      kind: 'colours',
      plan: { ...colours, services: ['web'] },
      warnings: [],
    });
  });
  const cases: readonly (readonly [string, Partial<KeptColourFacts>, RegExp, RegExp])[] = [
    ['no Service', { leading: [] }, /^no Service leads to its pods/u, /selector:\n.*\n {4}colour: blue/u],
    [
      'leads to green already',
      { leading: [], leadingToSecond: [web] },
      /leads to web-2 already/u,
      /deployment: web-2, green-deployment: web$/u,
    ],
    [
      'a Service of both',
      { common: [shape('web', { app: 'shop' })] },
      /selects the pods of both/u,
      /canary-deployment: web-2[\s\S]*app: shop\n {4}colour: blue/u,
    ],
    ['no label differs', { green: facts.blue }, /differ in no value/u, /web-2: colour: green/u],
    ['two labels at once', { leading: [shape('web', { colour: 'blue', version: '1' })] }, /no one label/u, /colour: blue/u],
    [
      'two Services by different labels',
      { leading: [web, shape('admin', { version: '1' })] },
      /no one label of Service web, admin/u,
      /colour: blue/u,
    ],
    ['pods of others', { strangers: [{ service: 'web', pod: 'cart-1' }] }, /pods of others too \(cart-1\)/u, /label that only the pods/u],
  ];
  it.each(cases)('refuses %s', (_name, changes, message, hint) => {
    const colour = chooseKeptColours({ ...facts, ...changes });
    if (colour.kind !== 'refused') throw new Error('it was not refused');
    expect(colour.message).toMatch(message);
    expect(colour.hint).toMatch(hint);
  });
});

describe('refusals', () => {
  const second: NonNullable<PairFacts['found']> = {
    uid: 'web-2-1',
    replicas: 1,
    paused: false,
    unhealthy: undefined,
    containers: [{ name: 'app', image: 'app:v0' }],
    templateHash: 'hash-2',
    rollout: undefined,
  };
  const pair: PairFacts = { name: 'web-2', found: second, commonServices: [], overlaps: false, autoscalers: [], heldBy: undefined };
  const facts: DeploymentFacts = { ...healthy, blueGreen: { kind: 'colours', plan: colours, warnings: [] }, pair };
  const release = spec({ strategy: 'blue-green', greenDeployment: 'web-2' });
  const autoscalers = ['HorizontalPodAutoscaler web of web-2'];
  const cases: readonly (readonly [string, DeploymentFacts, RegExp])[] = [
    ['green is missing', { ...facts, pair: { ...pair, found: undefined } }, /There is no Deployment web-2/u],
    ['green is being released', { ...facts, pair: { ...pair, heldBy: 'by somebody' } }, /web-2 is being released already: by somebody/u],
    ['green is paused', { ...facts, pair: { ...pair, found: { ...second, paused: true } } }, /web-2 is paused/u],
    ['green is unhealthy', { ...facts, pair: { ...pair, found: { ...second, unhealthy: 'so it is' } } }, /not healthy: so it is/u],
    ['other containers', { ...facts, pair: { ...pair, found: { ...second, containers: [] } } }, /has no container app/u],
    ['selectors that overlap', { ...facts, pair: { ...pair, overlaps: true } }, /the selector of one matches/u],
    ['an autoscaler where replicas are written', { ...facts, pair: { ...pair, autoscalers } }, /autoscaler would fight for them/u],
    ['blue has no replicas', { ...facts, replicas: 0 }, /web has 0 replicas/u],
  ];
  it.each(cases)('%s', (_name, changed, message) => {
    expect(
      keptGreenRefusals(changed, release, ['app'])
        .map((one) => one.message)
        .join('\n'),
    ).toMatch(message);
  });
  it('lets an autoscaler be where green is at full size already', () => {
    const full = { ...facts, pair: { ...pair, autoscalers, found: { ...second, replicas: 4 } } };
    expect(keptGreenRefusals(full, release, ['app'])).toEqual([]);
  });
  it('plans what is found, and calls green by its name', () => {
    const drawn = planRelease(facts, [{ container: 'app', index: 0, from: 'app:v1', to: 'app:v2' }], release, undefined, []);
    expect(drawn.pair).toMatchObject({ name: 'web-2', found: { old: 4, new: 1 }, images: pairPlan.images });
    expect(drawn.names).toMatchObject({ green: 'web-2', preview: 'web-preview' });
    expect(drawn.steps).toEqual([]);
  });
  it('warns where there is no room for the pods that green lacks', () => {
    const drawn = planRelease(facts, [{ container: 'app', index: 0, from: 'app:v1', to: 'app:v2' }], release, undefined, []);
    const room = [{ quota: 'small', resource: 'pods', left: 2, eachPod: 1 }];
    expect(roomWarnings({ ...facts, room }, drawn)[0]).toContain('room for 2 of the 3 additional pods');
    expect(roomWarnings({ ...facts, room: [{ quota: 'small', resource: 'pods', left: 3, eachPod: 1 }] }, drawn)).toEqual([]);
  });
});
