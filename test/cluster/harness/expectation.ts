import type { KubernetesObject, ManagedFieldsEntry } from './shapes.ts';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I7' | 'I8';

export interface Expectation {
  /** Images by container that stand at the end; a container that is not named keeps the one that it had. */
  readonly images?: Readonly<Record<string, string>>;
  /** Images that may stand for a while: put back later, or a person's. */
  readonly passing?: Readonly<Record<string, readonly string[]>>;
  /** `none`, or the versions whose own answers may be errors. */
  readonly failures: 'none' | { readonly answersOf: readonly string[] };
  /** Blue-green: Services may lead to this value of this key for a while, and must lead to the old one at the end; with `stays` to this one. */
  readonly flips?: { readonly key: string; readonly green: string; readonly stays?: boolean };
  /** For how long all pods of a bad version may fail at once, after they were ready, before the Service leads to others. */
  readonly silenceMs?: number;
  /** Paths of the Deployment that the scenario's own person changed, as `spec.replicas`. */
  readonly personChanged?: readonly string[];
  /** Paths of the Deployment that the release configures beside images; the scenario itself looks at what stands at the end. */
  readonly configured?: readonly string[];
  /** What the scenario's own person breaks: no statement about us. */
  readonly exempt?: readonly Invariant[];
  /** Objects, as `deployments/web-canary`, that the scenario's own person has left. */
  readonly personLeft?: readonly string[];
}

/** How a namespace looked when everything stood and nobody was releasing yet. */
export interface Baseline {
  readonly atMs: number;
  readonly deployment: KubernetesObject;
  readonly service: KubernetesObject;
  readonly names: ReadonlySet<string>;
}

export function managersOf(object: KubernetesObject): ReadonlySet<string> {
  return new Set((object.metadata.managedFields ?? []).map((entry: ManagedFieldsEntry) => entry.manager));
}
