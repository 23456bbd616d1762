import type { Decision } from '../decision.ts';
import { advance } from '../heartbeat.ts';
import type { ConfigMapFacts, Observation } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';

const pollMs = 200;
/** Collecting takes the garbage collector tenths of a second. */
const collectorMs = 5_000;
/** Pruning is tidiness: it must not keep a rollout from its end. */
const pruningMs = 30_000;
const rejectionsMax = 3;

/**
 * Holds a decision back until the ConfigMaps allow it, whatever the strategy: nothing may refer to a version that is not there, what outlives
 * the Job must not be owned by it, and what nothing refers to any more goes with the Job.
 */
export function guardConfigMaps(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): Decision {
  if (plan.configMaps === undefined || plan.configMaps.length === 0) return decision;
  if (state.phase.kind === 'fencing' && decision.kind === 'advance' && isLeavingFence(decision)) {
    const absent = missing(plan, state, observation);
    if (absent.length === 0) return decision;
    if (absent.every((name) => found(observation, name)?.terminating === true)) {
      return {
        kind: 'wait',
        ms: pollMs,
        because: `waiting until the leftover ${absent.map((name) => `ConfigMap ${name}`).join(', ')} is gone`,
      };
    }
    return { kind: 'apply', command: { kind: 'ensure-config-maps' }, because: 'the pods of the new version refer to it' };
  }
  if (decision.kind === 'apply' && decision.command.kind === 'ensure-promoted') return beforePromotion(plan, state, observation, decision);
  if (decision.kind === 'apply' && decision.command.kind === 'ensure-green-kept')
    return beforeGreenIsKept(plan, state, observation, decision);
  if (state.phase.kind === 'ending') return atTheEnd(plan, state, observation, decision, state.phase.sinceMs);
  return decision;
}

function isLeavingFence({ to }: Extract<Decision, { kind: 'advance' }>): boolean {
  return to.phase.kind !== 'fencing' && to.phase.kind !== 'ending';
}

/** A promotion is refused by nobody where its ConfigMap is gone: its pods would not start. */
function beforePromotion(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): Decision {
  const [lost] = missing(plan, state, observation);
  if (lost !== undefined) {
    const because = `somebody deleted the ConfigMap ${lost} during the rollout`;
    const outcome = { result: 'rolled-back', reason: 'changed-by-others', because, evidence: [] } as const;
    return advance(state, { kind: 'reverting', sinceMs: observation.nowMs, outcome }, observation.nowMs, because);
  }
  if (isKept(plan, observation)) return decision;
  return {
    kind: 'apply',
    command: { kind: 'ensure-config-maps-kept' },
    because: 'the Deployment is about to refer to it, and outlives the Job',
  };
}

/** Green outlives the Job from here on, and what its pods refer to with it. Where that is gone already, the promotion says so. */
function beforeGreenIsKept(plan: Plan, state: RolloutState, observation: Observation, decision: Decision): Decision {
  if (missing(plan, state, observation).length > 0 || isKept(plan, observation)) return decision;
  return { kind: 'apply', command: { kind: 'ensure-config-maps-kept' }, because: 'green refers to it, and outlives the Job' };
}

function isKept(plan: Plan, observation: Observation): boolean {
  return (plan.configMaps ?? []).every(({ name }) => isOwnedBy(found(observation, name), plan.target.uid));
}

function atTheEnd(plan: Plan, state: RolloutState, observation: Observation, decision: Decision, sinceMs: number): Decision {
  const elapsedMs = observation.nowMs - sinceMs;
  if (decision.kind === 'apply' && decision.command.kind === 'ensure-job-deleted') {
    const refused = (observation.rejection?.times ?? 0) >= rejectionsMax;
    if (prunable(plan, observation).length === 0 || refused || elapsedMs > pruningMs || observation.job?.over !== undefined)
      return decision;
    return {
      kind: 'apply',
      command: { kind: 'ensure-config-maps-pruned' },
      because: 'nothing refers to it any more, and the Job takes it along',
    };
  }
  // Ours that the garbage collector is about to take are not left over.
  const goes = unreferred(plan, observation).some((version) => version.terminating || isOwnedBy(version, state.jobUid));
  if (decision.kind === 'finish' && goes && elapsedMs <= collectorMs) {
    return { kind: 'wait', ms: pollMs, because: 'waiting until the ConfigMaps of this rollout are gone' };
  }
  return decision;
}

/** Versions of the plan that are not there for the pods to use: absent, going, or left by a rollout that is over. */
export function missing(plan: Plan, state: RolloutState, observation: Observation): readonly string[] {
  return (plan.configMaps ?? [])
    .map(({ name }) => name)
    .filter((name) => {
      const version = found(observation, name);
      if (version === undefined || version.terminating) return true;
      return !isOwnedBy(version, state.jobUid) && !isOwnedBy(version, plan.target.uid);
    });
}

/** Versions that nothing refers to, of this and of earlier releases, and that are not on their way out. */
export function prunable(plan: Plan, observation: Observation): readonly ConfigMapFacts[] {
  return unreferred(plan, observation).filter((version) => {
    return !version.terminating && (version.owners.length === 0 || isOwnedBy(version, plan.target.uid));
  });
}

/** Versions that neither the Deployment nor one of its ReplicaSets names. None where the Deployment is gone: all of them go with it. */
export function unreferred(plan: Plan, { stable, configMaps, blueGreen }: Observation): readonly ConfigMapFacts[] {
  if (stable === undefined || stable.terminating || stable.uid !== plan.target.uid) return [];
  // Green has a template of its own, and names them for as long as it is there.
  const ofGreen = blueGreen?.green === undefined ? [] : (plan.configMaps ?? []).map(({ name }) => name);
  return (configMaps ?? []).filter((version) => !version.referred && !ofGreen.includes(version.name));
}

function found({ configMaps }: Observation, name: string): ConfigMapFacts | undefined {
  return configMaps?.find((version) => version.name === name);
}

function isOwnedBy(version: ConfigMapFacts | undefined, uid: string): boolean {
  return version?.owners.length === 1 && version.owners[0] === uid;
}
