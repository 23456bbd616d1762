import type { MetricsEvidence } from './gates/metrics-gate.ts';
import type { PairCounts } from './pair-share.ts';
import type { Outcome } from './verdict.ts';

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
  | { readonly kind: 'ending'; readonly sinceMs: number; readonly outcome: Outcome };

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

const outlivesDeletion: ReadonlySet<Phase['kind']> = new Set(['promoting', 'reverting', 'pair-step', 'pair-finishing', 'pair-restoring']);

/** Whether deleting the Job still undoes everything: true until the promotion, or the first write to a pair, may have been sent. */
export function isUndoneByDeletion(phase: Phase): boolean {
  return !outlivesDeletion.has(phase.kind);
}
