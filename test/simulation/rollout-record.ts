import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** What the checker has seen of one rollout. */
export type Rollout = {
  readonly name: string;
  readonly startedAtMs: number;
  plan: Plan | undefined;
  jobUid: string;
  /** The step in force, by the journal, and when each step began. */
  index: number;
  readonly stepsAtMs: number[];
  /** The run that has taken it over, because the first one seemed dead. */
  takenBy: string | undefined;
  /** The phase that it was in then. */
  takenInPhase: string | undefined;
  /** Canary replicas that were written last. */
  replicas: number;
  /** Stable replicas in the last answer that its process was given. */
  seenReplicas: number;
  wasRescaled: boolean;
  /** Since when every answer that was given said that the canary is available. */
  heldSinceMs: number | undefined;
  servingSinceMs: number | undefined;
  brokeAtMs: number;
  readingAtMs: number;
  /** The template that the canary was copied from, without images. */
  copied: string;
  /** Prometheus' totals when the canary was created. */
  baseline: {
    readonly canaryErrors: number;
    readonly canaryRequests: number;
    readonly stableErrors: number;
    readonly stableRequests: number;
  };
  /** The phase in the journal, and when it was written last. */
  phase: string;
  journalAtMs: number;
  phaseAtMs: number;
  /** When the journal first said that it ends: whoever goes on with that waits no longer than the first one would have. */
  endsSinceMs: number | undefined;
  jobGoneAtMs: number | undefined;
  promotedAtMs: number;
  revertedAtMs: number;
  triedToRevert: boolean;
  /** The Job did not take the way back into its journal, or nobody has heard of it: the way back does not wait for that. */
  wasRefusedWayBack: boolean;
  /** An answer has told its process that the journal says so. */
  knowsWayBack: boolean;
  wasComplete: boolean;
  changedByOthersAtMs: number;
  /** Since when every answer that was given said that the Deployment is complete with the new images. */
  fullSinceMs: number | undefined;
  /** When the journal first said that it bakes: an advance whose answer was lost is followed by the phase before. */
  bakingAtMs: number | undefined;
  /** A trial pod has passed. */
  trialPassed: boolean;
};

export function recordOf(name: string, startedAtMs: number): Rollout {
  return {
    name,
    startedAtMs,
    plan: undefined,
    jobUid: '',
    index: -1,
    stepsAtMs: [],
    takenBy: undefined,
    takenInPhase: undefined,
    replicas: 0,
    seenReplicas: 0,
    wasRescaled: false,
    heldSinceMs: undefined,
    servingSinceMs: undefined,
    brokeAtMs: 0,
    readingAtMs: 0,
    copied: '',
    baseline: { canaryErrors: 0, canaryRequests: 0, stableErrors: 0, stableRequests: 0 },
    phase: '',
    journalAtMs: 0,
    phaseAtMs: 0,
    endsSinceMs: undefined,
    jobGoneAtMs: undefined,
    promotedAtMs: 0,
    revertedAtMs: 0,
    triedToRevert: false,
    wasRefusedWayBack: false,
    knowsWayBack: false,
    wasComplete: false,
    changedByOthersAtMs: -1,
    fullSinceMs: undefined,
    bakingAtMs: undefined,
    trialPassed: false,
  };
}

/** The images, and LEVEL, that a rollout wants on a Deployment that has these. */
export function expectedImages(
  plan: Plan,
  images: Readonly<Record<string, string>>,
  side: 'from' | 'to',
): Readonly<Record<string, string>> {
  const levels = (plan.configuration ?? []).map((change) => [`${change.guards[0]?.value} LEVEL`, change[side]]);
  return { ...images, ...Object.fromEntries([...plan.images.map((change) => [change.container, change[side]]), ...levels]) };
}

/** Phases in which the Job is a record: deleting it does not undo what was sent. */
export const recordPhases: ReadonlySet<string> = new Set(['promoting', 'reverting', 'rolling', 'baking']);

export function isDirect(plan: Plan): boolean {
  return plan.spec.strategy === 'rolling' || plan.spec.strategy === 'recreate';
}

export type Watch = {
  readonly world: World;
  /** Whether a process knew that its Job was over, or another's, when it decided on the write that arrives now. */
  knewOfLoss(process: SimulatedProcess): boolean;
  violate(invariant: string, text: string): void;
};
