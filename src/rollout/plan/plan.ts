import type { ChangeCause, FieldChange } from '../configuration/field-change.ts';
import type { Before } from '../gates/before-after.ts';
import type { MetricsRules } from '../gates/metrics-gate.ts';
import type { Names } from '../names.ts';
import type { ImageChange, ReleaseSpec } from '../spec.ts';
import type { BlueGreenPlan } from './blue-green-plan.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import { type PairPlan, planPair } from './pair-plan.ts';
import { planPairSteps } from './pair-share.ts';
import type { PlannedStep } from './replica-share.ts';
import { planSteps } from './replica-share.ts';
import { planTrial, type Trial } from './trial.ts';

/** All that is known before the first write: printable, and journalled with the state. Plain JSON. */
export type Plan = {
  readonly target: { readonly namespace: string; readonly deployment: string; readonly uid: string };
  readonly names: Names;
  readonly images: readonly ImageChange[];
  /** Fields of the pod template that change beside the images: variables, references to ConfigMaps. */
  readonly configuration?: readonly FieldChange[];
  /** Versions of ConfigMaps that must be there before anything refers to them. */
  readonly configMaps?: readonly ConfigMapVersion[];
  /** Undefined: the annotation is left alone. */
  readonly changeCause?: ChangeCause;
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
  /** Of a rollback: the revision whose images these are. */
  readonly toRevision?: number;
  /** The fewest pods that the user's own strategy lets be available. */
  readonly minAvailable?: number;
  /** What stable answered in the preflight's look at its metrics. */
  readonly stableSample?: Before | undefined;
  /** The pod that is tried before a recreation. */
  readonly trial?: Trial | undefined;
  /** Undefined for every other strategy. */
  readonly blueGreen?: BlueGreenPlan | undefined;
  /** Undefined: the canary is a Deployment of ours. */
  readonly pair?: PairPlan | undefined;
};

/** A ConfigMap as one release has it: never changed, named by its content. */
export type ConfigMapVersion = {
  /** The name in the repository and in manifests. */
  readonly source: string;
  /** `<source>-<hash>`. */
  readonly name: string;
};

/** What a plan has beside images, where there is any. */
export type PlannedConfiguration = Pick<Plan, 'configuration' | 'configMaps' | 'changeCause'>;

export function planRelease(
  facts: DeploymentFacts,
  images: readonly ImageChange[],
  spec: ReleaseSpec,
  rules: MetricsRules | undefined,
  warnings: readonly string[],
  configuration: PlannedConfiguration = {},
): Plan {
  const pair = planPair(facts, images);
  const halfAtMost = facts.budgets !== undefined && facts.budgets.length > 0;
  return {
    target: { namespace: facts.namespace, deployment: facts.name, uid: facts.uid },
    names: pair === undefined || spec.strategy !== 'blue-green' ? facts.names : { ...facts.names, green: pair.name },
    images,
    ...configuration,
    templateHash: facts.templateHash,
    stableReplicas: facts.replicas,
    maxSurge: facts.maxSurge,
    halfAtMost,
    sleepBeforeStop: facts.sleepBeforeStop,
    steps: plannedSteps(facts, spec, pair, halfAtMost),
    spec,
    rules: namedRules(rules, spec),
    minAvailable: facts.minAvailable,
    stableSample: undefined,
    trial: planTrial(facts, spec),
    warnings: [...warnings, ...(facts.blueGreen?.kind === 'colours' ? facts.blueGreen.warnings : [])],
    ...(facts.blueGreen?.kind === 'colours' ? { blueGreen: facts.blueGreen.plan } : {}),
    ...(pair === undefined ? {} : { pair }),
  };
}

/** The judged pods of a canary are called that, whoever keeps them. */
function namedRules(rules: MetricsRules | undefined, { strategy }: ReleaseSpec): MetricsRules | undefined {
  if (rules === undefined || strategy === 'canary') return rules;
  return { ...rules, judged: strategy === 'blue-green' ? 'green' : 'new version' };
}

function plannedSteps(facts: DeploymentFacts, spec: ReleaseSpec, pair: PairPlan | undefined, halfAtMost: boolean): Plan['steps'] {
  if (spec.strategy === 'blue-green') return [];
  return pair === undefined ? planSteps(spec.steps, facts.replicas, halfAtMost) : planPairSteps(spec.steps, pair.total);
}
