import { isOlder, trafficShare } from './absorb.ts';
import { isAvailable } from './availability.ts';
import type { Decision } from './decision.ts';
import type { Before } from './gates/before-after.ts';
import type { JudgedSpec } from './gates/metrics-rules.ts';
import { unlessSilent } from './gates/silent-pods.ts';
import type { MetricsReading, Observation, StableFacts, WorkloadFacts } from './observation.ts';
import { imagesOn } from './phases/promoting.ts';
import { keepsGreen } from './plan/kept-green-plan.ts';
import { pairCountsFor } from './plan/pair-share.ts';
import type { Plan } from './plan/plan.ts';
import { canaryReplicasFor } from './plan/replica-share.ts';
import type { ReleaseSpec, Strategy } from './spec.ts';
import type { Phase, RolloutState } from './state.ts';
import { heldFor, stableCarries } from './strategies/canary.ts';
import { judgedWorkload } from './strategies/judged-workload.ts';
import { judgedGreen } from './strategies/kept-green-view.ts';
import { countsOf, isSame } from './strategies/pair-view.ts';
import { rulesInForce, stableSample } from './strategies/rules-in-force.ts';

/** What a recorded run was judged by. */
export type RecordedSpec = JudgedSpec & Pick<ReleaseSpec, 'minDurationMs' | 'bakeMs' | 'onInconclusive'>;

/** The first line of a recording. */
export type RecordedRun = {
  readonly kind: 'run';
  readonly version: 1;
  readonly startedAtMs: number;
  readonly strategy: Strategy;
  /** Whether stable was there to compare with. */
  readonly compare: boolean;
  /** Whether the new version's pods may be older than the run: what they had answered when they were first seen counts nothing. */
  readonly older?: boolean;
  /** Of blue-green, what else its flip depends on. Left out by earlier versions, of whose green without traffic a replay can only say `fail`. */
  readonly flip?: RecordedFlip;
  readonly spec: RecordedSpec;
};

/** Before the start stable had answered so much; `tested`: a smoke test stands for the shortest duration. */
export type RecordedFlip = Before & { readonly tested: boolean };

/** The phases in which metrics may decide something. */
export const recordedPhases = [
  'step',
  'pair-step',
  'pair-finishing',
  'rolling',
  'baking',
  'green',
  'kept-green',
  'flipping',
  'live',
  'updating',
] as const satisfies readonly Phase['kind'][];
export type RecordedPhaseName = (typeof recordedPhases)[number];

/** Where the judging changes; a recording that has none yet is in `step`. */
export type RecordedPhase = {
  readonly kind: 'phase';
  readonly name: RecordedPhaseName;
  /** When it began. */
  readonly atMs: number;
  /** Where stable has no traffic any more: what it had answered, which makes the limit of the evidence that begins anew. */
  readonly before?: Before | undefined;
};

/**
 * One turn of such a phase. `stage`: what the gates could decide in it. `none`: nothing; `busy`: a failure alone, as something else was due;
 * `step`: also that the time is up; `last`: also that the new version passes.
 */
export type RecordedTurn = {
  readonly kind: 'turn';
  readonly atMs: number;
  readonly stage: 'none' | 'busy' | 'step' | 'last';
  /** How long the new version had served; once it has all of the traffic, since then; before any of it reaches green, without a break. */
  readonly servedMs: number;
  readonly share?: number | undefined;
  /** Left out: none was read. */
  readonly metrics?: MetricsReading | 'same' | 'unavailable' | undefined;
};

/** What the turn before has decided did not come about, as the Job did not take it: the gates were asked again. */
export type RecordedUndone = { readonly kind: 'undone'; readonly atMs: number };

export type Recording = { readonly run: RecordedRun; readonly lines: readonly (RecordedPhase | RecordedTurn | RecordedUndone)[] };

/** The first line for a plan; undefined where no metrics judge. */
export function recordedRun(plan: Plan, state: RolloutState): RecordedRun | undefined {
  if (plan.rules === undefined) return undefined;
  const { maxErrorIncrease, maxErrorRate, maxSlow, minTraffic, errorBudget, dispersion } = plan.spec;
  const { timeoutMs, minDurationMs, bakeMs, onInconclusive } = plan.spec;
  const limits = { maxErrorIncrease, maxErrorRate, maxSlow, minTraffic, errorBudget, dispersion };
  return {
    kind: 'run',
    version: 1,
    startedAtMs: state.startedAtMs,
    strategy: plan.spec.strategy,
    compare: plan.rules.limits.some((limit) => limit.ratio > 0),
    ...(isOlder(plan) ? { older: true } : {}),
    ...(plan.spec.strategy === 'blue-green' ? { flip: flipOf(plan) } : {}),
    spec: { ...limits, timeoutMs, minDurationMs, bakeMs, onInconclusive },
  };
}

function flipOf(plan: Plan): RecordedFlip {
  return { ...stableSample(plan, { evidence: undefined }), tested: plan.spec.smokeTest !== undefined };
}

