import type { DeploymentFacts } from './deployment-facts.ts';
import type { ChangeCause, FieldChange } from './field-change.ts';
import type { MetricsRules } from './gates/metrics-gate.ts';
import type { Names } from './names.ts';
import type { PlannedStep } from './replica-share.ts';
import { planSteps } from './replica-share.ts';
import type { ImageChange, ReleaseSpec } from './spec.ts';

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
  const halfAtMost = facts.budgets !== undefined && facts.budgets.length > 0;
  return {
    target: { namespace: facts.namespace, deployment: facts.name, uid: facts.uid },
    names: facts.names,
    images,
    ...configuration,
    templateHash: facts.templateHash,
    stableReplicas: facts.replicas,
    maxSurge: facts.maxSurge,
    halfAtMost,
    sleepBeforeStop: facts.sleepBeforeStop,
    steps: planSteps(spec.steps, facts.replicas, halfAtMost),
    spec,
    rules,
    warnings,
  };
}
