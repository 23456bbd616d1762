import { type Before, beforeAfterRules, knowsBefore } from './gates/before-after.ts';
import {
  absorbReading,
  absorbUnavailable,
  fromFirstSight,
  judgeMetrics,
  type MetricsEvidence,
  type MetricsRules,
  startEvidence,
} from './gates/metrics-gate.ts';
import { rulesFor } from './gates/metrics-rules.ts';
import type { ReplayLine, ReplayVerdict } from './gates/replay-batches.ts';
import type { MetricsReading } from './observation.ts';
import type { RecordedPhase, RecordedPhaseName, RecordedRun, RecordedTurn, Recording } from './recording.ts';

/** Where a replay stands. `rules` are undefined where stable had answered too little for a limit. */
type Standing = {
  readonly name: RecordedPhaseName;
  readonly sinceMs: number;
  readonly before: Before | undefined;
  readonly rules: MetricsRules | undefined;
  readonly evidence: MetricsEvidence | undefined;
  /** What was decided in the phases before: what ends the run is final. */
  readonly earlier: ReplayVerdict;
  /** Whether an earlier phase that needs a pass has none: then no later pass is one of the release. */
  readonly owes: boolean;
};

const judging: ReadonlySet<RecordedPhaseName> = new Set<RecordedPhaseName>(['step', 'pair-step', 'baking', 'live']);
const idle: ReadonlySet<RecordedPhaseName> = new Set<RecordedPhaseName>(['green', 'kept-green']);

/** Whether a pass is what the run waits for in this phase; in the others the metrics can only convict. */
function acquits(name: RecordedPhaseName, { flip }: RecordedRun): boolean {
  return judging.has(name) || (idle.has(name) && flip !== undefined);
}

/** The rules of a recording; undefined where these settings leave no limit. */
export function recordedRules({ compare, spec }: Pick<RecordedRun, 'compare' | 'spec'>): MetricsRules | undefined {
  return rulesFor({ compare, spec });
}

/** One line for each turn: what the live gate says of the recorded readings. From a phase's first verdict on, its line is repeated in it, unless it was undone. */
export function replayRecording(rules: MetricsRules, { run, lines }: Recording): readonly ReplayLine[] {
  const said: ReplayLine[] = [];
  let standing: Standing = {
    name: 'step',
    sinceMs: run.startedAtMs,
    before: undefined,
    rules,
    evidence: startEvidence(rules),
    earlier: 'continue',
    owes: false,
  };
  let decided: ReplayLine | undefined;
  let decidedIn = 0;
  let reading: MetricsReading | undefined;
  for (const line of lines) {
    if (line.kind === 'phase') {
      const verdict = decided?.verdict ?? standing.earlier;
      standing = enter(rules, run, standing, line, verdict, said.length > 0);
      if (!ends(run, verdict)) decided = undefined;
      continue;
    }
    if (line.kind === 'undone') {
      // An earlier verdict, of other settings, was not the one that did not come about.
      if (decidedIn === said.length) decided = undefined;
      continue;
    }
    if (typeof line.metrics === 'object') reading = line.metrics;
    if (decided === undefined) {
      standing = { ...standing, evidence: absorbTurn(run, standing, line, reading) };
      const verdict = verdictOf(standing, run, line);
      const now = { ...evidenceNats(standing.evidence), verdict };
      said.push(now);
      if (verdict !== 'fail' && (verdict === 'continue' || !acquits(standing.name, run))) continue;
      decided = now;
      decidedIn = said.length;
    } else said.push(decided);
  }
  return said;
}

function enter(
  rules: MetricsRules,
  run: RecordedRun,
  standing: Standing,
  line: RecordedPhase,
  earlier: ReplayVerdict,
  begun: boolean,
): Standing {
  const owes = standing.owes || (begun && earlier === 'continue' && acquits(standing.name, run));
  const next = { ...standing, name: line.name, sinceMs: line.atMs, earlier, owes };
  if (line.before === undefined || standing.before !== undefined) return next;
  const after = beforeAfterRules(rules, line.before);
  return { ...next, before: line.before, rules: after, evidence: after === undefined ? undefined : startEvidence(after) };
}

