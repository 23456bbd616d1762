import type { Command } from '../rollout/command.ts';
import type { FieldChange } from '../rollout/configuration/field-change.ts';
import type { Before } from '../rollout/gates/before-after.ts';
import type { FoundRevisions } from '../rollout/history/revisions.ts';
import type { MetricsObservation, Observation } from '../rollout/observation.ts';
import type { DeploymentFacts } from '../rollout/plan/deployment-facts.ts';
import type { Permission } from '../rollout/plan/permissions.ts';
import type { ConfigMapVersion, Plan } from '../rollout/plan/plan.ts';
import type { TemplateFacts } from '../rollout/plan/template-facts.ts';
import type { ProbeNumbers } from '../rollout/probe-tally.ts';
import type { Situation } from '../rollout/situation/situation.ts';
import type { Strategy } from '../rollout/spec.ts';
import type { Holder, RolloutState } from '../rollout/state.ts';
import type { Outcome } from '../rollout/verdict.ts';

/** Time, as the runner needs it. `nowMs` is monotonic and has no meaning outside the process. */
export type Clock = {
  nowMs(): number;
  /** Ends early, without an error, when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

/** Where a pod says that it serves its own metrics. */
export type MetricsEndpoint = {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** With its slash, and without a query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
};

/** By pod; a pod that says nothing, or does not run yet, is not in it. */
export type MetricsEndpoints = Readonly<Record<string, MetricsEndpoint>>;

export type PodNames = {
  readonly canary: readonly string[];
  readonly stable: readonly string[];
  readonly endpoints?: MetricsEndpoints;
};

/** The pods of each workload; which of them are compared depends on the phase (`armsOf`). */
export type WorkloadPodNames = PodNames & {
  /** Of stable: the pods of its newest template, and the others. */
  readonly updated: readonly string[];
  readonly outdated: readonly string[];
  /** Of blue-green: the pods of green. */
  readonly green?: readonly string[];
};

/** Reads both arms with one query. Never throws for a fault of the world: it says `unavailable`. */
export type Metrics = {
  read(pods: PodNames, signal: AbortSignal): Promise<MetricsObservation>;
};

/** What stable's pods answer at present. */
export type StableTraffic = {
  readonly requestsPerSecond: number;
  /** A fraction; 0 without requests. */
  readonly errorRate: number;
  readonly podsWithoutSeries: readonly string[];
  /** Bounds of the response times' buckets, without +Inf; undefined: no histogram is read. */
  readonly bucketBoundsMs?: readonly number[] | undefined;
  /** For the plan: what is read from where, as chosen in this look. May hold untrusted text. */
  readonly source?: readonly string[];
  /** What makes these numbers doubtful. May hold untrusted text. */
  readonly warnings?: readonly string[];
  /** What that rests on: the requests of the last minute. */
  readonly counted?: Before;
};

/** The source of metrics before anything is written: throws UserError where it does not answer, or knows nothing of these pods. */
export type MetricsSource = Metrics & {
  preflight(stablePods: readonly string[], signal: AbortSignal, endpoints?: MetricsEndpoints): Promise<StableTraffic>;
};

/** Asks the application during a release, as a client would. It judges nothing, and nothing waits for it. */
export type Probe = {
  /** Asks once; throws UserError where the answer is not 2xx or 3xx. */
  preflight(signal: AbortSignal): Promise<void>;
  /** Asks until it is ended; neither throws. */
  start(): { end(): Promise<ProbeNumbers> };
};

/** What the cluster shows in one turn, and which pods the metrics are to be read of. */
export type ClusterObservation = Omit<Observation, 'cancelled' | 'rejection' | 'metrics' | 'smoke'> & {
  readonly podNames: WorkloadPodNames;
};

/** The cluster, as one rollout sees it. */
export type World = {
  observe(signal: AbortSignal): Promise<ClusterObservation>;
  /** Makes the wish true, or throws a Fault; its effect shows in the next observation. */
  apply(command: Command, because: string): Promise<void>;
  /** Writes the journal and moves the dead-man's deadline to `now + deadlineMs`, in one confirmed request; throws a Fault where the Job protects no longer. */
  journal(state: RolloutState, deadlineMs: number): Promise<void>;
};

/** What preflight has read: `facts` wants the containers and fields that are released, for the digest of everything else. */
export type Inspected = {
  readonly containers: DeploymentFacts['containers'];
  readonly names: DeploymentFacts['names'];
  /** Variables and references to ConfigMaps, by their places in the pod template. */
  readonly template: TemplateFacts;
  readonly configMaps: {
    /** What this run has read in the repository. */
    readonly wanted: readonly ConfigMapVersion[];
    /** What earlier releases have made of them. */
    readonly earlier: readonly ConfigMapVersion[];
  };
  /** The annotation that `kubectl rollout history` shows, as it stands. */
  readonly changeCause: string | undefined;
  readonly stablePods: readonly string[];
  readonly metricsEndpoints?: MetricsEndpoints;
  /** Age of the oldest of them. */
  readonly stableAgeMs: number;
  facts(releasedContainers: readonly string[], configuration?: readonly FieldChange[]): DeploymentFacts;
};

/** The cluster before and around a rollout. Only `acquire`, `takeOver` and `seize` write. */
export type Cluster = {
  /** Throws UserError with everything that is missing; answers a warning where it cannot know. */
  checkAccess(permissions: readonly Permission[], what?: string): Promise<string | undefined>;
  inspect(strategy: Strategy): Promise<Inspected>;
  /** Throws UserError with every write of the plan that the API server would refuse. */
  dryRun(plan: Plan): Promise<void>;
  /** Creates the Job; throws UserError `rollout-busy` where another run holds it. */
  acquire(plan: Plan, holder: Holder, cancel: AbortSignal): Promise<RolloutState>;
  /** The record of a promotion whose runner is dead, now in this holder's name; undefined where there is none. Throws UserError where another run was faster. */
  takeOver(holder: Holder): Promise<{ readonly plan: Plan; readonly state: RolloutState; readonly from: Holder } | undefined>;
  /** What there is of a rollout, whoever made it. Reads only. */
  look(): Promise<Situation>;
  /** Takes a rollout over whether its runner lives or not; undefined where there is nothing any more that could be taken over. */
  seize(
    situation: Situation,
    holder: Holder,
    becomes: (state: RolloutState, nowMs: number) => RolloutState,
  ): Promise<{ readonly plan: Plan; readonly state: RolloutState } | undefined>;
  /** The Deployment's revisions. Reads only. */
  revisions(): Promise<FoundRevisions>;
  /** Which of these ConfigMaps are there and not going, and whether a release of this Deployment has made them. Reads only. */
  findConfigMaps(names: readonly string[]): Promise<readonly { readonly name: string; readonly ours: boolean }[]>;
  /** The plan of a blue-green rollout whose Job is gone while a Service still leads to its green, as green itself records it. */
  findOrphan(): Promise<Plan | undefined>;
  /** The journal of the rollout that this holder began; undefined where its Job is gone. */
  readJournal(plan: Plan, holderId: string): Promise<RolloutState | undefined>;
  world(plan: Plan): World;
};

/** One request to the preview Service, and what it answers. */
export type PreviewRelay = (
  request: {
    readonly method: 'GET' | 'POST';
    /** With its leading slash, without `..`. */
    readonly path: string;
    /** With its leading `?`, or empty. */
    readonly search: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
  },
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly contentType: string | undefined; readonly text: string }>;

/** The user's own command against green. */
export type SmokeTest = {
  /** Starts it once; how it stands is for `read` to say. */
  start(plan: Plan): Promise<void>;
  read(): Observation['smoke'];
  /** Ends it, with everything that it has started. */
  stop(): Promise<void>;
};

/** What a person sees. Everything untrusted is escaped behind this port. */
export type Reporter = {
  /** Opens a log group; closes the one before. */
  phase(title: string): void;
  /** Before a write: the object, what was and what will be, and why. */
  write(what: { readonly object: string; readonly from: string; readonly to: string; readonly because: string }): void;
  info(line: string): void;
  warning(line: string): void;
  /** Untrusted text, line by line, below a trusted heading. */
  quote(heading: string, lines: readonly string[]): void;
  /** `reached`: whether the command got what it was asked for; by the result alone where it is not told. */
  outcome(outcome: Outcome, reached?: boolean): void;
};

/** Where the samples of a run go, line by line. May throw: whoever writes must not depend on it. */
export type SampleSink = {
  write(line: string): void;
};
