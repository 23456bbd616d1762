import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCluster } from '../cluster.ts';

/** The cluster under test: the one in KUBECONFIG, otherwise this checkout's own. */
export interface Target {
  readonly kubeconfig: string;
  readonly kubectl: readonly string[];
  readonly images: Readonly<Record<string, string>>;
  /** Tags can be moved and digests be known only where the node's images are ours. */
  readonly own: boolean;
  readonly resultsFile: string;
  readonly logFolder: string;
}

export function findTarget(): Target {
  const foreign = process.env['KUBECONFIG'];
  const folder = foreign === undefined ? readCluster()?.stateDir : join(tmpdir(), 'gated-rollout-scenarios');
  if (folder === undefined) throw new Error('no cluster: run `npm run cluster:up`, or set KUBECONFIG');
  const common = {
    resultsFile: process.env['RESULTS_FILE'] ?? join(folder, 'scenarios.jsonl'),
    logFolder: process.env['SCENARIO_LOGS'] ?? join(folder, 'scenario-logs'),
  };
  if (foreign !== undefined)
    return { ...common, kubeconfig: foreign, kubectl: ['kubectl', `--kubeconfig=${foreign}`], images: {}, own: false };
  const cluster = readCluster();
  if (cluster === undefined) throw new Error('no cluster: run `npm run cluster:up`, or set KUBECONFIG');
  return { ...common, kubeconfig: cluster.kubeconfig, kubectl: cluster.kubectl, images: cluster.images, own: true };
}

export function imageOf(target: Target, tag: string): string {
  return target.images[tag] ?? `sample:${tag}`;
}
