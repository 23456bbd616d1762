import { namesFor } from '../../src/rollout/names.ts';
import type { Observation, PodFacts, StableFacts, WorkloadFacts } from '../../src/rollout/observation.ts';
import type { DeploymentFacts } from '../../src/rollout/plan/deployment-facts.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import { planSteps } from '../../src/rollout/plan/replica-share.ts';
import type { ReleaseSpec } from '../../src/rollout/spec.ts';
import { type Phase, type RolloutState, startState } from '../../src/rollout/state.ts';

/** The moment of every observation that does not say otherwise. */
export const nowMs = 1_800_000_000_000;
export const jobUid = 'job-1';

export function spec(changes: Partial<ReleaseSpec> = {}): ReleaseSpec {
  return {
    strategy: 'canary',
    steps: [
      { weightPercent: 20, holdMs: undefined },
      { weightPercent: 50, holdMs: undefined },
    ],
    judgedBy: 'readiness',
    maxErrorIncrease: { ratio: 1.25, absolute: 0.005 },
    maxErrorRate: undefined,
    timeoutMs: 600_000,
    readyTimeoutMs: 60_000,
    minDurationMs: 60_000,
    bakeMs: 0,
    smokeTest: undefined,
    deadManMs: 240_000,
    onInconclusive: 'rollback',
    force: false,
    ...changes,
  };
}

export function plan(changes: Partial<Plan> = {}): Plan {
  const release = changes.spec ?? spec();
  return {
    target: { namespace: 'shop', deployment: 'web', uid: 'web-1' },
    names: namesFor('web'),
    images: [{ container: 'app', index: 0, from: 'app:v1', to: 'app:v2' }],
    templateHash: 'hash-1',
    stableReplicas: 4,
    maxSurge: 1,
    halfAtMost: false,
    sleepBeforeStop: true,
    steps: planSteps(release.steps, 4, false),
    spec: release,
    rules: undefined,
    warnings: [],
    ...changes,
  };
}

export function state(phase: Phase, changes: Partial<RolloutState> = {}): RolloutState {
  return {
    ...startState({ id: 'run-1', runUrl: 'https://example.invalid/runs/1', actor: 'octocat' }, jobUid, nowMs - 5_000),
    heartbeatAtMs: nowMs,
    phase,
    ...changes,
  };
}

export function workload(replicas: number, changes: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return {
    uid: 'canary-1',
    rollout: jobUid,
    terminating: false,
    settled: true,
    desiredReplicas: replicas,
    replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    progressDeadlineExceeded: false,
    replicaFailure: undefined,
    pods: Array.from({ length: replicas }, (_, index) => pod({ name: `pod-${index}` })),
    ...changes,
  };
}

export function stable(changes: Partial<StableFacts> = {}): StableFacts {
  return {
    ...workload(4, { uid: 'web-1' }),
    paused: false,
    images: { app: 'app:v1' },
    templateHash: 'hash-1',
    minAvailable: 3,
    owned: false,
    ...changes,
  };
}

export function pod(changes: Partial<PodFacts> = {}): PodFacts {
  return {
    name: 'pod-0',
    createdAtMs: nowMs - 60_000,
    ready: true,
    terminating: false,
    containers: [container()],
    unschedulable: undefined,
    pullFailures: 0,
    probeFailure: undefined,
    evidence: [],
    ...changes,
  };
}

export function container(changes: Partial<PodFacts['containers'][number]> = {}): PodFacts['containers'][number] {
  return {
    name: 'app',
    ready: true,
    restartCount: 0,
    waiting: undefined,
    terminated: undefined,
    lastTerminated: undefined,
    imageId: 'sha256:v2',
    ...changes,
  };
}

export function observation(changes: Partial<Observation> = {}): Observation {
  return {
    nowMs,
    job: { uid: jobUid, startedAtMs: nowMs - 5_000, deadlineAtMs: nowMs + 200_000, over: undefined },
    stable: stable(),
    canary: undefined,
    metrics: undefined,
    cancelled: false,
    rejection: undefined,
    ...changes,
  };
}

/** The last heartbeat is long ago, and the Job has refused one a moment ago. */
export const refusedHeartbeat: { readonly state: Partial<RolloutState>; readonly seen: Partial<Observation> } = {
  state: { heartbeatAtMs: nowMs - 600_000 },
  seen: { unjournalled: { phase: 'reverting', atMs: nowMs - 1_000 } },
};

/** What preflight has read of a Deployment that anything may be done to. */
export const healthy: DeploymentFacts = {
  namespace: 'shop',
  name: 'web',
  uid: 'web-1',
  names: namesFor('web'),
  replicas: 4,
  minAvailable: 3,
  maxSurge: 1,
  paused: false,
  strategyType: 'RollingUpdate',
  unhealthy: undefined,
  containers: [{ name: 'app', image: 'app:v1' }],
  templateHash: 'hash-1',
  carriesTrackLabel: false,
  rollout: undefined,
  hostPorts: [],
  exclusiveVolumes: [],
  repelsItself: false,
  sleepBeforeStop: true,
  services: ['web'],
  budgets: undefined,
  namesakes: [],
};
