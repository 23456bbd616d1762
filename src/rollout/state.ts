import type { Before } from './gates/before-after.ts';
import type { MetricsEvidence } from './gates/metrics-gate.ts';
import type { PairCounts } from './plan/pair-share.ts';
import type { RollWatch } from './strategies/roll-watch.ts';
import type { Outcome } from './verdict.ts';

/** What the smoke test has said; `unknown` where it did not come to an end. */
export type SmokeResult = {
  readonly kind: 'passed' | 'failed' | 'unknown';
  readonly because: string;
  /** Untrusted text: the last lines that it printed. */
  readonly evidence: readonly string[];
};

/** The phases of blue-green, in their order; from `flipping`, or `kept-green`, on the Job is the record. */
export type BlueGreenPhase =
  | { readonly kind: 'green'; readonly sinceMs: number }
  /** `judged`: what green's pods really ran, for example `sha256:…`. */
  | { readonly kind: 'flipping'; readonly sinceMs: number; readonly judged: readonly string[] }
  | { readonly kind: 'live'; readonly sinceMs: number; readonly judged: readonly string[] }
  | {
      readonly kind: 'updating';
      readonly sinceMs: number;
      readonly judged: readonly string[];
      readonly proved: boolean;
      readonly because: string;
    }
  | {
      readonly kind: 'flipping-back';
      readonly sinceMs: number;
      readonly outcome: Outcome;
      /** Which images stable is to have when the Services lead to it again. */
      readonly images: 'old' | 'new';
      /** Whether the new images may have been sent to stable: then the fence goes before anything else. */
      readonly sent: boolean;
    }
  | { readonly kind: 'draining'; readonly sinceMs: number; readonly outcome: Outcome }
  /** Of a green that the user keeps: its image and size, and the gates without traffic. */
  | { readonly kind: 'kept-green'; readonly sinceMs: number }
  /** The verdict stands: such a green serves for good, and blue gets the replicas that it had. */
  | { readonly kind: 'exchanging'; readonly sinceMs: number; readonly outcome: Outcome }
  /** `drains`: users were led to it a moment ago. */
  | { readonly kind: 'green-restoring'; readonly sinceMs: number; readonly outcome: Outcome; readonly drains: boolean };

/** Who runs this rollout, for the person who finds its Job. */
export type Holder = {
  /** Unique for each run: tells our Job from another one after a lost answer. */
  readonly id: string;
  readonly runUrl: string;
  readonly actor: string;
};

/** Where the rollout is. Every time is the API server's, in milliseconds since 1970. */
export type Phase =
  | { readonly kind: 'arming'; readonly sinceMs: number }
  | { readonly kind: 'fencing'; readonly sinceMs: number }
  | { readonly kind: 'step'; readonly index: number; readonly sinceMs: number }
  | {
      readonly kind: 'promoting';
      readonly sinceMs: number;
      readonly proved: boolean;
      readonly because: string;
      /** What the canary's pods really ran, for example `sha256:…`. */
      readonly judged: readonly string[];
    }
  /** One pod outside of every Service, before a recreation; `passed` once it has shown that the image runs, or can be pulled. */
  | { readonly kind: 'trial'; readonly sinceMs: number; readonly passed?: { readonly because: string; readonly judged: readonly string[] } }
  /** The images are sent with nothing between them and the users; `judged` is what a trial pod really ran. */
  | { readonly kind: 'rolling'; readonly sinceMs: number; readonly judged: readonly string[] }
  /** The new version has taken over and is judged by an absolute limit. */
  | {
      readonly kind: 'baking';
      readonly sinceMs: number;
      readonly proved: boolean;
      readonly because: string;
      readonly judged: readonly string[];
    }
  /** Of a pair: the newest journalled wish comes last; the ones before it may still stand, or arrive late. */
  | {
      readonly kind: 'pair-step';
      readonly index: number;
      readonly sinceMs: number;
      readonly wished: readonly PairCounts[];
      /** The id of the run that moves the replicas: any other one that gets here puts them back. */
      readonly by: string;
    }
  | {
      readonly kind: 'pair-finishing';
      readonly sinceMs: number;
      readonly proved: boolean;
      readonly because: string;
      readonly wished: readonly PairCounts[];
    }
  | { readonly kind: 'pair-restoring'; readonly sinceMs: number; readonly outcome: Outcome; readonly wished: readonly PairCounts[] }
  | { readonly kind: 'reverting'; readonly sinceMs: number; readonly outcome: Outcome }
  /** Somebody else ends it: `command: abort`. */
  | { readonly kind: 'aborting'; readonly sinceMs: number; readonly outcome: Outcome }
  | { readonly kind: 'ending'; readonly sinceMs: number; readonly outcome: Outcome }
  | BlueGreenPhase;

