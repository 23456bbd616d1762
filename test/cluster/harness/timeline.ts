import type { KubernetesObject, Pod } from './shapes.ts';
import type { History, Seen } from './watcher.ts';

export const trackLabel = 'gated-rollout.github.io/track';
export const fenceLabel = 'gated-rollout.github.io/rollout';

export interface ReadySet {
  readonly atMs: number;
  readonly pods: ReadonlySet<string>;
}

/** The ready endpoints of a Service after each change. */
export function readyEndpoints(history: History, service: string): readonly ReadySet[] {
  const slices = new Map<string, readonly string[]>();
  const sets: ReadySet[] = [];
  for (const seen of history.endpointSlices) {
    if (seen.object.metadata.labels?.['kubernetes.io/service-name'] !== service) continue;
    const ready = (seen.object.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready === true)
      .map((endpoint) => endpoint.targetRef?.name ?? '?');
    if (seen.type === 'DELETED') slices.delete(seen.object.metadata.name);
    else slices.set(seen.object.metadata.name, ready);
    sets.push({ atMs: seen.atMs, pods: new Set([...slices.values()].flat()) });
  }
  return sets;
}

export interface ServingSpan {
  readonly fromMs: number;
  /** Undefined while one of them still serves. */
  readonly toMs: number | undefined;
}

export function servingSpan(history: History, service: string, isOne: (pod: string) => boolean): ServingSpan | undefined {
  let fromMs: number | undefined;
  let toMs: number | undefined;
  for (const set of readyEndpoints(history, service)) {
    const serves = [...set.pods].some(isOne);
    if (serves) {
      fromMs ??= set.atMs;
      toMs = undefined;
    } else if (fromMs !== undefined) {
      toMs ??= set.atMs;
    }
  }
  return fromMs === undefined ? undefined : { fromMs, toMs };
}

/** Spans in which a Service that had had a ready endpoint had none. */
export function silences(history: History, service: string): readonly { readonly fromMs: number; readonly toMs: number | undefined }[] {
  const spans: { fromMs: number; toMs: number | undefined }[] = [];
  let had = false;
  for (const set of readyEndpoints(history, service)) {
    const open = spans.at(-1);
    if (set.pods.size > 0) {
      had = true;
      if (open !== undefined) open.toMs ??= set.atMs;
    } else if (had && (open === undefined || open.toMs !== undefined)) {
      spans.push({ fromMs: set.atMs, toMs: undefined });
    }
  }
  return spans;
}

export function canaryPods(history: History): ReadonlySet<string> {
  return podsWhere(history, (pod) => pod.metadata.labels?.[trackLabel] === 'canary');
}

export function podsWithImage(history: History, image: string): ReadonlySet<string> {
  return podsWhere(history, (pod) => pod.spec.containers.some((container) => container.image === image));
}

function podsWhere(history: History, holds: (pod: Pod) => boolean): ReadonlySet<string> {
  return new Set(history.pods.filter((seen) => holds(seen.object)).map((seen) => seen.object.metadata.name));
}

/** The newest state of each object that still exists. */
export function present<T extends KubernetesObject>(events: readonly Seen<T>[]): readonly T[] {
  const objects = new Map<string, T>();
  for (const seen of events) {
    if (seen.type === 'DELETED') objects.delete(seen.object.metadata.uid);
    else objects.set(seen.object.metadata.uid, seen.object);
  }
  return [...objects.values()];
}

export function newest<T extends KubernetesObject>(events: readonly Seen<T>[], name: string): T | undefined {
  return present(events).find((object) => object.metadata.name === name);
}

export function readyCanaries(history: History, service: string): number {
  const canaries = canaryPods(history);
  return [...(readyEndpoints(history, service).at(-1)?.pods ?? [])].filter((pod) => canaries.has(pod)).length;
}

/** When the n-th of something was first seen, counted by its key. */
export function nthMoment<T>(events: readonly Seen<T>[], n: number, keysOf: (object: T) => readonly string[]): number | undefined {
  const keys = new Set<string>();
  for (const seen of events) {
    for (const key of keysOf(seen.object)) keys.add(key);
    if (keys.size >= n) return seen.atMs;
  }
  return undefined;
}
