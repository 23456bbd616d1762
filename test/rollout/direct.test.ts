import { describe, expect, it } from 'vitest';
import { absorb } from '../../src/rollout/absorb.ts';
import { decide } from '../../src/rollout/decide.ts';
import { describePlan } from '../../src/rollout/explain/describe-plan.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { deadlineFor } from '../../src/rollout/heartbeat.ts';
import type { Observation, StableFacts } from '../../src/rollout/observation.ts';
import type { DeploymentFacts } from '../../src/rollout/plan/deployment-facts.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import { planSteps } from '../../src/rollout/plan/replica-share.ts';
import { type QuotaRoom, roomWarnings } from '../../src/rollout/plan/room.ts';
import { isUndoneByDeletion, type Phase, type RolloutState, resumed } from '../../src/rollout/state.ts';
import { armsOf } from '../../src/rollout/strategies/arms.ts';
import { explainOutage, type RollWatch } from '../../src/rollout/strategies/roll-watch.ts';
import { withoutMetrics, withoutStable } from '../../src/rollout/strategies/rules-in-force.ts';
import { brief, decisionTable, type Row } from './decision-table.ts';
import { container, healthy, jobUid, nowMs, observation, plan, pod, spec, stable, state, workload } from './scene.ts';

const rollingSpec = spec({ strategy: 'rolling', steps: [], minDurationMs: 30_000 });
const rollingPlan = (changes: Partial<Plan> = {}): Plan => plan({ spec: rollingSpec, ...changes });

const table = (phase: Phase, rows: readonly Row[]): void => decisionTable(phase, rows, rollingPlan);

const fresh = (changes: Partial<StableFacts> = {}): StableFacts => stable({ images: { app: 'app:v2' }, ...changes });
const half = (changes: Partial<StableFacts> = {}): StableFacts => fresh({ updatedReplicas: 2, replicas: 5, ...changes });
const watch = (changes: Partial<RollWatch> = {}): RollWatch => ({
  readyOnce: ['pod-0'],
  lostSinceMs: undefined,
  losses: 0,
  shortSinceMs: undefined,
  readyMost: 1,
  progressAtMs: nowMs - 1_000,
  outage: undefined,
  ...changes,
});
const unready = pod({ ready: false, probeFailure: 'HTTP 500', containers: [container({ ready: false })] });

