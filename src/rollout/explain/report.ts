import type { CoursePoint } from '../gates/course.ts';
import type { EvidenceNumbers } from '../gates/metrics-numbers.ts';
import type { ReplayLine } from '../gates/replay-batches.ts';
import type { Revision } from '../history/revisions.ts';
import type { PlannedStep } from '../plan/replica-share.ts';
import type { ProbeNumbers } from '../probe-tally.ts';
import type { StatusReport } from '../situation/status.ts';
import type { ImageChange, Strategy } from '../spec.ts';
import type { Outcome } from '../verdict.ts';

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
  /** What the judged version, `canary` below, is called; undefined: canary. */
  readonly judged?: string | undefined;
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

/** How the release of a run that is dead ended in our hands. */
export type Earlier = {
  readonly outcome: Outcome;
  readonly images: readonly ImageChange[];
  readonly runUrl: string;
  readonly actor: string;
};
export type ReportedField = { readonly what: string; readonly from: string; readonly to: string };

/** What a run leaves for people and for later steps. Plain data. */
export type Report = {
  readonly command: 'deploy' | 'plan' | 'status' | 'abort' | 'reconcile' | 'history' | 'rollback' | 'replay';
  readonly target: { readonly namespace: string; readonly deployment: string };
  readonly strategy: Strategy;
  readonly judgedBy: 'metrics' | 'readiness';
  readonly images: readonly ImageChange[];
  /** What changes beside images, in words, never with the value of a variable. Undefined where nothing does. */
  readonly configuration?: readonly ReportedField[];
  readonly outcome: Outcome;
  readonly plannedSteps: readonly PlannedStep[];
  readonly timeline: readonly TimelineEntry[];
  /** Undefined: no metrics were read. */
  readonly numbers: GateNumbers | undefined;
  /** The file of the recorded samples; undefined: none was written. */
  readonly samples?: string | undefined;
  /** The last line of a replay, and how many lines there are. */
  readonly replay?: (ReplayLine & { readonly lines: number }) | undefined;
  /** Of a recreation: how long no pod was ready, at most and at least; undefined where nothing was measured. */
  readonly downtime?: { readonly atMostMs: number; readonly atLeastMs: number } | undefined;
  /** What the probe saw during the release; undefined: there was none. */
  readonly probe?: ProbeNumbers | undefined;
  /** Objects of ours that are still in the cluster; undefined: nobody could look. */
  readonly leftovers: readonly string[] | undefined;
  /** The record of a run that died in its promotion, finished or undone by this one. */
  readonly earlier?: Earlier | undefined;
  /** Of `command: status`. */
  readonly status?: StatusReport | undefined;
  /** Of `command: history`, newest first. */
  readonly revisions?: readonly Revision[] | undefined;
  readonly runUrl: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};
