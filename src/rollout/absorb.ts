import { isAvailable } from './availability.ts';
import { absorbReading, absorbUnavailable, fromFirstSight, startEvidence } from './gates/metrics-gate.ts';
import type { MetricsReading, Observation, WorkloadFacts } from './observation.ts';
import { keepsGreen } from './plan/kept-green-plan.ts';
import type { Plan } from './plan/plan.ts';
import type { RolloutState, Steadiness } from './state.ts';
import { judgedWorkload } from './strategies/judged-workload.ts';
import { lastWish } from './strategies/pair-view.ts';
import { absorbRoll } from './strategies/roll-watch.ts';
import { rulesInForce } from './strategies/rules-in-force.ts';

/** Folds what was observed into the state: how steady the judged pods are, and what the metrics say. Decides nothing. */
export function absorb(plan: Plan, before: RolloutState, observation: Observation): RolloutState {
  const state = absorbRoll(plan, before, observation);
  if (state.phase.kind === 'rolling') return { ...state, evidence: absorbMetrics(plan, state, observation) };
  const judged = judgedWorkload(plan, state, observation);
  if (judged === undefined) return state;
  const steady = absorbSteadiness(state, judged.workload, judged.replicas, observation.nowMs);
  return { ...steady, evidence: absorbMetrics(plan, steady, observation) };
}

function absorbSteadiness(state: RolloutState, canary: WorkloadFacts, replicas: number, nowMs: number): RolloutState {
  const before = state.steadiness;
  const scaled = before === undefined || before.replicas !== replicas;
  const available = isAvailable(canary, replicas);
  const restarts = restartsOf(canary);
  const broke = before?.wasAvailable === true && before.missingSinceMs === undefined && !available && !scaled;
  const unbroken = !broke && restarts <= state.restarts;
  return {
    ...state,
    steadiness: steadinessNow(scaled ? undefined : before, replicas, available, nowMs),
    servingSinceMs: state.servingSinceMs ?? (available ? nowMs : undefined),
    unbrokenSinceMs: available ? (unbroken ? (state.unbrokenSinceMs ?? nowMs) : nowMs) : unbroken ? state.unbrokenSinceMs : undefined,
    breaks: state.breaks + (broke ? 1 : 0),
    restarts,
  };
}

function steadinessNow(before: Steadiness | undefined, replicas: number, available: boolean, nowMs: number): Steadiness {
  return {
    replicas,
    availableSinceMs: available ? (before?.availableSinceMs ?? nowMs) : undefined,
    missingSinceMs: available ? undefined : (before?.missingSinceMs ?? nowMs),
    wasAvailable: available || (before?.wasAvailable ?? false),
  };
}

/** Restarts of living pods only: a pod that was replaced takes its count along. */
function restartsOf(workload: WorkloadFacts): number {
  return workload.pods.reduce((sum, pod) => sum + pod.containers.reduce((inner, container) => inner + container.restartCount, 0), 0);
}

function absorbMetrics(plan: Plan, state: RolloutState, observation: Observation): RolloutState['evidence'] {
  const rules = rulesInForce(plan, state);
  if (rules === undefined) return undefined;
  const evidence = state.evidence ?? startEvidence(rules);
  if (observation.metrics === undefined) return evidence;
  if (observation.metrics.kind === 'unavailable') {
    const { why, silent } = observation.metrics;
    return absorbUnavailable(evidence, why, observation.nowMs, silent);
  }
  const { reading } = observation.metrics;
  const begun = isOlder(plan) ? fromFirstSight(evidence, reading.canary) : evidence;
  return absorbReading(rules, begun, reading, observation.nowMs, trafficShare(plan, state, observation, reading));
}

/** Whether the judged pods may be older than this rollout: those of a green that the user keeps and that has the image already. */
export function isOlder(plan: Plan): boolean {
  return keepsGreen(plan) && plan.pair?.images.length === 0;
}

/**
 * The canary's part of the pods that answer requests, as a fraction: of its pods those that are ready and in the metrics, of stable all in
 * the metrics, so that it is rather too small. Undefined where it is not known.
 */
export function trafficShare(plan: Plan, state: RolloutState, observation: Observation, reading: MetricsReading): number | undefined {
  if (plan.rules?.minTraffic === undefined) return undefined;
  const answering = besideStable(state, observation).filter(
    (pod) => pod.ready && !pod.terminating && Object.hasOwn(reading.canary, pod.name),
  );
  const stable = Object.keys(reading.stable).length;
  return answering.length > 0 && stable > 0 ? answering.length / (answering.length + stable) : undefined;
}

/** The new version's pods that serve together with stable's. Of a pair only while neither is scaled: pods that come and go have no share. */
function besideStable({ phase }: RolloutState, { canary, stable, pair }: Observation): WorkloadFacts['pods'] {
  if (phase.kind === 'step') return canary?.pods ?? [];
  if ((phase.kind !== 'pair-step' && phase.kind !== 'pair-finishing') || stable === undefined || pair === undefined) return [];
  const wish = lastWish(phase);
  return isAvailable(stable, wish.old) && isAvailable(pair, wish.new) ? pair.pods : [];
}
