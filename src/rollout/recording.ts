import { trafficShare } from './absorb.ts';
import { isAvailable } from './availability.ts';
import type { Decision } from './decision.ts';
import {
  absorbReading,
  absorbUnavailable,
  judgeMetrics,
  type MetricsEvidence,
  type MetricsRules,
  startEvidence,
} from './gates/metrics-gate.ts';
import { type JudgedSpec, rulesFor } from './gates/metrics-rules.ts';
import type { ReplayLine, ReplayVerdict } from './gates/replay-batches.ts';
import type { MetricsReading, Observation } from './observation.ts';
import type { Plan } from './plan.ts';
import { canaryReplicasFor } from './replica-share.ts';
import type { RolloutState } from './state.ts';
import { heldFor, stableCarries } from './strategies/canary.ts';

/** What a recorded run was judged by. */
export type RecordedSpec = JudgedSpec & { readonly minDurationMs: number };

/** The first line of a recording. */
export type RecordedRun = {
  readonly kind: 'run';
  readonly version: 1;
  readonly startedAtMs: number;
  /** Whether stable was there to compare with. */
  readonly compare: boolean;
  readonly spec: RecordedSpec;
};

/**
 * One turn of a step. `stage`: what the gates could decide in it besides a failure. `busy`: nothing, as something else was due; `step`: that
 * the time is up; `last`: also that the canary passes.
 */
export type RecordedTurn = {
  readonly kind: 'turn';
  readonly atMs: number;
  readonly stage: 'busy' | 'step' | 'last';
  /** How long the canary had served. */
  readonly servedMs: number;
  readonly share?: number | undefined;
  /** Left out: none was read. */
  readonly metrics?: MetricsReading | 'same' | 'unavailable' | undefined;
};

export type Recording = { readonly run: RecordedRun; readonly turns: readonly RecordedTurn[] };

/** The first line for a plan; undefined where no metrics judge, or not by a comparison in steps. */
export function recordedRun(plan: Plan, state: RolloutState): RecordedRun | undefined {
  if (plan.rules === undefined || plan.spec.strategy !== 'canary' || plan.pair !== undefined) return undefined;
  const { maxErrorIncrease, maxErrorRate, maxSlow, minTraffic, errorBudget, dispersion, timeoutMs, minDurationMs } = plan.spec;
  return {
    kind: 'run',
    version: 1,
    startedAtMs: state.startedAtMs,
    compare: plan.rules.limits.some((limit) => limit.ratio > 0),
    spec: { maxErrorIncrease, maxErrorRate, maxSlow, minTraffic, errorBudget, dispersion, timeoutMs, minDurationMs },
  };
}

/** The line of one turn: `state` is the one that absorbed the observation; undefined where no step is under way. */
export function recordedTurn(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): RecordedTurn | undefined {
  const { nowMs, metrics, canary, stable } = observation;
  if (state.phase.kind !== 'step' || canary === undefined || stable === undefined) return undefined;
  const reading = metrics?.kind === 'reading' ? metrics.reading : undefined;
  return {
    kind: 'turn',
    atMs: nowMs,
    stage: stageOf(plan, state, observation, decision),
    servedMs: nowMs - (state.servingSinceMs ?? nowMs),
    share: reading === undefined ? undefined : trafficShare(plan, canary, reading),
    metrics: reading ?? (metrics === undefined ? undefined : 'unavailable'),
  };
}

function stageOf(plan: Plan, state: RolloutState, { canary, stable, nowMs }: Observation, decision: Decision): RecordedTurn['stage'] {
  const { phase } = state;
  if (phase.kind !== 'step' || canary === undefined || stable === undefined || decision.kind === 'apply') return 'busy';
  // A heartbeat, or the next step.
  if (decision.kind === 'advance' && decision.to.phase.kind === 'step') return 'busy';
  const step = plan.steps[phase.index];
  if (!isAvailable(canary, canaryReplicasFor(stable.desiredReplicas, step?.weightPercent ?? 0, plan.halfAtMost))) return 'busy';
  const isLast = phase.index === plan.steps.length - 1;
  return isLast && heldFor(state, phase, nowMs) >= (step?.holdMs ?? 0) && stableCarries(plan, stable) ? 'last' : 'step';
}

/** The rules of a recording; undefined where these settings leave no limit. */
export function recordedRules({ compare, spec }: Pick<RecordedRun, 'compare' | 'spec'>): MetricsRules | undefined {
  return rulesFor({ compare, spec });
}

/** One line for each turn: what the live gate says of the recorded readings. From the first verdict on, its line is repeated. */
export function replayRecording(rules: MetricsRules, { run, turns }: Recording): readonly ReplayLine[] {
  const lines: ReplayLine[] = [];
  let evidence = startEvidence(rules);
  let reading: MetricsReading | undefined;
  for (const turn of turns) {
    const decided = lines.at(-1);
    if (decided !== undefined && decided.verdict !== 'continue') {
      lines.push(decided);
      continue;
    }
    if (typeof turn.metrics === 'object') reading = turn.metrics;
    if (turn.metrics === 'unavailable') evidence = absorbUnavailable(evidence, 'recorded as unavailable', turn.atMs);
    else if (turn.metrics !== undefined && reading !== undefined) evidence = absorbReading(rules, evidence, reading, turn.atMs, turn.share);
    lines.push({ ...evidenceNats(evidence), verdict: verdictOf(rules, evidence, run, turn) });
  }
  return lines;
}

/** The most evidence that a limit is broken, and the least that one is kept, in nats. */
export function evidenceNats(evidence: MetricsEvidence): Pick<ReplayLine, 'logEvidenceBad' | 'logEvidenceOk'> {
  const vanished = evidence.traffic === undefined ? [] : [evidence.traffic.test.logE];
  return {
    logEvidenceBad: Math.max(...evidence.limits.map((one) => one.worse.logE), ...vanished),
    logEvidenceOk: Math.min(...evidence.limits.map((one) => one.within.logE)),
  };
}

function verdictOf(rules: MetricsRules, evidence: MetricsEvidence, run: RecordedRun, turn: RecordedTurn): ReplayVerdict {
  const verdict = judgeMetrics(rules, evidence, turn.atMs);
  if (verdict.kind === 'fail') return 'fail';
  if (verdict.kind === 'pass' && turn.stage === 'last' && turn.servedMs >= run.spec.minDurationMs) return 'pass';
  return turn.stage !== 'busy' && turn.atMs - run.startedAtMs >= run.spec.timeoutMs ? 'inconclusive' : 'continue';
}
