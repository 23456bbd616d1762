import { describe } from 'vitest';
import type { Observation } from '../../src/rollout/observation.ts';
import type { Phase, RolloutState } from '../../src/rollout/state.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import { decisionTable as table } from './decision-table.ts';
import { container, jobUid, nowMs, pod, refusedHeartbeat, spec, stable, workload } from './scene.ts';

const outcome: Outcome = { result: 'rolled-back', reason: 'crash', because: 'it crashed', evidence: [] };
const promoted: Outcome = { result: 'promoted', reason: 'gates-passed', because: 'all passed', evidence: [] };
const steady = (replicas: number, availableMs: number): Partial<RolloutState> => ({
  steadiness: { replicas, availableSinceMs: nowMs - availableMs, missingSinceMs: undefined, wasAvailable: true },
  servingSinceMs: nowMs - availableMs,
  unbrokenSinceMs: nowMs - availableMs,
});
const ready = (replicas: number): Partial<Observation> => ({ canary: workload(replicas) });
const failing = (changes: Parameters<typeof container>[0], podChanges: Parameters<typeof pod>[0] = {}): Partial<Observation> => ({
  canary: workload(1, {
    availableReplicas: 0,
    pods: [pod({ ready: false, containers: [container({ ready: false, ...changes })], ...podChanges })],
  }),
});

describe('arming', () => {
  const phase: Phase = { kind: 'arming', sinceMs: nowMs - 1_000 };
  table(phase, [
    { name: 'the Job has started', expect: 'fencing' },
    {
      name: 'it has not started yet',
      seen: { job: { uid: jobUid, startedAtMs: undefined, deadlineAtMs: undefined, over: undefined } },
      expect: 'wait',
    },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'end rolled-back lock-lost' },
    {
      name: 'the Job was suspended',
      seen: { job: { uid: jobUid, startedAtMs: undefined, deadlineAtMs: undefined, over: 'suspended' } },
      expect: 'end rolled-back lock-lost',
    },
    { name: 'the run is cancelled', seen: { cancelled: true }, expect: 'end rolled-back cancelled' },
  ]);
  table({ kind: 'arming', sinceMs: nowMs - 16_000 }, [
    {
      name: 'it does not start within 15 s',
      seen: { job: { uid: jobUid, startedAtMs: undefined, deadlineAtMs: undefined, over: undefined } },
      expect: 'end failed dead-man-not-armed',
    },
  ]);
});

describe('fencing', () => {
  const unfenced = stable({ rollout: undefined });
  table({ kind: 'fencing', sinceMs: nowMs - 1_000 }, [
    { name: 'no label yet', seen: { stable: unfenced }, expect: 'ensure-fence' },
    { name: 'a stale label of another rollout', seen: { stable: stable({ rollout: 'job-0' }) }, expect: 'ensure-fence' },
    { name: 'a leftover canary', seen: { stable: unfenced, canary: workload(1, { rollout: 'job-0' }) }, expect: 'ensure-canary-deleted' },
    {
      name: 'a leftover that is going',
      seen: { stable: unfenced, canary: workload(1, { rollout: 'job-0', terminating: true }) },
      expect: 'wait',
    },
    { name: 'fenced', expect: 'step 0' },
    {
      name: 'it cannot be fenced in time',
      state: { phase: { kind: 'fencing', sinceMs: nowMs - 31_000 } },
      seen: { stable: unfenced },
      expect: 'end failed write-refused',
    },
    {
      name: 'the image was changed before the fence',
      seen: { stable: stable({ rollout: undefined, images: { app: 'app:x' } }) },
      expect: 'end rolled-back changed-by-others',
    },
  ]);
});