/** The line of the state's phase; undefined where metrics decide nothing. */
export function recordedPhase({ phase, before }: RolloutState): RecordedPhase | undefined {
  const name = recordedPhases.find((kind) => kind === phase.kind);
  return name === undefined ? undefined : { kind: 'phase', name, atMs: phase.sinceMs, before };
}

/** The line of one turn: `state` is the one that absorbed the observation; undefined where it absorbed no metrics. */
export function recordedTurn(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): RecordedTurn | undefined {
  const { phase } = state;
  const { nowMs, metrics } = observation;
  if (recordedPhase(state) === undefined) return undefined;
  if (phase.kind !== 'rolling' && judgedWorkload(plan, state, observation) === undefined) return undefined;
  const reading = metrics?.kind === 'reading' ? { canary: metrics.reading.canary, stable: metrics.reading.stable } : undefined;
  return {
    kind: 'turn',
    atMs: nowMs,
    stage: stageOf(plan, state, observation, decision),
    servedMs: nowMs - (servesSinceMs(state) ?? nowMs),
    share: reading === undefined ? undefined : trafficShare(plan, state, observation, reading),
    metrics: reading ?? (metrics === undefined ? undefined : 'unavailable'),
  };
}

function servesSinceMs({ phase, servingSinceMs, unbrokenSinceMs }: RolloutState): number | undefined {
  if (phase.kind === 'baking' || phase.kind === 'live') return phase.sinceMs;
  return phase.kind === 'green' || phase.kind === 'kept-green' ? unbrokenSinceMs : servingSinceMs;
}

function stageOf(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): RecordedTurn['stage'] {
  const { phase } = state;
  const { stable, canary, pair, blueGreen } = observation;
  if (stable === undefined || (phase.kind === 'rolling' && imagesOn(plan, stable) !== 'new')) return 'none';
  // A heartbeat, or the next step.
  if (decision.kind === 'apply' || (decision.kind === 'advance' && decision.to.phase.kind === phase.kind)) return 'busy';
  switch (phase.kind) {
    case 'green':
    case 'kept-green':
      return stageOfGreen(plan, state, observation, stable);
    case 'baking':
      return isAvailable(stable, stable.desiredReplicas) && answers(plan, state, stable) ? 'last' : 'step';
    case 'live': {
      const green = keepsGreen(plan) ? pair : blueGreen?.green;
      return stableCarries(plan, stable) && answers(plan, state, green) ? 'last' : 'step';
    }
    case 'step': {
      const replicas = canaryReplicasFor(stable.desiredReplicas, weightOf(plan, phase), plan.halfAtMost);
      return canary !== undefined && isAvailable(canary, replicas) ? stageOfStep(plan, state, phase, observation) : 'busy';
    }
    case 'pair-step': {
      const target = pairCountsFor(plan.pair?.total ?? 0, weightOf(plan, phase));
      const arrived = pair !== undefined && isSame(countsOf(stable, pair), target) && isAvailable(pair, target.new);
      return arrived ? stageOfStep(plan, state, phase, { ...observation, canary: pair }) : 'busy';
    }
    default:
      return 'busy';
  }
}

type AnyStep = Extract<Phase, { kind: 'step' | 'pair-step' }>;

function weightOf({ steps }: Plan, { index }: AnyStep): number {
  return steps[index]?.weightPercent ?? 0;
}

/** Of a step whose pods are all there. */
function stageOfStep(plan: Plan, state: RolloutState, phase: AnyStep, { stable, canary, nowMs }: Observation): 'step' | 'last' {
  const isLast = phase.index === plan.steps.length - 1;
  const isHeld = heldFor(state, phase, nowMs) >= (plan.steps[phase.index]?.holdMs ?? 0);
  return isLast && isHeld && answers(plan, state, canary) && stable !== undefined && stableCarries(plan, stable) ? 'last' : 'step';
}

/** Of green before any user reaches it: what its flip waits for beside the time and what the metrics count. */
function stageOfGreen(plan: Plan, state: RolloutState, observation: Observation, stable: StableFacts): 'busy' | 'step' | 'last' {
  const green = judgedGreen(plan, observation);
  const isBuilt = green !== undefined && isAvailable(green, green.desiredReplicas) && observation.blueGreen?.preview !== undefined;
  const isTested = plan.spec.smokeTest === undefined || state.smoke?.kind === 'passed';
  if (!isBuilt || !isTested) return 'busy';
  return stableCarries(plan, stable) && answers(plan, state, green) ? 'last' : 'step';
}

/** Whether a pass of the metrics would be one: those of every ready pod are there. */
function answers(plan: Plan, state: RolloutState, judged: WorkloadFacts | undefined): boolean {
  return unlessSilent({ kind: 'pass', because: '' }, rulesInForce(plan, state), state.evidence, judged).kind === 'pass';
}
