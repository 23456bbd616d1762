import type { Names } from '../names.ts';
import type { JobFacts, ServiceFacts } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';

/** The Deployment of whose rollout another one may be the second of a pair; `seen`: its Job is there, and holds the label. */
export type FoundHolder = { readonly deployment: string; readonly seen: boolean };

/** The user's Deployment as somebody who comes from outside finds it. */
export type FoundDeployment = {
  readonly uid: string;
  /** Our label on it: the uid of a rollout's Job. Undefined where that is, or may be, another Deployment's. */
  readonly rollout: string | undefined;
  readonly heldBy?: FoundHolder | undefined;
  /** Whether managedFields hold an entry of ours. */
  readonly owned: boolean;
  readonly terminating: boolean;
  /** One sentence when it is not fully rolled out and available, undefined when it is. */
  readonly unhealthy: string | undefined;
  readonly desiredReplicas: number;
  readonly updatedReplicas: number;
  readonly availableReplicas: number;
  readonly images: readonly { readonly name: string; readonly image: string }[];
};

/** The Job of that name. Its journal is there only where it can be read and speaks of this very Deployment. */
export type FoundJob = {
  readonly facts: JobFacts;
  readonly ours: boolean;
  readonly createdAtMs: number | undefined;
  readonly journal: { readonly plan: Plan; readonly state: RolloutState } | undefined;
};

export type FoundCanary = {
  readonly uid: string;
  /** The uid of the Job that it was made for. */
  readonly rollout: string | undefined;
  readonly ours: boolean;
  readonly terminating: boolean;
  readonly desiredReplicas: number;
  readonly availableReplicas: number;
  readonly pods: readonly { readonly name: string; readonly ready: boolean }[];
};

/** What blue-green has made, and the Services of the user on which something of ours is. */
export type FoundBlueGreen = {
  /** The label by which the colours are told apart; empty texts where nobody knows. */
  readonly colours: { readonly key: string; readonly blue: string; readonly green: string };
  readonly green:
    | {
        readonly rollout: string | undefined;
        readonly ours: boolean;
        readonly terminating: boolean;
        readonly desiredReplicas: number;
        readonly availableReplicas: number;
      }
    | undefined;
  readonly preview: { readonly rollout: string | undefined; readonly ours: boolean } | undefined;
  readonly services: readonly ServiceFacts[];
};

/** The second Deployment of a pair, as far as its name was given. */
export type FoundSecond = {
  readonly name: string;
  readonly uid: string;
  /** Undefined where a rollout of its own holds it, too. */
  readonly rollout: string | undefined;
  readonly owned: boolean;
  readonly desiredReplicas: number;
};

/**
 * Everything of a rollout that is in the cluster, whoever made it. The Job was read last: a label or a canary whose Job is not there then
 * has lost it for good.
 */
export type Situation = {
  /** The API server's time. */
  readonly nowMs: number;
  readonly target: Plan['target'];
  readonly names: Names;
  readonly stable: FoundDeployment;
  readonly job: FoundJob | undefined;
  readonly canary: FoundCanary | undefined;
  readonly blueGreen?: FoundBlueGreen | undefined;
  readonly pair?: FoundSecond | undefined;
};
