import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { clusterProcesses, removeCgroups } from './cgroups.ts';
import { clusterName, stateDir } from './cluster.ts';
import { run } from './command.ts';
import { removeNetwork } from './network.ts';
import { waitUntil } from './wait.ts';

/** Removes everything that this checkout's cluster has or had on the machine, in whatever state it was left. */
export async function sweep(): Promise<void> {
  await killProcesses();
  await unmountAll();
  await removeNetwork();
  removeCgroups();
  removeShimSockets();
  removeLogLinks();
  removeNetworkResults();
  rmSync(stateDir, { recursive: true, force: true });
}

async function killProcesses(): Promise<void> {
  await waitUntil({
    what: "the cluster's processes to end",
    limitMs: 20_000,
    everyMs: 20,
    // Again and again: a process that is being killed may have started another one meanwhile.
    ready: async () => {
      const processes = clusterProcesses();
      for (const pid of processes) {
        kill(pid);
      }
      return processes.length === 0;
    },
    evidence: () => `still there: ${clusterProcesses().join(' ')}`,
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw error;
    }
  }
}

async function unmountAll(): Promise<void> {
  const mounts = mountsBelow(stateDir);
  if (mounts.length > 0) {
    // Newest first; lazily, because a mount that is busy for a moment must not stop the rest.
    await run(['umount', '--lazy', ...mounts.reverse()]);
  }
  const left = mountsBelow(stateDir);
  if (left.length > 0) {
    throw new Error(`still mounted: ${left.join(' ')}`);
  }
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => mount.startsWith(`${folder}/`));
}

// containerd keeps these outside its own folders; each shim notes where.
function removeShimSockets(): void {
  const tasks = join(stateDir, 'containerd-run/io.containerd.runtime.v2.task/k8s.io');
  for (const id of existsSync(tasks) ? readdirSync(tasks) : []) {
    const note = join(tasks, id, 'address');
    if (existsSync(note)) {
      rmSync(
        readFileSync(note, 'utf8')
          .trim()
          .replace(/^unix:\/\//, ''),
        { force: true },
      );
    }
  }
}

// The kubelet's folder of links is fixed, and shared by every kubelet of the machine.
function removeLogLinks(): void {
  const folder = '/var/log/containers';
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (readlinkSync(join(folder, name)).startsWith(`${stateDir}/`)) {
      rmSync(join(folder, name));
    }
  }
}

// The plugins' cache is one folder for the whole machine: our network's name tells which sandboxes are ours.
function removeNetworkResults(): void {
  const folder = '/var/lib/cni/results';
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const sandbox = name.startsWith(`${clusterName}-`) ? name.split('-').at(-2) : undefined;
    if (sandbox !== undefined) {
      rmSync(join(folder, name));
      rmSync(join(folder, `cni-loopback-${sandbox}-lo`), { force: true });
    }
  }
}
