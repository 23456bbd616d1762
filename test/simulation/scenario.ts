import type { ReleaseSpec } from '../../src/rollout/spec.ts';

/** What pods of one image do; nobody but the simulated nodes knows it. */
export type Behaviour = {
  readonly fate: 'good' | 'crash' | 'crash-once' | 'never-ready' | 'fails-later' | 'flaps' | 'pull' | 'unschedulable';
  readonly startMs: readonly [number, number];
  /** How long a pod that fails later, or flaps, is good. */
  readonly goodMs: number;
  /** The true share of failed requests. */
  readonly errorRate: number;
  /** Pods created later than this, since the start, run another digest of the same tag. */
  readonly movesAtMs: number | undefined;
};

export type Span = { readonly fromMs: number; readonly toMs: number };

/** Shares of requests that meet a fault of the network or of the API server. */
export type Faults = {
  /** Before this everything goes well: most faults would otherwise only ever be met by the preflight. */
  readonly fromMs: number;
  readonly readFails: number;
  readonly lostBefore: number;
  readonly lostAfter: number;
  /** The client gives up, and the request arrives afterwards. */
  readonly late: number;
  readonly slow: number;
  readonly refused: number;
  /** Nobody but the runner is cut off. */
  readonly partitions: readonly Span[];
  /** Writes are refused by a policy. */
  readonly policies: readonly Span[];
  readonly metricsOutages: readonly Span[];
};

export type DeedKind =
  | 'image'
  | 'env'
  | 'replicas'
  | 'pause'
  | 'unpause'
  | 'delete-stable'
  | 'delete-job'
  | 'orphan-job'
  | 'foreground-job'
  | 'unlabel'
  | 'evict-canary'
  | 'evict-stable';

/** What a person, or the cluster's own life, does at some moment. */
export type Deed = { readonly atMs: number; readonly kind: DeedKind; readonly replicas?: number };

export const waysToDie = ['before', 'during', 'after'] as const;
/** `before` the request is sent, after it was applied but before its answer (`during`), right `after` its answer. */
export type WayToDie = (typeof waysToDie)[number];

/** Something that happens when a write is decided, and before it is sent: a deed of somebody, or the process gets no turns. */
export type Interference = { readonly call: number; readonly deed?: DeedKind; readonly pauseMs?: number };

/** One run of the action: its main step, and what becomes of it. */
export type RunScript = {
  readonly name: string;
  readonly startMs: number;
  /** Undefined: a release. */
  readonly command?: 'abort' | 'reconcile';
  /** All is at rest when it comes: it must find nothing to do. */
  readonly idle?: boolean;
  /** The tag that it releases. */
  readonly tag: string;
  readonly spec: ReleaseSpec;
  readonly dies: { readonly call: number; readonly way: WayToDie } | undefined;
  readonly interference: Interference | undefined;
  readonly killedAtMs: number | undefined;
  readonly cancelledAtMs: number | undefined;
  /** A process without turns: `frozen` says that its clock stands still as well. */
  readonly pauses: readonly { readonly atMs: number; readonly ms: number; readonly frozen: boolean }[];
  /** Whether the post step comes when the main step has ended badly. */
  readonly post: boolean;
  /** How often to come again where another run holds the lock. */
  readonly patience: number;
  /** How far its idea of the server's time may lag. */
  readonly lagMs: number;
};

export type Scenario = {
  readonly seed: number;
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly progressDeadlineSeconds: number;
  /** Whether the Deployment's own strategy is Recreate. */
  readonly recreates?: boolean;
  readonly twoContainers: boolean;
  readonly requestsPerSecond: number;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  readonly faults: Faults;
  readonly deeds: readonly Deed[];
  readonly runs: readonly RunScript[];
  /** Undefined: the Job is never started. */
  readonly jobStartsAfterMs: number | undefined;
  /** Whether a run of yet another image comes when all is over, and must find its way through what is left. */
  readonly aftermath: boolean;
};

export const calm: Faults = {
  fromMs: 0,
  readFails: 0,
  lostBefore: 0,
  lostAfter: 0,
  late: 0,
  slow: 0,
  refused: 0,
  partitions: [],
  policies: [],
  metricsOutages: [],
};

export const good: Behaviour = { fate: 'good', startMs: [500, 3_000], goodMs: 0, errorRate: 0.002, movesAtMs: undefined };

/** A short release, so that thousands of them fit in seconds. */
export function shortSpec(changes: Partial<ReleaseSpec> = {}): ReleaseSpec {
  return {
    strategy: 'canary',
    steps: [
      { weightPercent: 20, holdMs: 4_000 },
      { weightPercent: 50, holdMs: 3_000 },
    ],
    judgedBy: 'readiness',
    maxErrorIncrease: { ratio: 1.25, absolute: 0.005 },
    maxErrorRate: undefined,
    timeoutMs: 120_000,
    readyTimeoutMs: 30_000,
    minDurationMs: 8_000,
    bakeMs: 0,
    smokeTest: undefined,
    deadManMs: 60_000,
    onInconclusive: 'rollback',
    force: false,
    ...changes,
  };
}

export function run(changes: Partial<RunScript> = {}): RunScript {
  return {
    name: 'run-1',
    startMs: 0,
    tag: 'v2',
    spec: shortSpec(),
    dies: undefined,
    interference: undefined,
    killedAtMs: undefined,
    cancelledAtMs: undefined,
    pauses: [],
    post: false,
    patience: 0,
    lagMs: 500,
    ...changes,
  };
}

export function scenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    seed: 1,
    replicas: 4,
    maxSurge: 1,
    maxUnavailable: 1,
    progressDeadlineSeconds: 60,
    twoContainers: false,
    requestsPerSecond: 400,
    behaviours: { v1: good, v2: good, v3: good, v4: good, hotfix: good },
    faults: calm,
    deeds: [],
    runs: [run()],
    jobStartsAfterMs: 200,
    aftermath: true,
    ...changes,
  };
}
