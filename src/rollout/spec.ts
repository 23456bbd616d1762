/** One step of a canary: `weightPercent` of the traffic for at least `holdMs`. */
export type StepSpec = {
  readonly weightPercent: number;
  /** Undefined: the default of 30 s before the last step, none at the last one. */
  readonly holdMs: number | undefined;
};

/** The canary's error rate may be at most `ratio` × stable's + `absolute` (fractions, 0 to 1). */
export type ErrorLimit = {
  readonly ratio: number;
  readonly absolute: number;
};

/** At most `absolute` (a fraction) of the canary's requests may take longer than `boundMs`, which is a bound of the histogram's buckets. */
export type SlowLimit = {
  readonly absolute: number;
  readonly boundMs: number;
};

export type InconclusivePolicy = 'rollback' | 'promote';

/** How the new version comes in. */
export type Strategy = 'canary' | 'rolling' | 'recreate' | 'blue-green';

/** How to release: all that the user decides about a rollout, in plain data. */
export type ReleaseSpec = {
  readonly strategy: Strategy;
  readonly steps: readonly StepSpec[];
  readonly judgedBy: 'metrics' | 'readiness';
  readonly maxErrorIncrease: ErrorLimit;
  /** An absolute limit as a fraction, beside the comparison. */
  readonly maxErrorRate: number | undefined;
  /** Undefined: how long requests take is not judged. */
  readonly maxSlow?: SlowLimit | undefined;
  /** The part of its fair share of the requests that the canary must answer, as a fraction; undefined: not judged. */
  readonly minTraffic?: number | undefined;
  /** Failed requests, beyond those at stable's rate, that the canary may cause in all; undefined: no bound. */
  readonly errorBudget?: number | undefined;
  /** Up to how many requests share their fate, 1 to 10; undefined: 1. */
  readonly dispersion?: number | undefined;
  readonly timeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly minDurationMs: number;
  /** How long the new version is watched after it has taken over, before the release ends. */
  readonly bakeMs: number;
  /** A command that is run against green before any user's request reaches it. */
  readonly smokeTest: string | undefined;
  readonly deadManMs: number;
  readonly onInconclusive: InconclusivePolicy;
  readonly force: boolean;
  /** The second Deployment of a pair that the user keeps; undefined: the canary is a Deployment of ours. */
  readonly canaryDeployment?: string | undefined;
  /** The idle Deployment that the user keeps and that is flipped to; undefined: green is a Deployment of ours. */
  readonly greenDeployment?: string | undefined;
};

/** The image of one container, by its place in the template. */
export type ImageChange = {
  readonly container: string;
  readonly index: number;
  readonly from: string;
  readonly to: string;
  /** An init container or a native sidecar: `index` is its place among `initContainers`. */
  readonly init?: true;
};

/** Which images are asked for; what it means for a given template is decided in plan-images.ts. */
export type ImageRequest =
  | { readonly kind: 'tag'; readonly tag: string; readonly containers: readonly string[] }
  | { readonly kind: 'image'; readonly image: string; readonly containers: readonly string[] }
  | { readonly kind: 'by-container'; readonly images: Readonly<Record<string, string>> }
  /** A release of configuration alone. `containers` are those whose variables change. */
  | { readonly kind: 'none'; readonly containers: readonly string[] };

/** One line of the input `env`. */
export type VariableRequest = {
  /** Undefined: in every released container. */
  readonly container: string | undefined;
  readonly name: string;
  readonly value: string;
};
