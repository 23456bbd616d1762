import type { Command } from '../rollout/command.ts';
import type { DeploymentFacts } from '../rollout/deployment-facts.ts';
import type { MetricsObservation, Observation } from '../rollout/observation.ts';
import type { Permission } from '../rollout/permissions.ts';
import type { Plan } from '../rollout/plan.ts';
import type { Holder, RolloutState } from '../rollout/state.ts';
import type { Outcome } from '../rollout/verdict.ts';

/** Time, as the runner needs it. `nowMs` is monotonic and has no meaning outside the process. */
export type Clock = {
  nowMs(): number;
  /** Ends early, without an error, when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export type PodNames = { readonly canary: readonly string[]; readonly stable: readonly string[] };

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
};

/** The source of metrics before anything is written: throws UserError where it does not answer, or knows nothing of these pods. */
export type MetricsSource = Metrics & {
  preflight(stablePods: readonly string[], signal: AbortSignal): Promise<StableTraffic>;
};

/** What the cluster shows in one turn, and which pods the metrics are to be read of. */
export type ClusterObservation = Omit<Observation, 'cancelled' | 'rejection' | 'metrics'> & { readonly podNames: PodNames };

/** The cluster, as one rollout sees it. */
export type World = {
  observe(signal: AbortSignal): Promise<ClusterObservation>;
  /** Makes the wish true, or throws a Fault; its effect shows in the next observation. */
  apply(command: Command, because: string): Promise<void>;
  /** Writes the journal and moves the dead-man's deadline to `now + deadlineMs`, in one confirmed request; throws a Fault where the Job protects no longer. */
  journal(state: RolloutState, deadlineMs: number): Promise<void>;
};

/** What preflight has read: `facts` wants the containers that are released, for the digest of everything else. */
export type Inspected = {
  readonly containers: DeploymentFacts['containers'];
  readonly names: DeploymentFacts['names'];
  readonly stablePods: readonly string[];
  /** Age of the oldest of them. */
  readonly stableAgeMs: number;
  facts(releasedContainers: readonly string[]): DeploymentFacts;
};

/** The cluster before and around a rollout. Only `acquire` writes. */
export type Cluster = {
  /** Throws UserError with everything that is missing; answers a warning where it cannot know. */
  checkAccess(permissions: readonly Permission[]): Promise<string | undefined>;
  inspect(): Promise<Inspected>;
  /** Throws UserError with every write of the plan that the API server would refuse. */
  dryRun(plan: Plan): Promise<void>;
  /** Creates the Job; throws UserError `rollout-busy` where another run holds it. */
  acquire(plan: Plan, holder: Holder, cancel: AbortSignal): Promise<RolloutState>;
  /** The record of a promotion whose runner is dead, now in this holder's name; undefined where there is none. Throws UserError where another run was faster. */
  takeOver(holder: Holder): Promise<{ readonly plan: Plan; readonly state: RolloutState } | undefined>;
  /** The journal of the rollout that this holder began; undefined where its Job is gone. */
  readJournal(plan: Plan, holderId: string): Promise<RolloutState | undefined>;
  world(plan: Plan): World;
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
  outcome(outcome: Outcome): void;
};

/** Where the samples of a run go, line by line. May throw: whoever writes must not depend on it. */
export type SampleSink = {
  write(line: string): void;
};
