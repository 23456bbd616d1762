import type { Plan } from '../plan/plan.ts';
import type { ReleaseSpec } from '../spec.ts';
import type { Outcome } from '../verdict.ts';
import { cleaningColours, cleaningPair, leftRolloutsOfStrategies } from './left-colours.ts';
import type { Situation } from './situation.ts';

/** A plan of nothing but an end: for what a rollout has left whose own plan is gone. */
export function cleaningPlan(situation: Situation, spec: ReleaseSpec): Plan {
  const { target, names, stable } = situation;
  const blueGreen = cleaningColours(situation.blueGreen);
  const pair = cleaningPair(situation);
  return {
    target,
    names,
    images: [],
    templateHash: '',
    stableReplicas: stable.desiredReplicas,
    maxSurge: 0,
    halfAtMost: false,
    sleepBeforeStop: false,
    steps: [],
    spec,
    rules: undefined,
    warnings: [],
    ...(blueGreen === undefined ? {} : { blueGreen }),
    ...(pair === undefined ? {} : { pair }),
  };
}

/** The rollouts, by the uids of their Jobs, of which something is left; one of no Job where only our name in managedFields is. */
export function leftRollouts(situation: Situation): readonly string[] {
  const { canary, stable } = situation;
  const others = leftRolloutsOfStrategies(situation);
  const uids = [canary?.ours === true ? canary.rollout : undefined, ...others.uids, stable.rollout].filter((uid) => uid !== undefined);
  return uids.length === 0 && (stable.owned || others.owned) ? [''] : [...new Set(uids)];
}

export const cleanedOutcome: Outcome = {
  result: 'done',
  reason: 'reconciled',
  because: 'a rollout that is no more left this',
  evidence: [],
};
