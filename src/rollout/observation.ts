import type { FieldState } from './configuration/field-change.ts';
import type { Phase, SmokeResult } from './state.ts';

/** Counters of the requests that pods have answered since they started. */
export type PodCounters = Readonly<
  Record<
    string,
    {
      readonly errors: number;
      readonly requests: number;
      /** Requests that took longer than `max-slow` allows: the histogram's count − its bucket of that bound. Left out: not counted. */
      readonly slow?: number;
    }
  >
>;

/** One reading of both arms, taken by one query at one moment. */
export type MetricsReading = {
  readonly canary: PodCounters;
  readonly stable: PodCounters;
  /** Pods of the judged version that were asked and did not answer; left out: this source asks no pod. */
  readonly silent?: readonly string[];
};

export type MetricsObservation =
  | { readonly kind: 'reading'; readonly reading: MetricsReading }
  | {
      readonly kind: 'unavailable';
      readonly why: string;
      /** The same as of a reading. */
      readonly silent?: readonly string[];
    };

export type Termination = {
  readonly exitCode: number;
  readonly reason: string;
};

export type ContainerFacts = {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  readonly terminated: Termination | undefined;
  readonly lastTerminated: Termination | undefined;
  /** What the node really runs, for example `sha256:…`; empty before the container has started. */
  readonly imageId: string;
};

export type PodFacts = {
  readonly name: string;
  readonly createdAtMs: number;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly containers: readonly ContainerFacts[];
  /** Init containers and native sidecars. */
  readonly initContainers?: readonly ContainerFacts[];
  /** The scheduler's message while the pod has no node. */
  readonly unschedulable: string | undefined;
  /** How often the kubelet said that an image could not be pulled. */
  readonly pullFailures: number;
  /** The kubelet's last message about a failing probe. */
  readonly probeFailure: string | undefined;
  /** Untrusted text: last log lines of the container that died, or events. */
  readonly evidence: readonly string[];
};

export type WorkloadFacts = {
  readonly uid: string;
  /** The value of our label on it: the uid of the rollout's Job. */
  readonly rollout: string | undefined;
  readonly terminating: boolean;
  /** Whether the controller has seen the newest spec; every number below is stale while it has not. */
  readonly settled: boolean;
  readonly desiredReplicas: number;
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly availableReplicas: number;
  readonly progressDeadlineExceeded: boolean;
  /** The controller's message while it cannot create pods (quota, admission). */
  readonly replicaFailure: string | undefined;
  /** Pods of the newest template. */
  readonly pods: readonly PodFacts[];
};

export type StableFacts = WorkloadFacts & {
  readonly paused: boolean;
  /** Images by container name. */
  readonly images: Readonly<Record<string, string>>;
  /** What stands at each changed field of the plan; undefined where it changes none. */
  readonly configuration?: readonly FieldState[];
  /** Digest of the template without what we release. */
  readonly templateHash: string;
  /** The smallest number of available pods that the user's own strategy allows. */
  readonly minAvailable: number;
  /** Pods of all its ReplicaSets that are ready and not going away: what a Service sends requests to. */
  readonly servingPods?: number;
  /** Whether managedFields hold an entry of ours. */
  readonly owned: boolean;
};

export type JobFacts = {
  readonly uid: string;
  readonly startedAtMs: number | undefined;
  readonly deadlineAtMs: number | undefined;
  /** Why this Job protects nothing any more: failed, suspended, being deleted. */
  readonly over: string | undefined;
  /** The id of the run that its journal names; undefined where the journal cannot be read. */
  readonly holder?: string | undefined;
  /** Who has aborted the rollout, in a sentence of its journal. Untrusted text. */
  readonly abort?: string | undefined;
};

/** A version of a ConfigMap that a release of this Deployment has made. */
export type ConfigMapFacts = {
  readonly name: string;
  /** The name that it has in the repository. */
  readonly source: string;
  readonly uid: string;
  /** Uids of its owners: the Job's while only the canary refers to it, the Deployment's from the promotion on. */
  readonly owners: readonly string[];
  readonly terminating: boolean;
  /** Whether the Deployment's template, or that of one of its ReplicaSets, names it. */
  readonly referred: boolean;
};

export type GreenFacts = WorkloadFacts & {
  /** Whether the Job still owns it: then deleting the Job deletes it. */
  readonly owned: boolean;
};

/** One Service of the user that leads to the Deployment. */
export type ServiceFacts = {
  readonly name: string;
  /** To which pods it leads; `other`: somebody has changed its selector, or it is gone. */
  readonly colour: 'blue' | 'green' | 'other';
  /** The value of our annotation on it: the uid of the rollout's Job. */
  readonly rollout: string | undefined;
  /** Whether managedFields hold an entry of ours. */
  readonly owned: boolean;
  readonly terminating: boolean;
};

/** What only blue-green looks at. */
export type BlueGreenFacts = {
  readonly green: GreenFacts | undefined;
  readonly preview: { readonly rollout: string | undefined; readonly terminating: boolean } | undefined;
  /** In the order of the plan. */
  readonly services: readonly ServiceFacts[];
};

/** The world as one turn of the loop sees it. */
export type Observation = {
  /** The API server's time. */
  readonly nowMs: number;
  readonly job: JobFacts | undefined;
  readonly stable: StableFacts | undefined;
  readonly canary: WorkloadFacts | undefined;
  /** The second Deployment of a pair that the user keeps. */
  readonly pair?: StableFacts | undefined;
  readonly metrics: MetricsObservation | undefined;
  /** Undefined where the plan releases none. */
  readonly configMaps?: readonly ConfigMapFacts[];
  /** Undefined for every other strategy. */
  readonly blueGreen?: BlueGreenFacts | undefined;
  /** How the smoke test of this process stands; undefined where it has not been started. */
  readonly smoke?: { readonly kind: 'running' } | SmokeResult | undefined;
  readonly cancelled: boolean;
  /** The last command that the API server refused, and how often in a row. */
  readonly rejection: { readonly message: string; readonly times: number } | undefined;
  /** The last journal write of a phase that needs none did not come about: of which phase, and when it was tried. Left out: the Job takes them. */
  readonly unjournalled?: { readonly phase: Phase['kind']; readonly atMs: number } | undefined;
};
