import type { Deployment, IntOrPercent, ReplicaSet } from './objects.ts';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Surge rounds up, unavailability rounds down; both at 0 would never move, so one pod may then be missing. */
export function fencepostsOf(deployment: Deployment): Fenceposts {
  const { replicas, strategy } = deployment.spec;
  if (strategy.type === 'Recreate' || strategy.rollingUpdate === undefined) return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = resolve(strategy.rollingUpdate.maxSurge, replicas, Math.ceil);
  const maxUnavailable = resolve(strategy.rollingUpdate.maxUnavailable, replicas, Math.floor);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : Math.min(maxUnavailable, replicas) };
}

export function resolve(value: IntOrPercent, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  return value.endsWith('%') ? round((Number(value.slice(0, -1)) * total) / 100) : Number(value);
}

export function specReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + set.spec.replicas, 0);
}

function available(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
}

export function newReplicas(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const { replicas, strategy } = deployment.spec;
  if (strategy.type === 'Recreate') return replicas;
  const room = replicas + fencepostsOf(deployment).maxSurge - specReplicas(all);
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

/** The sizes that the old ReplicaSets get now, by name; only those that shrink. `old` in the order of creation. */
export function shrunkOld(deployment: Deployment, old: readonly ReplicaSet[], fresh: ReplicaSet): Map<string, number> {
  const sizes = new Map<string, number>();
  const minAvailable = deployment.spec.replicas - fencepostsOf(deployment).maxUnavailable;
  const freshUnavailable = fresh.spec.replicas - (fresh.status?.availableReplicas ?? 0);
  let room = specReplicas([...old, fresh]) - minAvailable - freshUnavailable;
  const sizeOf = (set: ReplicaSet) => sizes.get(set.metadata.name) ?? set.spec.replicas;
  if (room <= 0) return sizes;
  for (const set of old) {
    const unhealthy = Math.min(room, set.spec.replicas - (set.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) continue;
    room -= unhealthy;
    sizes.set(set.metadata.name, set.spec.replicas - unhealthy);
  }
  let surplus = available([...old, fresh]) - minAvailable;
  for (const set of old) {
    const fewer = Math.min(sizeOf(set), surplus);
    if (fewer <= 0) continue;
    surplus -= fewer;
    sizes.set(set.metadata.name, sizeOf(set) - fewer);
  }
  return sizes;
}

/** A change of `spec.replicas` in the middle of a rollout is shared out by the sizes that the ReplicaSets have. */
export function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): Map<string, number> {
  const { replicas } = deployment.spec;
  const maxTotal = replicas > 0 ? replicas + fencepostsOf(deployment).maxSurge : 0;
  const toAdd = maxTotal - specReplicas(sets);
  const sorted = [...sets].sort((a, b) => b.spec.replicas - a.spec.replicas || (toAdd > 0 ? newer(a, b) : -newer(a, b)));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const set of sorted) {
    const share = toAdd === 0 ? 0 : proportionOf(deployment, set, maxTotal, toAdd, added);
    sizes.set(set.metadata.name, set.spec.replicas + share);
    added += share;
  }
  const first = sorted[0]?.metadata.name;
  if (first !== undefined && toAdd !== 0) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

function newer(a: ReplicaSet, b: ReplicaSet): number {
  return Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp);
}

function proportionOf(deployment: Deployment, set: ReplicaSet, maxTotal: number, toAdd: number, added: number): number {
  if (set.spec.replicas === 0 || toAdd === added) return 0;
  const allowed = toAdd - added;
  const fraction = fractionOf(deployment, set, maxTotal);
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(deployment: Deployment, set: ReplicaSet, maxTotal: number): number {
  if (deployment.spec.replicas === 0) return -set.spec.replicas;
  const before = Number(set.metadata.annotations?.[MAX_REPLICAS] ?? deployment.status?.replicas ?? maxTotal);
  return Math.round((set.spec.replicas * maxTotal) / (before === 0 ? maxTotal : before)) - set.spec.replicas;
}
