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
  readonly timeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly minDurationMs: number;
  readonly deadManMs: number;
  readonly onInconclusive: InconclusivePolicy;
  readonly force: boolean;
  /** The second Deployment of a pair that the user keeps; undefined: the canary is a Deployment of ours. */
  readonly canaryDeployment?: string | undefined;
};

/** The image of one container, by its place in the template. */
export type ImageChange = {
  readonly container: string;
  readonly index: number;
  readonly from: string;
  readonly to: string;
};

/** Which images are asked for; what it means for a given template is decided in plan-images.ts. */
export type ImageRequest =
  | { readonly kind: 'tag'; readonly tag: string; readonly containers: readonly string[] }
  | { readonly kind: 'image'; readonly image: string; readonly containers: readonly string[] }
  | { readonly kind: 'by-container'; readonly images: Readonly<Record<string, string>> };
