import type { ImageChange } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import type { PairCounts } from './pair-share.ts';

/** What preflight has read of the second Deployment of a pair that the user keeps. */
export type PairFacts = {
  readonly name: string;
  /** Undefined: there is no such Deployment. */
  readonly found:
    | {
        readonly uid: string;
        readonly replicas: number;
        readonly paused: boolean;
        /** One sentence when it is not fully rolled out and available. */
        readonly unhealthy: string | undefined;
        readonly containers: readonly { readonly name: string; readonly image: string }[];
        readonly templateHash: string;
        /** The fence that was found on it. */
        readonly rollout: string | undefined;
      }
    | undefined;
  /** Services that select the pods of both. */
  readonly commonServices: readonly string[];
  /** Whether the selector of one matches the pods of the other: they would take one another's pods. */
  readonly overlaps: boolean;
  /** HorizontalPodAutoscalers of either, in words; undefined where we may not list them. */
  readonly autoscalers: readonly string[] | undefined;
  /** Who releases the second Deployment at this moment; undefined: nobody. */
  readonly heldBy: string | undefined;
};

/** The pair as the release found it, and within which bounds its replicas may move. Journalled: whoever continues restores this. */
export type PairPlan = {
  readonly name: string;
  readonly uid: string;
  /** What the second Deployment gets; `from` is what it had. Empty where it has the image already. */
  readonly images: readonly ImageChange[];
  readonly templateHash: string;
  readonly found: PairCounts;
  readonly total: number;
  /** Pods of both that stay available whatever happens: total − maxUnavailable of the first Deployment, and one at least. */
  readonly minAvailable: number;
  /** Pods of both that are asked for at most on the way forward. */
  readonly maxTotal: number;
  /** The fences that were found, of rollouts that are over. */
  readonly fences: { readonly old: string | undefined; readonly new: string | undefined };
};

/** The pair's part of the plan; undefined where there is no pair. */
export function planPair(facts: DeploymentFacts, images: readonly ImageChange[]): PairPlan | undefined {
  const { pair } = facts;
  if (pair?.found === undefined) return undefined;
  const { found } = pair;
  const total = facts.replicas + found.replicas;
  return {
    name: pair.name,
    uid: found.uid,
    images: imagesOfPair(found.containers, images),
    templateHash: found.templateHash,
    found: { old: facts.replicas, new: found.replicas },
    total,
    minAvailable: Math.max(1, total - Math.max(0, facts.replicas - facts.minAvailable)),
    // Up before down needs room for one pod at least, whatever maxSurge says.
    maxTotal: total + Math.max(1, facts.maxSurge),
    fences: { old: facts.rollout, new: found.rollout },
  };
}

/** The same images for the second Deployment, by the names of its containers; those that it has already are left out. */
function imagesOfPair(
  containers: readonly { readonly name: string; readonly image: string }[],
  images: readonly ImageChange[],
): readonly ImageChange[] {
  return images.flatMap(({ container, to }) => {
    const index = containers.findIndex(({ name }) => name === container);
    const from = containers[index]?.image;
    return from === undefined || from === to ? [] : [{ container, index, from, to }];
  });
}
