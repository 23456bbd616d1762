import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';

/**
 * The one pod that is tried before a recreation takes the old ones away. `run`: the whole pod, outside of every Service. `pull`: the image
 * alone, with a command that cannot exist and without the volumes or ports that a second pod could not have.
 */
export type Trial = {
  readonly mode: 'run' | 'pull';
  /** Why it only pulls; empty for `run`. */
  readonly because: string;
  /** Labels of the template whose value is another one in the trial pod. */
  readonly labels: Readonly<Record<string, string>>;
};

/** How the trial pod is to be made; undefined for strategies without one. */
export function planTrial(facts: DeploymentFacts, spec: ReleaseSpec): Trial | undefined {
  if (spec.strategy !== 'recreate') return undefined;
  const because = whySecondPodCannotRun(facts);
  return { mode: because === '' ? 'run' : 'pull', because, labels: facts.detachedLabels ?? {} };
}

function whySecondPodCannotRun({ hostPorts, exclusiveVolumes, repelsItself }: DeploymentFacts): string {
  if (exclusiveVolumes.length > 0) return `its pods mount volumes that only one node may mount (${exclusiveVolumes.join(', ')})`;
  if (hostPorts.length > 0) return `its pods take host ports (${hostPorts.join(', ')})`;
  if (repelsItself) return 'its required pod anti-affinity matches its own pods';
  return '';
}

/** How long the trial pod must be ready without a break, in milliseconds. */
export function trialHoldMs(spec: Pick<ReleaseSpec, 'minDurationMs'>): number {
  return Math.min(spec.minDurationMs, 30_000);
}