describe('rolling', () => {
  const phase: Phase = { kind: 'rolling', sinceMs: nowMs - 5_000, judged: [] };

  it('is a record from the moment that it is journalled', () => {
    expect(isUndoneByDeletion(phase)).toBe(false);
    expect(deadlineFor(rollingPlan(), phase)).toBe(3_600_000);
  });

  describe('sends one patch', () => {
    table(phase, [
      { name: 'not sent yet', expect: 'ensure-promoted' },
      { name: 'a heartbeat comes first', state: { heartbeatAtMs: nowMs - 31_000 }, expect: 'rolling' },
      { name: 'the template was changed', seen: { stable: stable({ templateHash: 'x' }) }, expect: 'end rolled-back changed-by-others' },
      { name: 'cancelled while it may be under way', seen: { cancelled: true }, expect: 'revert rolled-back cancelled' },
      { name: 'refused three times', seen: { rejection: { message: 'no', times: 3 } }, expect: 'revert rolled-back write-refused' },
      { name: 'taken over: nobody has judged it, it is not sent', state: { resumed: true }, expect: 'revert rolled-back cancelled' },
      { name: 'the fence is gone', seen: { stable: stable({ rollout: undefined }) }, expect: 'end failed fence-lost' },
      { name: 'the Job is gone', seen: { job: undefined }, expect: 'end failed lock-lost' },
    ]);
  });

  describe('watches', () => {
    table(phase, [
      { name: 'under way', seen: { stable: half() }, expect: 'wait' },
      { name: 'a heartbeat is due', seen: { stable: half() }, state: { heartbeatAtMs: nowMs - 31_000 }, expect: 'rolling' },
      { name: 'the status is of an older generation', seen: { stable: fresh({ settled: false }) }, expect: 'wait' },
      { name: 'complete', seen: { stable: fresh() }, expect: 'baking' },
      { name: 'one of the old pods is still there', seen: { stable: fresh({ replicas: 5 }) }, expect: 'wait' },
      {
        name: 'somebody else’s image',
        seen: { stable: fresh({ images: { app: 'app:hotfix' } }) },
        expect: 'end failed changed-by-others',
      },
      { name: 'somebody else’s template', seen: { stable: half({ templateHash: 'x' }) }, expect: 'end failed changed-by-others' },
      { name: 'the Deployment is gone', seen: { stable: undefined }, expect: 'end failed deployment-deleted' },
      {
        name: 'another run has taken it over',
        seen: { stable: half(), job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
        expect: 'end failed lock-lost',
      },
    ]);
  });

  describe('puts the old images back', () => {
    const rules = rulesFor({ compare: true, spec: rollingSpec });
    table(phase, [
      { name: 'cancelled', seen: { stable: half(), cancelled: true }, expect: 'revert rolled-back cancelled' },
      { name: 'paused by somebody', seen: { stable: half({ paused: true }) }, expect: 'revert rolled-back changed-by-others' },
      { name: 'scaled to 0', seen: { stable: half({ desiredReplicas: 0 }) }, expect: 'revert rolled-back scaled-to-zero' },
      {
        name: 'its time is over, and a heartbeat is due that may be refused',
        seen: { stable: half() },
        state: { startedAtMs: nowMs - 600_000, heartbeatAtMs: nowMs - 31_000 },
        expect: 'revert inconclusive not-ready',
      },
      {
        name: 'a new pod crashes',
        seen: { stable: half({ pods: [pod({ ready: false, containers: [container({ ready: false, restartCount: 2 })] })] }) },
        expect: 'revert rolled-back crash',
      },
      {
        name: 'a crash of before the controller has looked is not the new image’s',
        seen: { stable: half({ settled: false, pods: [pod({ containers: [container({ restartCount: 2 })] })] }) },
        expect: 'wait',
      },
      {
        name: 'two images in the new pods',
        seen: { stable: half({ pods: [pod(), pod({ name: 'pod-1', containers: [container({ imageId: 'sha256:x' })] })] }) },
        expect: 'revert rolled-back image-changed',
      },
      {
        name: 'missed its progress deadline',
        seen: { stable: half({ progressDeadlineExceeded: true }) },
        expect: 'revert rolled-back promotion-stuck',
      },
      {
        name: 'a pod that was ready is not for 10 s',
        state: { roll: watch({ lostSinceMs: nowMs - 10_001, losses: 1 }) },
        seen: { stable: half({ pods: [unready] }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'not for 9 s',
        state: { roll: watch({ lostSinceMs: nowMs - 9_000, losses: 1 }) },
        seen: { stable: half({ pods: [unready] }) },
        expect: 'wait',
      },
      {
        name: 'it was ready, and there are fewer pods than maxUnavailable allows, for 3 s',
        state: { roll: watch({ lostSinceMs: nowMs - 4_000, losses: 1, shortSinceMs: nowMs - 3_001 }) },
        seen: { stable: half({ pods: [unready], availableReplicas: 2 }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'lost for the third time',
        state: { roll: watch({ lostSinceMs: nowMs, losses: 3 }) },
        seen: { stable: half({ pods: [unready] }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'no new pod became ready within ready-timeout',
        state: { roll: watch({ progressAtMs: nowMs - 60_000, readyOnce: [], readyMost: 0 }) },
        seen: { stable: half({ pods: [unready] }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'no room for it within ready-timeout: nobody’s fault',
        state: { roll: watch({ progressAtMs: nowMs - 60_000 }) },
        seen: { stable: half({ pods: [], replicaFailure: 'exceeded quota: pods' }) },
        expect: 'revert inconclusive quota',
      },
      {
        name: 'time is up, and what is not complete never stands without proof',
        plan: { spec: spec({ ...rollingSpec, onInconclusive: 'promote' }) },
        state: { startedAtMs: nowMs - 600_000 },
        seen: { stable: half() },
        expect: 'revert inconclusive not-ready',
      },
      {
        name: 'taken over, its time begins anew',
        state: { startedAtMs: nowMs - 600_000, resumed: true },
        seen: { stable: half() },
        expect: 'wait',
      },
    ]);

    it('at the errors of the new pods beside the old ones', () => {
      const judged = rollingPlan({ rules });
      let now = state(phase);
      for (let scrape = 0; scrape <= 4; scrape += 1) {
        const canary = { new: { errors: 60 * scrape, requests: 100 * scrape } };
        const reading = { canary, stable: { old: { errors: 0, requests: 1000 + 100 * scrape } } };
        now = absorb(judged, now, observation({ nowMs: nowMs + scrape, stable: half(), metrics: { kind: 'reading', reading } }));
      }
      expect(brief(decide(judged, now, observation({ stable: half() })))).toBe('revert rolled-back metrics-failed');
      const unread = { ...now, evidence: undefined, resumed: true };
      expect(brief(decide(withoutMetrics(judged, unread), unread, observation({ stable: half() })))).toBe('wait');
    });
  });
});

describe('the watch over the new pods', () => {
  const phase: Phase = { kind: 'rolling', sinceMs: nowMs, judged: [] };
  const looks = (of: Plan, ...seen: readonly Partial<StableFacts>[]): RollWatch | undefined => {
    let now = state(phase);
    seen.forEach((changes, index) => {
      now = absorb(of, now, observation({ nowMs: nowMs + 1_000 * index, stable: stable(changes) }));
    });
    return now.roll;
  };
  const sent = { images: { app: 'app:v2' } };

  it('counts nothing before the images are sent and the controller has seen them', () => {
    expect(looks(rollingPlan(), {}, { ...sent, settled: false })).toMatchObject({ readyOnce: [], readyMost: 0 });
  });

  it('remembers who was ready, and since when one of them is not', () => {
    const roll = looks(rollingPlan(), { ...sent, pods: [pod()] }, { ...sent, pods: [unready] }, { ...sent, pods: [unready] });
    expect(roll).toMatchObject({ readyOnce: ['pod-0'], losses: 1, lostSinceMs: nowMs + 1_000 });
  });

  it('does not miss a pod that is going', () => {
    const roll = looks(rollingPlan(), { ...sent, pods: [pod()] }, { ...sent, pods: [pod({ ready: false, terminating: true })] });
    expect(roll).toMatchObject({ readyOnce: [], losses: 0, lostSinceMs: undefined });
  });

  it('waits for old pods that take their time to go, but not for a quota', () => {
    const none = { ...sent, pods: [], updatedReplicas: 0 };
    expect(looks(rollingPlan(), none, none)?.progressAtMs).toBe(nowMs + 1_000);
    expect(looks(rollingPlan(), none, { ...none, replicaFailure: 'exceeded quota' })?.progressAtMs).toBe(nowMs);
  });

  it('measures the downtime of a recreation, and says how exactly', () => {
    const recreate = rollingPlan({ spec: spec({ ...rollingSpec, strategy: 'recreate' }) });
    const roll = looks(recreate, { servingPods: 4 }, { ...sent, servingPods: 0 }, { ...sent, servingPods: 0 }, { ...sent, servingPods: 1 });
    expect(roll?.outage).toMatchObject({ isDown: false, downMs: 3_000, overstatedMs: 2_000 });
    expect(explainOutage(roll?.outage ?? { servedAtMs: 0, seenAtMs: 0, isDown: true, downMs: 0, overstatedMs: 0 })).toBe(
      'no pod was ready for at most 3000 ms (at least 1000 ms)',
    );
    expect(looks(rollingPlan(), { servingPods: 4 }, { ...sent, servingPods: 0 })?.outage).toBeUndefined();
  });
});

describe('baking', () => {
  const phase: Phase = { kind: 'baking', sinceMs: nowMs - 30_000, proved: true, because: '', judged: [] };
  const steady = (ms: number): Partial<RolloutState> => ({
    steadiness: { replicas: 4, availableSinceMs: nowMs - ms, missingSinceMs: undefined, wasAvailable: true },
    unbrokenSinceMs: nowMs - ms,
  });
  const missing = (ms: number): Partial<RolloutState> => ({
    steadiness: { replicas: 4, availableSinceMs: undefined, missingSinceMs: nowMs - ms, wasAvailable: true },
  });
  const failing = { ...unready };

  it('is a record', () => expect(isUndoneByDeletion(phase)).toBe(false));

  describe('by readiness', () => {
    table(phase, [
      { name: 'ready long enough', seen: { stable: fresh() }, state: steady(30_000), expect: 'end promoted gates-passed' },
      { name: 'ready for too short a time', seen: { stable: fresh() }, state: steady(29_000), expect: 'wait' },
      {
        name: 'the bake is longer than min-duration',
        plan: { spec: spec({ ...rollingSpec, bakeMs: 40_000 }) },
        seen: { stable: fresh() },
        state: steady(30_000),
        expect: 'wait',
      },
      { name: 'not complete', seen: { stable: fresh({ availableReplicas: 3 }) }, state: steady(30_000), expect: 'wait' },
      {
        name: 'after a canary the bake alone counts',
        plan: { spec: spec({ minDurationMs: 300_000, bakeMs: 10_000 }) },
        seen: { stable: fresh() },
        state: steady(30_000),
        expect: 'end promoted gates-passed',
      },
      {
        name: 'a promotion without proof stays one',
        state: { ...steady(30_000), phase: { ...phase, proved: false } },
        seen: { stable: fresh() },
        expect: 'end promoted unproved',
      },
      { name: 'the canary’s surplus goes first', seen: { stable: fresh(), canary: workload(1) }, expect: 'ensure-canary-deleted' },
      {
        name: 'not while the Deployment needs it',
        seen: { stable: fresh({ availableReplicas: 2 }), canary: workload(1) },
        expect: 'wait',
      },
      { name: 'cancelled', seen: { stable: fresh(), cancelled: true }, expect: 'revert rolled-back cancelled' },
      { name: 'somebody put the old image back', seen: {}, expect: 'revert rolled-back changed-by-others' },
      { name: 'a third image', seen: { stable: fresh({ images: { app: 'x' } }) }, expect: 'end failed changed-by-others' },
      { name: 'scaled to 0', seen: { stable: fresh({ desiredReplicas: 0 }) }, expect: 'revert rolled-back scaled-to-zero' },
      {
        name: 'it is not what was judged',
        state: { phase: { ...phase, judged: ['sha256:v1'] } },
        seen: { stable: fresh() },
        expect: 'revert rolled-back image-changed',
      },
      {
        name: 'too few pods for 5 s',
        state: missing(5_001),
        seen: { stable: fresh({ availableReplicas: 2, pods: [failing] }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'one pod short of the number, but no outage',
        state: missing(5_001),
        seen: { stable: fresh({ availableReplicas: 3, pods: [failing] }) },
        expect: 'wait',
      },
      {
        name: 'that for 31 s',
        state: missing(31_000),
        seen: { stable: fresh({ availableReplicas: 3, pods: [failing] }) },
        expect: 'revert rolled-back probe-failed',
      },
      {
        name: 'time is up',
        state: { ...missing(1_000), startedAtMs: nowMs - 600_000 },
        seen: { stable: fresh({ availableReplicas: 3 }) },
        expect: 'revert inconclusive not-ready',
      },
      {
        name: 'time is up, and all pods are there: the policy decides',
        plan: { spec: spec({ ...rollingSpec, onInconclusive: 'promote' }) },
        state: { ...steady(1_000), startedAtMs: nowMs - 600_000 },
        seen: { stable: fresh() },
        expect: 'end promoted unproved',
      },
      {
        name: 'time is up, and not all are: the policy cannot',
        plan: { spec: spec({ ...rollingSpec, onInconclusive: 'promote' }) },
        state: { ...missing(1_000), startedAtMs: nowMs - 600_000 },
        seen: { stable: fresh({ availableReplicas: 3 }) },
        expect: 'revert inconclusive not-ready',
      },
    ]);
  });

  describe('by metrics', () => {
    const rules = rulesFor({ compare: true, spec: rollingSpec });
    const judged = rollingPlan({ rules, stableSample: { errors: 0, requests: 2_000 } });
    const scraped = (errorsPerScrape: number, changes: Partial<RolloutState> = {}): RolloutState => {
      const base = state(phase, { ...steady(30_000), ...changes });
      let now: RolloutState = withoutStable(judged, base);
      for (let scrape = 0; scrape <= 8; scrape += 1) {
        const canary = { new: { errors: errorsPerScrape * scrape, requests: 200 * scrape } };
        const seen = observation({ nowMs, stable: fresh(), metrics: { kind: 'reading', reading: { canary, stable: {} } } });
        now = absorb(judged, now, seen);
      }
      return now;
    };
    const decided = (now: RolloutState): string => brief(decide(judged, now, observation({ stable: fresh() })));

    it('passes within the absolute limit', () => expect(decided(scraped(0))).toBe('end promoted gates-passed'));
    it('fails above it', () => expect(decided(scraped(20))).toBe('revert rolled-back metrics-failed'));
    it('is not known without a reading', () => {
      const base = state(phase, steady(30_000));
      expect(decided(withoutStable(judged, base))).toBe('wait');
      expect(decided({ ...withoutStable(judged, base), startedAtMs: nowMs - 600_000 })).toBe('revert inconclusive metrics-unavailable');
    });
    it('is judged by readiness once it was taken over, unless the metrics had convicted it', () => {
      const takenOver = (left: RolloutState): string =>
        brief(decide(withoutMetrics(judged, left), resumed(left, nowMs - 30_000), observation({ stable: fresh() })));
      expect(takenOver(scraped(0))).toBe('end promoted gates-passed');
      expect(takenOver(scraped(20))).toBe('revert rolled-back metrics-failed');
    });
    it('is not known where stable had answered nothing', () => {
      const unknown = { ...judged, stableSample: undefined };
      const now = absorb(unknown, withoutStable(unknown, state(phase, steady(30_000))), observation({ stable: fresh() }));
      expect(decide(unknown, now, observation({ stable: fresh() })).because).toContain('no absolute limit can be given');
    });
  });
});

describe('a trial', () => {
  const phase: Phase = { kind: 'trial', sinceMs: nowMs - 5_000 };
  const recreate = spec({ ...rollingSpec, strategy: 'recreate' });
  const runs = { mode: 'run', because: '', labels: { app: 'web-trial' } } as const;
  const pulls = { mode: 'pull', because: 'its pods take host ports (80)', labels: {} } as const;
  const tabled = (of: Plan['trial'], rows: readonly Row[]): void =>
    table(
      phase,
      rows.map((row) => ({ ...row, plan: { spec: recreate, trial: of, ...row.plan } })),
    );
  const ready: Partial<RolloutState> = { unbrokenSinceMs: nowMs - 30_000 };
  const passed: Phase = { ...phase, passed: { because: 'ready', judged: ['sha256:v2'] } };
  const waiting = (reason: string, changes: Parameters<typeof pod>[0] = {}, imageId = ''): Partial<Observation> => ({
    canary: workload(1, {
      availableReplicas: 0,
      pods: [pod({ ready: false, containers: [container({ ready: false, imageId, waiting: { reason, message: '' } })], ...changes })],
    }),
  });

  it('is undone by the deletion of the Job', () => expect(isUndoneByDeletion(phase)).toBe(true));

  tabled(runs, [
    { name: 'one pod', expect: 'ensure-canary 1' },
    { name: 'it starts', seen: waiting('ContainerCreating'), expect: 'wait' },
    { name: 'it is ready for too short a time', seen: { canary: workload(1) }, state: { unbrokenSinceMs: nowMs - 29_000 }, expect: 'wait' },
    { name: 'it was ready for long enough', seen: { canary: workload(1) }, state: ready, expect: 'trial' },
    { name: 'it has passed and goes', seen: { canary: workload(1) }, state: { phase: passed }, expect: 'ensure-canary-deleted' },
    { name: 'it is going', seen: { canary: workload(1, { terminating: true }) }, state: { phase: passed }, expect: 'wait' },
    { name: 'it is gone', state: { phase: passed }, expect: 'rolling' },
    {
      name: 'it does not go',
      seen: { canary: workload(1) },
      state: { phase: { ...passed, sinceMs: nowMs - 31_000 } },
      expect: 'end failed write-refused',
    },
    {
      name: 'its image cannot be pulled: nothing has happened',
      seen: waiting('ImagePullBackOff', { pullFailures: 2 }),
      expect: 'end rolled-back image-pull',
    },
    {
      name: 'it is not ready in time',
      seen: waiting(''),
      state: { phase: { kind: 'trial', sinceMs: nowMs - 90_000 } },
      expect: 'end rolled-back not-ready',
    },
    {
      name: 'no node for it in time',
      seen: waiting('', { unschedulable: '0/1 nodes', containers: [] }),
      state: { phase: { kind: 'trial', sinceMs: nowMs - 90_000 } },
      expect: 'end inconclusive unschedulable',
    },
    { name: 'cancelled', seen: { canary: workload(1), cancelled: true }, expect: 'end rolled-back cancelled' },
    { name: 'somebody changes the image', seen: { stable: stable({ images: { app: 'x' } }) }, expect: 'end rolled-back changed-by-others' },
  ]);
  tabled(pulls, [
    { name: 'pulling', seen: waiting('ContainerCreating'), expect: 'wait' },
    { name: 'pulled, and it cannot start: as it should be', seen: waiting('RunContainerError', {}, 'sha256:v2'), expect: 'trial' },
    { name: 'it cannot be pulled', seen: waiting('ErrImagePull', { pullFailures: 2 }), expect: 'end rolled-back image-pull' },
    { name: 'a pull that fails once', seen: waiting('ErrImagePull', { pullFailures: 1 }), expect: 'wait' },
  ]);
});

describe('whose metrics are read', () => {
  const pods = { canary: [], stable: ['a', 'b'], updated: ['b'], outdated: ['a'] };
  const judged = rollingPlan({ rules: rulesFor({ compare: true, spec: rollingSpec }) });
  it('the new pods beside the old ones while they roll, the new ones alone afterwards', () => {
    expect(armsOf(judged, { kind: 'rolling', sinceMs: 0, judged: [] }, pods)).toEqual({ canary: ['b'], stable: ['a'] });
    expect(armsOf(judged, { kind: 'baking', sinceMs: 0, proved: true, because: '', judged: [] }, pods)).toEqual({
      canary: ['b'],
      stable: [],
    });
  });
});

describe('the plan for people', () => {
  const context = { services: ['web'], budgetsKnown: true, traffic: undefined };
  it('says what Kubernetes will do, and that nothing is between the new version and the users', () => {
    expect(describePlan(rollingPlan({ minAvailable: 3 }), context)).toEqual([
      'Deployment shop/web, 4 replicas, strategy rolling',
      'container app: app:v1 → app:v2',
      'traffic by Service web',
      "one patch, then Kubernetes replaces the pods: at most 1 more than 4, at least 3 available (the Deployment's own maxSurge and maxUnavailable)",
      'pods at the peak: 5',
      'judged by readiness alone',
      'duration: at least 30 s after the last new pod is available, at most 10 min until the verdict',
      'if the runner dies, the image that was sent last stands, and the Job web-rollout records it: the post step or the next run finishes it by readiness, or undoes it',
    ]);
  });

  it('says that the downtime of a recreation is inherent, and what its trial pod can show', () => {
    const recreate = spec({ ...rollingSpec, strategy: 'recreate' });
    const lines = describePlan(
      rollingPlan({ spec: recreate, trial: { mode: 'pull', because: 'its pods take host ports (80)', labels: {} } }),
      context,
    ).join('\n');
    expect(lines).toContain('first a trial pod that only pulls the image: its pods take host ports (80)');
    expect(lines).toContain('downtime is inherent');
  });

  it('says that an outage convicts where nobody serves beside the new version', () => {
    const rules = rulesFor({ compare: true, spec: rollingSpec });
    const traffic = { requestsPerSecond: 100, errorRate: 0, forecast: { neededRequests: 1, availableRequests: 1, secondsToPass: 5 } };
    const lines = describePlan(rollingPlan({ rules, stableSample: { errors: 0, requests: 6_000 } }), { ...context, traffic }).join('\n');
    expect(lines).toContain('before/after: an outage convicts');
    expect(lines).toMatch(/at most 0\.\d+ % errors \(1\.25 x the upper bound 0\.\d+ % of stable's 0 of 6,000 \+ 0\.5 %\)/u);
  });
});

describe('warnings about room', () => {
  const facts = (changes: Partial<DeploymentFacts>): DeploymentFacts => ({ ...healthy, maxSurge: 1, minAvailable: 4, ...changes });
  const recreate = rollingPlan({ spec: spec({ ...rollingSpec, strategy: 'recreate' }) });

  const pods = (left: number): QuotaRoom => ({ quota: 'small', resource: 'pods', left, eachPod: 1 });

  it('none where there is some', () => {
    expect(roomWarnings(facts({ room: [pods(1)] }), rollingPlan())).toEqual([]);
    expect(roomWarnings(facts({ room: [{ ...pods(0), resource: 'services', eachPod: 0 }] }), rollingPlan())).toEqual([]);
    expect(roomWarnings(facts({ room: undefined }), plan())).toEqual([]);
  });

  it('a quota: inconclusive without maxUnavailable, slower with it', () => {
    const [stuck] = roomWarnings(facts({ room: [pods(0)] }), rollingPlan());
    expect(stuck).toContain(
      'ResourceQuota small leaves room for 0 of the 1 additional pods (0 of pods left, 1 needed): the release would wait',
    );
    expect(roomWarnings(facts({ room: [pods(0)], minAvailable: 3 }), rollingPlan())[0]).toContain('replaces fewer pods at a time');
    const tight = facts({ room: [pods(0)], maxSurge: 0, minAvailable: 0 });
    expect(roomWarnings(tight, recreate)[0]).toContain('room for 0 of the 1 additional pods');
  });

  it('a canary needs the pods of its largest step, blue-green all of them again', () => {
    const cpu = { quota: 'small', resource: 'requests.cpu', left: 0.4, eachPod: 0.25 };
    const canary = plan({ steps: planSteps([{ weightPercent: 50, holdMs: undefined }], 4, false) });
    expect(roomWarnings(facts({ room: [cpu] }), canary)[0]).toContain(
      'room for 1 of the 4 additional pods (0.4 of requests.cpu left, 1 needed): the release would wait',
    );
    const blueGreen = plan({ steps: [], spec: spec({ strategy: 'blue-green' }) });
    expect(roomWarnings(facts({ room: [pods(3)] }), blueGreen)[0]).toContain('room for 3 of the 4 additional pods');
    expect(roomWarnings(facts({ room: undefined }), blueGreen)[0]).toContain('cannot be listed');
  });

  it('what keeps a second pod off a node, where there may be one', () => {
    const tight = facts({ hostPorts: [80], exclusiveVolumes: ['claim data (ReadWriteOnce)'], repelsItself: true, mustSpread: true });
    expect(roomWarnings(tight, rollingPlan())[0]).toMatch(
      /host ports \(80\) and volumes .* and a required anti-affinity .* and topology spread/u,
    );
    expect(roomWarnings({ ...tight, maxSurge: 0 }, rollingPlan())).toEqual([]);
    expect(roomWarnings(tight, recreate)).toEqual([]);
  });
});