/** How the canary's pods have been since they were last scaled. */
export type Steadiness = {
  /** Replicas that were asked for when this began. */
  readonly replicas: number;
  /** Since when all of them are available; undefined while they are not. */
  readonly availableSinceMs: number | undefined;
  /** Since when not all of them are available; undefined while they are. */
  readonly missingSinceMs: number | undefined;
  /** Whether they were all available once since they were scaled. */
  readonly wasAvailable: boolean;
};

/** The journal: everything that a second process needs in order to finish or undo. Plain JSON. */
export type RolloutState = {
  readonly version: 1;
  readonly holder: Holder;
  readonly jobUid: string;
  readonly startedAtMs: number;
  readonly heartbeatAtMs: number;
  readonly phase: Phase;
  readonly steadiness: Steadiness | undefined;
  /** Since when every canary pod has been ready without a break and without a restart. */
  readonly unbrokenSinceMs: number | undefined;
  /** When the canary was available for the first time. */
  readonly servingSinceMs: number | undefined;
  readonly breaks: number;
  readonly restarts: number;
  readonly evidence: MetricsEvidence | undefined;
  /** Who has ended it from outside, in a sentence: whoever holds it undoes, and never finishes. */
  readonly abort?: string;
  /** When that was: for a moment the Job stays and tells it the run that is aborted. */
  readonly abortedAtMs?: number;
  /** How the new pods of the Deployment itself have been while it rolls. */
  readonly roll?: RollWatch | undefined;
  /** Whether this is a record that was taken over: from then on readiness alone judges. */
  readonly resumed?: boolean;
  /** Blue-green: what the smoke test said, so that nobody has to run it twice. */
  readonly smoke?: SmokeResult | undefined;
  /** What stable answered in this run while it still had traffic: from then on the test is absolute, and the evidence is that of this time. */
  readonly before?: Before | undefined;
};

export function startState(holder: Holder, jobUid: string, nowMs: number): RolloutState {
  return {
    version: 1,
    holder,
    jobUid,
    startedAtMs: nowMs,
    heartbeatAtMs: nowMs,
    phase: { kind: 'arming', sinceMs: nowMs },
    steadiness: undefined,
    unbrokenSinceMs: undefined,
    servingSinceMs: undefined,
    breaks: 0,
    restarts: 0,
    evidence: undefined,
  };
}

const recordPhases: ReadonlySet<Phase['kind']> = new Set<Phase['kind']>([
  'promoting',
  'rolling',
  'baking',
  'reverting',
  'flipping',
  'live',
  'updating',
  'flipping-back',
  'draining',
  'kept-green',
  'exchanging',
  'green-restoring',
  'pair-step',
  'pair-finishing',
  'pair-restoring',
]);

/** Whether deleting the Job still undoes everything: true until the promotion, the flip of a Service, or the first write to a pair may have been sent. */
export function isUndoneByDeletion(phase: Phase): boolean {
  return !recordPhases.has(phase.kind);
}

/** A record in the hands of another process: its phase begins anew, as nobody has worked on it since its runner died. */
export function resumed(state: RolloutState, nowMs: number): RolloutState {
  return { ...state, phase: { ...state.phase, sinceMs: nowMs }, resumed: true };
}