/** Whether nothing follows this verdict; where something does, the next phase finds its own. */
function ends({ spec }: RecordedRun, verdict: ReplayVerdict): boolean {
  return verdict === 'fail' || (verdict === 'inconclusive' && spec.onInconclusive === 'rollback');
}

function absorbTurn(
  { older }: RecordedRun,
  { rules, evidence }: Standing,
  turn: RecordedTurn,
  reading: MetricsReading | undefined,
): MetricsEvidence | undefined {
  if (rules === undefined || evidence === undefined || turn.metrics === undefined) return evidence;
  if (turn.metrics === 'unavailable') return absorbUnavailable(evidence, 'recorded as unavailable', turn.atMs);
  if (reading === undefined) return evidence;
  const begun = older === true ? fromFirstSight(evidence, reading.canary) : evidence;
  return absorbReading(rules, begun, reading, turn.atMs, turn.share);
}

/** The most evidence that a limit is broken, and the least that one is kept, in nats. */
function evidenceNats(evidence: MetricsEvidence | undefined): Pick<ReplayLine, 'logEvidenceBad' | 'logEvidenceOk'> {
  if (evidence === undefined) return { logEvidenceBad: 0, logEvidenceOk: 0 };
  const vanished = evidence.traffic === undefined ? [] : [evidence.traffic.test.logE];
  return {
    logEvidenceBad: Math.max(...evidence.limits.map((one) => one.worse.logE), ...vanished),
    logEvidenceOk: Math.min(...evidence.limits.map((one) => one.within.logE)),
  };
}

function verdictOf(standing: Standing, run: RecordedRun, turn: RecordedTurn): ReplayVerdict {
  const { name, rules, evidence, earlier, owes } = standing;
  if (turn.stage === 'none') return acquits(name, run) ? 'continue' : earlier;
  const verdict = rules === undefined || evidence === undefined ? undefined : judgeMetrics(rules, evidence, turn.atMs);
  if (verdict?.kind === 'fail') return 'fail';
  if (!acquits(name, run)) return earlier;
  const { holdMs, deadlineMs } = timesOf(standing, run);
  const passes = idle.has(name) ? mayFlip(standing, run) : verdict?.kind === 'pass';
  if (passes && turn.stage === 'last' && turn.servedMs >= holdMs && !owes) return 'pass';
  return turn.stage !== 'busy' && turn.atMs >= deadlineMs ? 'inconclusive' : 'continue';
}

/** Of green without traffic nothing is measured: what its flip needs of the metrics is a stable that there will be a limit of. */
function mayFlip({ rules, evidence }: Standing, { flip }: RecordedRun): boolean {
  if (rules === undefined || evidence === undefined || flip === undefined) return false;
  const { stableErrors, stableRequests } = evidence.totals;
  return knowsBefore(rules, { errors: flip.errors + stableErrors, requests: flip.requests + stableRequests });
}

/** How long the new version must have served for a pass, and from when on there is none: the live phases' own times. */
function timesOf({ name, sinceMs }: Standing, { strategy, startedAtMs, spec, flip }: RecordedRun): { holdMs: number; deadlineMs: number } {
  const { minDurationMs, bakeMs, timeoutMs } = spec;
  if (idle.has(name)) return { holdMs: flip?.tested === true ? 0 : minDurationMs, deadlineMs: startedAtMs + timeoutMs };
  if (name === 'step' || name === 'pair-step') return { holdMs: minDurationMs, deadlineMs: startedAtMs + timeoutMs };
  if (strategy === 'canary') return { holdMs: bakeMs, deadlineMs: sinceMs + bakeMs + timeoutMs };
  const holdMs = Math.max(bakeMs, minDurationMs);
  const isDirect = strategy === 'rolling' || strategy === 'recreate';
  return { holdMs, deadlineMs: isDirect ? Math.max(startedAtMs + timeoutMs, sinceMs + holdMs) : sinceMs + holdMs + timeoutMs };
}
