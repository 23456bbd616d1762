import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { daemonsProcs } from './cgroups.ts';
import { binDir, clusterName, insideNetwork, nodeAddress, nodeName, serviceRange, stateDir } from './cluster.ts';
import { configuration } from './configuration.ts';
import { credentials } from './credentials.ts';

const logs = join(stateDir, 'logs');
const pids = join(stateDir, 'pids');
const etcdUrl = 'http://127.0.0.1:2379';

const commands = {
  containerd: ['containerd', `--config=${configuration.containerd}`],
  etcd: [
    ...kubernetes('etcd'),
    `--data-dir=${join(stateDir, 'etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--log-level=warn',
    // The data need not outlive the machine.
    '--unsafe-no-fsync',
  ],
  'kube-apiserver': [
    ...kubernetes('kube-apiserver'),
    `--etcd-servers=${etcdUrl}`,
    `--advertise-address=${nodeAddress}`,
    '--secure-port=6443',
    `--cert-dir=${credentials.folder}`,
    `--token-auth-file=${credentials.tokens}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${credentials.serviceAccountKey}`,
    `--service-account-key-file=${credentials.serviceAccountPublicKey}`,
    '--authorization-mode=RBAC',
    `--service-cluster-ip-range=${serviceRange}`,
    // The node has a name that no server resolves.
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged',
    '--profiling=false',
    '--v=0',
  ],
  'kube-controller-manager': [
    ...kubernetes('kube-controller-manager'),
    ...asDaemon('kube-controller-manager'),
    `--root-ca-file=${credentials.serverCertificate}`,
    `--service-account-private-key-file=${credentials.serviceAccountKey}`,
    '--controllers=*,-node-ipam-controller,-node-route-controller',
    '--leader-elect=false',
  ],
  'kube-scheduler': [...kubernetes('kube-scheduler'), ...asDaemon('kube-scheduler'), '--leader-elect=false'],
  kubelet: [
    ...kubernetes('kubelet'),
    `--config=${configuration.kubelet}`,
    `--kubeconfig=${credentials.daemonKubeconfig}`,
    `--root-dir=${join(stateDir, 'kubelet')}`,
    `--cert-dir=${join(stateDir, 'kubelet-certificates')}`,
    `--node-ip=${nodeAddress}`,
    `--hostname-override=${nodeName}`,
  ],
  'kube-proxy': [...kubernetes('kube-proxy'), `--config=${configuration.kubeProxy}`, `--hostname-override=${nodeName}`],
} as const satisfies Record<string, readonly string[]>;

export type Daemon = keyof typeof commands;
export const allDaemons = Object.keys(commands) as readonly Daemon[];

/** Starts a daemon that outlives this process, in the cluster's network and cgroup. Also for tests that killed it before. */
export function startDaemon(name: Daemon): void {
  mkdirSync(logs, { recursive: true });
  mkdirSync(pids, { recursive: true });
  const log = openSync(logOf(name), 'a');
  // Only the network is entered (ip netns exec would mount another /sys, where the kubelet finds no cgroups),
  // and each step replaces the one before it, so the pid is the daemon's own.
  const [file = '', ...args] = [...insideNetwork, 'sh', '-c', 'echo $$ > "$0" && exec "$@"', daemonsProcs(), ...commands[name]];
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], cwd: stateDir });
  child.unref();
  writeFileSync(join(pids, name), String(child.pid));
}

export function pidOf(name: Daemon): number | undefined {
  const file = join(pids, name);
  if (!existsSync(file)) {
    return undefined;
  }
  const pid = Number(readFileSync(file, 'utf8'));
  return isOurs(pid) ? pid : undefined;
}

// A pid may have been given to a stranger since, and a dead child may not have been waited for.
// In the middle of an exec the command line is empty for a moment.
function isOurs(pid: number): boolean {
  try {
    const isZombie = /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return !isZombie && (commandLine === '' || commandLine.includes(clusterName));
  } catch {
    return false;
  }
}

export function logTail(name: Daemon, lines = 25): string {
  const file = logOf(name);
  const text = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '(no log)';
  return `--- the end of ${file} (${pidOf(name) === undefined ? 'NOT RUNNING' : 'running'})\n${text}`;
}

/** The logs of the daemons that are gone or, if all live, of those that were asked about. */
export function evidenceOf(...suspects: readonly Daemon[]): string {
  const dead = allDaemons.filter((name) => existsSync(logOf(name)) && pidOf(name) === undefined);
  return (dead.length > 0 ? dead : suspects).map((name) => logTail(name)).join('\n');
}

function logOf(name: Daemon): string {
  return join(logs, `${name}.log`);
}

function kubernetes(component: string): readonly string[] {
  return [join(binDir, 'kubernetes'), component];
}

function asDaemon(name: string): readonly string[] {
  const access = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${credentials.daemonKubeconfig}`,
  );
  return [...access, `--cert-dir=${join(stateDir, `${name}-certificates`)}`, '--profiling=false', '--v=0'];
}
