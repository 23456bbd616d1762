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
  /** Canary pods that were asked and did not answer; left out: nobody knows. */
  readonly silent?: readonly string[];
};

export type MetricsObservation =
  | { readonly kind: 'reading'; readonly reading: MetricsReading }
  | { readonly kind: 'unavailable'; readonly why: string };

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
  /** Digest of the template without the images that we release. */
  readonly templateHash: string;
  /** The smallest number of available pods that the user's own strategy allows. */
  readonly minAvailable: number;
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
};

/** The world as one turn of the loop sees it. */
export type Observation = {
  /** The API server's time. */
  readonly nowMs: number;
  readonly job: JobFacts | undefined;
  readonly stable: StableFacts | undefined;
  readonly canary: WorkloadFacts | undefined;
  readonly metrics: MetricsObservation | undefined;
  readonly cancelled: boolean;
  /** The last command that the API server refused, and how often in a row. */
  readonly rejection: { readonly message: string; readonly times: number } | undefined;
};