describe('a step', () => {
  const first: Phase = { kind: 'step', index: 0, sinceMs: nowMs - 40_000 };
  const last: Phase = { kind: 'step', index: 1, sinceMs: nowMs - 40_000 };

  describe('goes on', () => {
    table(first, [
      { name: 'no canary yet', expect: 'ensure-canary 1' },
      { name: 'not available yet', seen: { canary: workload(1, { availableReplicas: 0 }) }, expect: 'wait' },
      {
        name: 'the controller has not seen the new number',
        seen: { canary: workload(1, { settled: false }) },
        state: steady(1, 31_000),
        expect: 'wait',
      },
      { name: 'held too short', seen: ready(1), state: steady(1, 29_000), expect: 'wait' },
      {
        name: 'a step of the same pods as the one before has its own time',
        seen: ready(1),
        state: { ...steady(1, 300_000), phase: { kind: 'step', index: 0, sinceMs: nowMs - 29_000 } },
        expect: 'wait',
      },
      { name: 'held for 30 s', seen: ready(1), state: steady(1, 30_000), expect: 'step 1' },
      {
        name: 'somebody scaled to 10: 20 % is 3 pods now',
        seen: { stable: stable({ desiredReplicas: 10 }), ...ready(1) },
        state: steady(1, 31_000),
        expect: 'ensure-canary 3',
      },
      { name: 'a heartbeat is due', seen: ready(1), state: { ...steady(1, 10_000), heartbeatAtMs: nowMs - 30_000 }, expect: 'step 0' },
      {
        name: 'a verdict comes before a heartbeat',
        seen: { ...ready(1), cancelled: true },
        state: { heartbeatAtMs: nowMs - 30_000 },
        expect: 'end rolled-back cancelled',
      },
    ]);
    table(last, [
      { name: 'the second step scales', seen: ready(1), expect: 'ensure-canary 4' },
      { name: 'too short for min-duration', seen: ready(4), state: steady(4, 59_000), expect: 'wait' },
      { name: 'ready long enough', seen: ready(4), state: steady(4, 60_000), expect: 'promoting' },
      {
        name: 'stable pods are missing: not now',
        seen: { ...ready(4), stable: stable({ availableReplicas: 2 }) },
        state: steady(4, 60_000),
        expect: 'wait',
      },
    ]);
  });

  describe('stops', () => {
    table(first, [
      { name: 'the fence is gone', seen: { ...ready(1), stable: stable({ rollout: undefined }) }, expect: 'end rolled-back fence-lost' },
      {
        name: 'the fence is of another',
        seen: { ...ready(1), stable: stable({ rollout: 'job-2' }) },
        expect: 'end rolled-back fence-lost',
      },
      {
        name: 'another image',
        seen: { ...ready(1), stable: stable({ images: { app: 'app:hotfix' } }) },
        expect: 'end rolled-back changed-by-others',
      },
      {
        name: 'another environment',
        seen: { ...ready(1), stable: stable({ templateHash: 'hash-2' }) },
        expect: 'end rolled-back changed-by-others',
      },
      { name: 'paused by somebody', seen: { ...ready(1), stable: stable({ paused: true }) }, expect: 'end rolled-back changed-by-others' },
      { name: 'scaled to 0', seen: { ...ready(1), stable: stable({ desiredReplicas: 0 }) }, expect: 'end rolled-back scaled-to-zero' },
      {
        name: 'the Deployment was deleted, and its Job with it',
        seen: { stable: undefined, job: undefined },
        expect: 'end failed deployment-deleted',
      },
      { name: 'the Deployment was deleted', seen: { ...ready(1), stable: undefined }, expect: 'end failed deployment-deleted' },
      {
        name: 'the Deployment is another one of that name',
        seen: { ...ready(1), stable: stable({ uid: 'web-2' }) },
        expect: 'end failed deployment-deleted',
      },
      {
        name: 'the Job has failed',
        seen: { ...ready(1), job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: 'failed' } },
        expect: 'end rolled-back lock-lost',
      },
      {
        name: 'the Job is another run’s',
        seen: { ...ready(1), job: { uid: 'job-2', startedAtMs: 1, deadlineAtMs: 2, over: undefined } },
        expect: 'end rolled-back lock-lost',
      },
      {
        name: 'a write refused twice',
        seen: { ...ready(1), rejection: { message: 'no', times: 2 } },
        state: steady(1, 1_000),
        expect: 'wait',
      },
      {
        name: 'a write refused three times',
        seen: { ...ready(1), rejection: { message: 'no', times: 3 } },
        expect: 'end rolled-back write-refused',
      },
    ]);
  });

  describe('convicts', () => {
    const oom = { exitCode: 137, reason: 'OOMKilled' };
    const died = { exitCode: 3, reason: 'Error' };
    table(first, [
      { name: 'one crash', seen: failing({ terminated: died }), expect: 'wait' },
      { name: 'two crashes', seen: failing({ restartCount: 1, terminated: died }), expect: 'end rolled-back crash' },
      {
        name: 'a crash loop',
        seen: failing({ restartCount: 1, waiting: { reason: 'CrashLoopBackOff', message: '' }, lastTerminated: died }),
        expect: 'end rolled-back crash',
      },
      { name: 'out of memory twice', seen: failing({ restartCount: 2, lastTerminated: oom }), expect: 'end rolled-back out-of-memory' },
      { name: 'one failed pull', seen: failing({ waiting: { reason: 'ErrImagePull', message: '' } }, { pullFailures: 1 }), expect: 'wait' },
      {
        name: 'two failed pulls',
        seen: failing({ waiting: { reason: 'ImagePullBackOff', message: '' } }, { pullFailures: 2 }),
        expect: 'end rolled-back image-pull',
      },
      {
        name: 'a name that is no image',
        seen: failing({ waiting: { reason: 'InvalidImageName', message: '' } }),
        expect: 'end rolled-back invalid-configuration',
      },
      {
        name: 'a missing Secret',
        seen: failing({ waiting: { reason: 'CreateContainerConfigError', message: 'secret not found' } }),
        expect: 'end rolled-back invalid-configuration',
      },
      {
        name: 'a cache that is not synced yet',
        seen: failing({ waiting: { reason: 'CreateContainerConfigError', message: 'failed to sync secret cache' } }),
        expect: 'wait',
      },
      {
        name: 'admission refuses its pods',
        seen: { canary: workload(1, { replicaFailure: 'admission webhook denied', pods: [] }) },
        expect: 'end rolled-back admission-denied',
      },
      { name: 'no node for it', seen: failing({}, { unschedulable: '0/1 nodes' }), expect: 'wait' },
      {
        name: 'its pods run two different images: the tag was moved',
        seen: { canary: workload(2, { pods: [pod(), pod({ name: 'pod-1', containers: [container({ imageId: 'sha256:other' })] })] }) },
        expect: 'end rolled-back image-changed',
      },
      {
        name: 'a pod that is going is not judged',
        seen: failing({ restartCount: 5, terminated: died }, { terminating: true }),
        expect: 'wait',
      },
    ]);
    const missing = (ms: number, wasAvailable: boolean): Partial<RolloutState> => ({
      steadiness: { replicas: 1, availableSinceMs: undefined, missingSinceMs: nowMs - ms, wasAvailable },
    });
    table(first, [
      {
        name: 'never ready, at ready-timeout',
        seen: failing({}, { probeFailure: 'HTTP 503' }),
        state: missing(60_000, false),
        expect: 'end rolled-back probe-failed',
      },
      { name: 'never ready, before it', seen: failing({}, { probeFailure: 'HTTP 503' }), state: missing(59_000, false), expect: 'wait' },
      {
        name: 'no node, at ready-timeout',
        seen: failing({}, { unschedulable: '0/1 nodes' }),
        state: missing(60_000, false),
        expect: 'end inconclusive unschedulable',
      },
      {
        name: 'no quota, at ready-timeout',
        seen: { canary: workload(1, { availableReplicas: 0, replicaFailure: 'exceeded quota', pods: [] }) },
        state: missing(60_000, false),
        expect: 'end inconclusive quota',
      },
      {
        name: 'was ready and is not for 31 s',
        seen: failing({}, { probeFailure: 'HTTP 500' }),
        state: missing(31_000, true),
        expect: 'end rolled-back probe-failed',
      },
      {
        name: 'lost its readiness three times',
        seen: failing({}),
        state: { ...missing(1_000, true), breaks: 3 },
        expect: 'end rolled-back not-ready',
      },
    ]);
  });

  describe('runs out of time', () => {
    const overdue = { startedAtMs: nowMs - 600_000 };
    const young = { ...steady(4, 5_000), ...overdue };
    table(last, [
      { name: 'it can never be scaled', seen: ready(1), state: young, expect: 'end rolled-back write-refused' },
      { name: 'no verdict', seen: ready(4), state: young, expect: 'end inconclusive not-ready' },
      {
        name: 'no verdict, on-inconclusive: promote',
        plan: { spec: spec({ onInconclusive: 'promote' }) },
        seen: ready(4),
        state: young,
        expect: 'promoting',
      },
      {
        name: 'what does not run is never promoted',
        plan: { spec: spec({ onInconclusive: 'promote' }) },
        seen: { canary: workload(4, { availableReplicas: 3 }) },
        state: young,
        expect: 'end rolled-back not-ready',
      },
    ]);
  });
});

