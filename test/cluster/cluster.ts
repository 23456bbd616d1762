import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What a test needs to know to use the running cluster; written by up.ts. */
export interface ClusterInfo {
  readonly name: string;
  readonly netns: string;
  readonly kubeconfig: string;
  readonly binDir: string;
  /** The command and its first arguments, to be run from anywhere on the machine. */
  readonly kubectl: readonly string[];
  readonly stateDir: string;
  readonly server: string;
  readonly token: string;
  /** Key (`v1`, `errors-half`, `digest`, …) to the reference that a pod names. */
  readonly images: Readonly<Record<string, string>>;
  /** Reference by tag to the digest it stood for when the cluster came up. */
  readonly digests: Readonly<Record<string, string>>;
  readonly builtFrom: string;
}

export const clusterFolder = realpathSync(import.meta.dirname);

// Two checkouts on one machine each get a cluster of their own: everything global is named after the path.
export const clusterName = `gr-${createHash('sha256').update(clusterFolder).digest('hex').slice(0, 8)}`;
export const stateDir = join('/var/lib/gated-rollout-cluster', clusterName);
export const clusterJson = join(stateDir, 'cluster.json');
export const cacheDir = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gated-rollout-cluster');

export const nodeName = 'node-1';
export const nodeAddress = '192.168.77.1';
export const server = `https://${nodeAddress}:6443`;
export const podRange = '10.244.0.0/16';
export const serviceRange = '10.96.0.0/16';
export const dnsAddress = '10.96.0.10';

export const kubeconfigPath = join(stateDir, 'admin.kubeconfig');
export const binDir = join(stateDir, 'bin');
export const containerdSocket = join(stateDir, 'containerd.sock');
export const insideNetwork: readonly string[] = ['nsenter', `--net=/run/netns/${clusterName}`];
export const kubectl: readonly string[] = [...insideNetwork, join(binDir, 'kubectl'), `--kubeconfig=${kubeconfigPath}`];

export function readCluster(): ClusterInfo | undefined {
  return existsSync(clusterJson) ? (JSON.parse(readFileSync(clusterJson, 'utf8')) as ClusterInfo) : undefined;
}
