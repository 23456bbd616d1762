import type { CoursePoint } from './gates/course.ts';
import type { EvidenceNumbers } from './gates/metrics-numbers.ts';
import type { ReplayLine } from './gates/replay-batches.ts';
import type { PlannedStep } from './replica-share.ts';
import type { ImageChange } from './spec.ts';
import type { Outcome } from './verdict.ts';

/** Something that happened, in the order of time. The texts may hold untrusted parts: escape where they are shown. */
export type TimelineEntry = {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly phase: string;
  readonly text: string;
  /** Empty where nothing is to be said. */
  readonly because: string;
};

/** Requests and errors of one arm, all pods together. */
export type ArmNumbers = {
  readonly requests: number;
  readonly errors: number;
};

/** The numbers behind the verdict of the metrics gate. */
export type GateNumbers = {
  readonly canary: ArmNumbers;
  readonly stable: ArmNumbers;
  /** What the canary's error rate may be at most, as a fraction; undefined while it cannot be told. */
  readonly limitRate: number | undefined;
  /** How sure the verdict is, as a fraction; undefined where there is none. */
  readonly confidence: number | undefined;
  /** What `limitRate`, the counts of `gate` and the course are of: errors, or slow requests. */
  readonly measured?: string;
  /** Every limit with its evidence, and both rates with their bounds. */
  readonly gate?: EvidenceNumbers;
  /** Evidence that decides, in nats. */
  readonly neededNats?: { readonly bad: number; readonly good: number };
  readonly course?: readonly CoursePoint[];
};

/** What a run leaves for people and for later steps. Plain data. */
export type Report = {
  readonly command: 'deploy' | 'plan' | 'replay';
  readonly target: { readonly namespace: string; readonly deployment: string };
  readonly strategy: 'canary';
  readonly judgedBy: 'metrics' | 'readiness';
  readonly images: readonly ImageChange[];
  readonly outcome: Outcome;
  readonly plannedSteps: readonly PlannedStep[];
  readonly timeline: readonly TimelineEntry[];
  /** Undefined: no metrics were read. */
  readonly numbers: GateNumbers | undefined;
  /** The file of the recorded samples; undefined: none was written. */
  readonly samples?: string | undefined;
  /** The last line of a replay, and how many lines there are. */
  readonly replay?: (ReplayLine & { readonly lines: number }) | undefined;
  /** Objects of ours that are still in the cluster; undefined: nobody could look. */
  readonly leftovers: readonly string[] | undefined;
  readonly runUrl: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};
