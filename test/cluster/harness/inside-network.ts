import { spawn } from 'node:child_process';
import { readCluster } from '../cluster.ts';

/** Runs Node where the cluster's addresses exist: in its network namespace, or right here with a KUBECONFIG. */
export async function runInside(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const [file = process.execPath, ...rest] = [...networkPrefix(), process.execPath, ...args];
  const child = spawn(file, rest, { stdio: 'inherit', env: { ...process.env, ...env } });
  const relay = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', relay).on('SIGTERM', relay);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    process.off('SIGINT', relay).off('SIGTERM', relay);
  }
}

function networkPrefix(): readonly string[] {
  if (process.env['KUBECONFIG'] !== undefined) return [];
  const cluster = readCluster();
  if (cluster === undefined) throw new Error('no cluster: run `npm run cluster:up`, or set KUBECONFIG');
  return ['nsenter', `--net=${cluster.netns}`];
}
