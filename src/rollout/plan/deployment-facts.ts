import type { Names } from '../names.ts';
import type { Colours } from './blue-green-plan.ts';
import type { PairFacts } from './pair-plan.ts';
import type { QuotaRoom } from './room.ts';

/** What preflight has read of the Deployment and of what stands around it. */
export type DeploymentFacts = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly names: Names;
  readonly replicas: number;
  readonly minAvailable: number;
  /** Pods that the user's maxSurge allows above `replicas` during the promotion. */
  readonly maxSurge: number;
  readonly paused: boolean;
  readonly strategyType: string;
  /** One sentence when it is not fully rolled out and available, undefined when it is. */
  readonly unhealthy: string | undefined;
  /** With `init`: an init container or a native sidecar. */
  readonly containers: readonly { readonly name: string; readonly image: string; readonly init?: true }[];
  readonly templateHash: string;
  readonly carriesTrackLabel: boolean;
  /** The fence that was found on it. */
  readonly rollout: string | undefined;
  /** The Deployment in whose rollout it is the second of a pair at this moment. */
  readonly secondOf?: string | undefined;
  readonly hostPorts: readonly number[];
  /** Volumes that one node alone may mount, each with the reason. */
  readonly exclusiveVolumes: readonly string[];
  /** Required anti-affinity by which a canary pod would take a stable pod's place. */
  readonly repelsItself: boolean;
  /** Whether the API server knows the preStop hook `sleep`. */
  readonly sleepBeforeStop: boolean;
  /** Services whose selector matches the pods. */
  readonly services: readonly string[];
  /** Disruption budgets over the pods; undefined when we may not list them. */
  readonly budgets: readonly string[] | undefined;
  /** Labels of the pods' template, changed so that no Service selects them: what a trial pod carries. */
  readonly detachedLabels?: Readonly<Record<string, string>>;
  /** What the namespace's quotas have left; undefined where we may not look. */
  readonly room?: readonly QuotaRoom[] | undefined;
  /** Topology spread constraints that a pod must keep. */
  readonly mustSpread?: boolean;
  /** Objects that bear one of our names. */
  readonly namesakes: readonly Namesake[];
  /** By which label the Services can tell two colours apart; undefined for every other strategy. */
  readonly blueGreen?: Colours | undefined;
  /** Undefined: no pair is asked for. */
  readonly pair?: PairFacts | undefined;
};

export type Namesake = {
  readonly kind: 'Job' | 'Deployment' | 'Service' | 'ConfigMap';
  readonly name: string;
  readonly uid: string;
  /** Whether it carries our labels for this Deployment. */
  readonly ours: boolean;
  readonly terminating: boolean;
  /** Of a Job of ours: who holds it. */
  readonly heldBy: string | undefined;
};
