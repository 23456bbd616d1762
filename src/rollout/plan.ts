import type { DeploymentFacts } from './deployment-facts.ts';
import type { MetricsRules } from './gates/metrics-gate.ts';
import type { Names } from './names.ts';
import { type PairPlan, planPair } from './pair-plan.ts';
import { planPairSteps } from './pair-share.ts';
import type { PlannedStep } from './replica-share.ts';
import { planSteps } from './replica-share.ts';
import type { ImageChange, ReleaseSpec } from './spec.ts';

/** All that is known before the first write: printable, and journalled with the state. Plain JSON. */
export type Plan = {
  readonly target: { readonly namespace: string; readonly deployment: string; readonly uid: string };
  readonly names: Names;
  readonly images: readonly ImageChange[];
  readonly templateHash: string;
  /** Replicas of the Deployment when the plan was made; the rollout follows the number of the moment. */
  readonly stableReplicas: number;
  readonly maxSurge: number;
  readonly halfAtMost: boolean;
  /** Whether the API server knows the preStop hook `sleep` (1.30 and later). */
  readonly sleepBeforeStop: boolean;
  readonly steps: readonly PlannedStep[];
  readonly spec: ReleaseSpec;
  /** Undefined: judged by readiness alone. */
  readonly rules: MetricsRules | undefined;
  readonly warnings: readonly string[];
  /** Undefined: the canary is a Deployment of ours. */
  readonly pair?: PairPlan | undefined;
};

export function planRelease(
  facts: DeploymentFacts,
  images: readonly ImageChange[],
  spec: ReleaseSpec,
  rules: MetricsRules | undefined,
  warnings: readonly string[],
): Plan {
  const pair = planPair(facts, images);
  const halfAtMost = facts.budgets !== undefined && facts.budgets.length > 0;
  return {
    target: { namespace: facts.namespace, deployment: facts.name, uid: facts.uid },
    names: facts.names,
    images,
    templateHash: facts.templateHash,
    stableReplicas: facts.replicas,
    maxSurge: facts.maxSurge,
    halfAtMost,
    sleepBeforeStop: facts.sleepBeforeStop,
    steps: pair === undefined ? planSteps(spec.steps, facts.replicas, halfAtMost) : planPairSteps(spec.steps, pair.total),
    spec,
    rules,
    warnings,
    ...(pair === undefined ? {} : { pair }),
  };
}