describe('promoting', () => {
  const phase: Phase = { kind: 'promoting', sinceMs: nowMs - 5_000, proved: true, because: 'all passed', judged: ['sha256:v2'] };
  const rolled = stable({ images: { app: 'app:v2' } });
  const rolling = stable({ images: { app: 'app:v2' }, updatedReplicas: 2 });
  const strange = [pod({ containers: [container({ imageId: 'sha256:other' })] })];
  table(phase, [
    { name: 'not sent yet', seen: ready(4), expect: 'ensure-promoted' },
    { name: 'a heartbeat comes first', seen: ready(4), state: { heartbeatAtMs: nowMs - 31_000 }, expect: 'promoting' },
    {
      name: 'template changed before it was sent',
      seen: { stable: stable({ templateHash: 'hash-2' }), ...ready(4) },
      expect: 'end failed changed-by-others',
    },
    { name: 'a third image', seen: { stable: stable({ images: { app: 'app:v9' } }), ...ready(4) }, expect: 'end failed changed-by-others' },
    { name: 'cancelled while it may be under way', seen: { ...ready(4), cancelled: true }, expect: 'revert rolled-back cancelled' },
    {
      name: 'refused three times',
      seen: { ...ready(4), rejection: { message: 'policy', times: 3 } },
      expect: 'revert rolled-back write-refused',
    },
    { name: 'rolling', seen: { stable: rolling, ...ready(4) }, expect: 'wait' },
    { name: 'the status is of an older generation', seen: { stable: { ...rolled, settled: false }, ...ready(4) }, expect: 'wait' },
    { name: 'complete', seen: { stable: rolled, ...ready(4) }, expect: 'end promoted gates-passed' },
    {
      name: 'cancelled after it was sent',
      seen: { stable: rolling, ...ready(4), cancelled: true },
      expect: 'revert rolled-back cancelled',
    },
    { name: 'the tag was moved', seen: { stable: { ...rolled, pods: strange }, ...ready(4) }, expect: 'revert rolled-back image-changed' },
    {
      name: 'the old pods are not the new ones before the controller has looked',
      seen: { stable: { ...rolled, settled: false, pods: strange }, ...ready(4) },
      expect: 'wait',
    },
    {
      name: 'a stale progress deadline of before the patch',
      seen: { stable: { ...rolling, settled: false, progressDeadlineExceeded: true }, ...ready(4) },
      expect: 'wait',
    },
    {
      name: 'missed its progress deadline',
      seen: { stable: { ...rolling, progressDeadlineExceeded: true }, ...ready(4) },
      expect: 'revert rolled-back promotion-stuck',
    },
    {
      name: 'the new pods crash',
      seen: {
        stable: { ...rolling, pods: [pod({ ready: false, containers: [container({ ready: false, restartCount: 2 })] })] },
        ...ready(4),
      },
      expect: 'revert rolled-back crash',
    },
    {
      name: 'a quota has no room for the surge: the canary makes it',
      seen: { stable: { ...rolling, replicaFailure: 'exceeded quota: pods' }, ...ready(4) },
      expect: 'ensure-canary 0',
    },
    {
      name: 'no room, and stable cannot do without the canary yet',
      seen: { stable: { ...rolling, availableReplicas: 2, replicaFailure: 'exceeded quota: pods' }, ...ready(4) },
      expect: 'wait',
    },
    { name: 'the Job is gone', seen: { stable: rolled, job: undefined, ...ready(4) }, expect: 'end failed lock-lost' },
    {
      name: 'another run has taken it over',
      seen: { stable: rolling, ...ready(4), job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
      expect: 'end failed lock-lost',
    },
    { name: 'the fence is gone', seen: { stable: { ...rolled, rollout: undefined }, ...ready(4) }, expect: 'end failed fence-lost' },
  ]);
});

describe('reverting', () => {
  const phase: Phase = { kind: 'reverting', sinceMs: nowMs - 5_000, outcome };
  const rolled = stable({ images: { app: 'app:v2' } });
  table(phase, [
    { name: 'our image stands', seen: { stable: rolled }, expect: 'ensure-reverted' },
    { name: 'a third image stands', seen: { stable: stable({ images: { app: 'app:v9' } }) }, expect: 'end failed changed-by-others' },
    { name: 'the old one is back: a promotion that is still under way must find no fence', seen: {}, expect: 'ensure-fence-released' },
    { name: 'its pods are not available', seen: { stable: stable({ rollout: undefined, availableReplicas: 2 }) }, expect: 'wait' },
    { name: 'complete', seen: { stable: stable({ rollout: undefined }) }, expect: 'end rolled-back crash' },
    { name: 'a promotion arrived late', seen: { stable: { ...rolled, rollout: undefined } }, expect: 'ensure-fence' },
    { name: 'another rollout has the fence', seen: { stable: { ...rolled, rollout: 'job-2' } }, expect: 'end failed fence-lost' },
    { name: 'a heartbeat is due', state: { heartbeatAtMs: nowMs - 31_000 }, seen: { stable: rolled }, expect: 'revert rolled-back crash' },
    {
      name: 'a heartbeat is refused: the write goes on',
      state: refusedHeartbeat.state,
      seen: { ...refusedHeartbeat.seen, stable: rolled },
      expect: 'ensure-reverted',
    },
    {
      name: 'a heartbeat is refused, and the old image is back',
      state: refusedHeartbeat.state,
      seen: refusedHeartbeat.seen,
      expect: 'ensure-fence-released',
    },
    {
      name: 'the write was refused, and a heartbeat is due: the record is kept alive',
      state: { heartbeatAtMs: nowMs - 31_000 },
      seen: { stable: rolled, rejection: { message: 'policy', times: 1 } },
      expect: 'revert rolled-back crash',
    },
    {
      name: 'refused three times',
      seen: { stable: rolled, rejection: { message: 'policy', times: 3 } },
      expect: 'end failed write-refused',
    },
  ]);
});

describe('ending', () => {
  const abort: Phase = { kind: 'ending', sinceMs: nowMs - 1_000, outcome };
  const planned: Phase = { kind: 'ending', sinceMs: nowMs - 1_000, outcome: promoted };
  const gone = { job: undefined };
  describe('of an abort', () => {
    table(abort, [
      { name: 'the Job goes first', seen: ready(1), expect: 'ensure-job-deleted' },
      {
        name: 'no stable pod serves: the canary stays for now',
        seen: { stable: stable({ availableReplicas: 0 }), ...ready(1) },
        expect: 'wait',
      },
      {
        name: 'no stable pod serves, but it was cancelled',
        seen: { stable: stable({ availableReplicas: 0 }), ...ready(1), cancelled: true },
        expect: 'ensure-job-deleted',
      },
      { name: 'the Deployment is gone', seen: { stable: undefined, ...ready(1) }, expect: 'ensure-job-deleted' },
      { name: 'the canary is going', seen: { ...gone, ...ready(1) }, expect: 'wait' },
      {
        name: 'another run’s canary is not ours to wait for',
        seen: { ...gone, stable: stable({ rollout: undefined }), canary: workload(1, { rollout: 'job-2' }) },
        expect: 'finish rolled-back',
      },
      { name: 'the fence goes next', seen: gone, expect: 'ensure-fence-released' },
      {
        name: 'our name in managedFields goes last',
        seen: { ...gone, stable: stable({ rollout: undefined, owned: true }) },
        expect: 'ensure-ownership-released',
      },
      {
        name: 'another rollout’s fence stays',
        seen: { ...gone, stable: stable({ rollout: 'job-2', owned: true }) },
        expect: 'finish rolled-back',
      },
      {
        name: 'another run has taken the rollout over: nothing is ours',
        seen: { ...ready(1), job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
        expect: 'finish rolled-back',
      },
      {
        name: 'another run has taken it over, and has not read how it ended here',
        seen: {
          ...ready(1),
          ...refusedHeartbeat.seen,
          job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' },
        },
        expect: 'finish failed',
      },
      { name: 'clean', seen: { ...gone, stable: stable({ rollout: undefined }) }, expect: 'finish rolled-back' },
      {
        name: 'a heartbeat is refused while the canary stays',
        state: refusedHeartbeat.state,
        seen: { ...refusedHeartbeat.seen, stable: stable({ availableReplicas: 0 }), ...ready(1) },
        expect: 'wait',
      },
    ]);
    table({ kind: 'ending', sinceMs: nowMs, outcome: { ...outcome, reason: 'aborted' } }, [
      {
        name: 'by another run, a moment ago: the Job tells it the one that is aborted',
        state: { abort: 'aborted by somebody', abortedAtMs: nowMs - 3_999 },
        seen: { cancelled: true },
        expect: 'wait',
      },
      {
        name: 'by another run: it has had its time',
        state: { abort: 'aborted by somebody', abortedAtMs: nowMs - 4_000 },
        expect: 'ensure-job-deleted',
      },
      {
        name: 'by another run, and the Job is gone',
        state: { abort: 'aborted by somebody', abortedAtMs: nowMs },
        seen: gone,
        expect: 'ensure-fence-released',
      },
    ]);
    table({ kind: 'ending', sinceMs: nowMs - 11_000, outcome }, [
      {
        name: 'after 10 s any stable pod will do',
        seen: { stable: stable({ availableReplicas: 1 }), ...ready(1) },
        expect: 'ensure-job-deleted',
      },
      { name: 'the collector forgot the canary', seen: { ...gone, ...ready(1) }, expect: 'ensure-canary-deleted' },
      {
        name: 'a suspended Job never goes by itself',
        seen: { ...ready(1), job: { uid: jobUid, startedAtMs: undefined, deadlineAtMs: undefined, over: 'suspended' } },
        expect: 'ensure-job-deleted',
      },
    ]);
  });
  describe('of a promotion', () => {
    table(planned, [
      { name: 'stable carries the traffic', seen: ready(4), expect: 'ensure-job-deleted' },
      { name: 'stable is one short of its minimum', seen: { stable: stable({ availableReplicas: 2 }), ...ready(4) }, expect: 'wait' },
    ]);
    table({ kind: 'ending', sinceMs: nowMs - 181_000, outcome: promoted }, [
      { name: 'time is up', seen: ready(4), expect: 'finish promoted' },
    ]);
  });
});
