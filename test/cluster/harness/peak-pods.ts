import type { Pod } from './shapes.ts';
import type { Seen } from './watcher.ts';

/**
 * The largest number of the application's pods that existed at one instant since `fromMs`: those of ReplicaSets, so neither the clients' pod nor one run by hand.
 * Pending ones count. Ended ones (`Succeeded`, `Failed`) do not, and neither do terminating ones: the Deployment has replaced them already.
 */
export function peakPods(pods: readonly Seen<Pod>[], fromMs: number): number {
  const existing = new Set<string>();
  let peak = 0;
  let before = 0;
  for (const { atMs, type, object } of pods) {
    if (type !== 'DELETED' && exists(object)) existing.add(object.metadata.uid);
    else existing.delete(object.metadata.uid);
    if (atMs < fromMs) before = existing.size;
    else peak = Math.max(peak, existing.size);
  }
  return Math.max(peak, before);
}

function exists({ metadata, status }: Pod): boolean {
  const isApplication = metadata.ownerReferences?.some((owner) => owner.kind === 'ReplicaSet') === true;
  const hasEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return isApplication && !hasEnded && metadata.deletionTimestamp === undefined;
}
