import { trackLabel } from './timeline.ts';
import type { History } from './watcher.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Rules for the objects that we create, from design section 2: what they break shows only on the day when the runner dies. */
export function judgeOurs(history: History, fromMs: number): readonly string[] {
  const problems = new Set<string>();
  const jobs = history.jobs.filter((seen) => seen.atMs >= fromMs);
  const jobUids = new Set(jobs.map((seen) => seen.object.metadata.uid));
  for (const { object } of jobs) {
    const owner = object.metadata.ownerReferences?.[0];
    if (owner?.kind !== 'Deployment') problems.add(`Job ${object.metadata.name} is not owned by the user's Deployment`);
  }
  for (const { object, type } of history.deployments) {
    if (type !== 'ADDED' || object.spec.template.metadata?.labels?.[trackLabel] !== 'canary') continue;
    const owners = object.metadata.ownerReferences ?? [];
    // Only those that this watch saw being made by a Job that it saw, not one that a person planted.
    if (!owners.some((owner) => jobUids.has(owner.uid))) continue;
    if (owners.length !== 1) problems.add(`${object.metadata.name} has ${owners.length} owners`);
    if (object.metadata.annotations?.[lastApplied] !== undefined) problems.add(`${object.metadata.name} carries a copy of ${lastApplied}`);
  }
  for (const { object } of history.pods) {
    if (object.metadata.ownerReferences?.some((owner) => owner.kind === 'Job') === true)
      problems.add(`the Job made a pod: ${object.metadata.name}`);
  }
  return [...problems].map((problem) => `ours: ${problem}`);
}
