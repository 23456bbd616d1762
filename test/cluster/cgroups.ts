import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterName } from './cluster.ts';
import { attempt, run } from './command.ts';

const root = '/sys/fs/cgroup';
const controllers = ['cpu', 'cpuacct', 'memory', 'pids', 'cpuset', 'devices', 'freezer', 'blkio'];

// The kubelet removes pod cgroups that it does not know, so each cluster has a root of its own.
export const cgroupRoot = `/${clusterName}`;

const isUnified = (): boolean => existsSync(join(root, 'cgroup.controllers'));

/** The cgroup that the daemons run in: whatever they start is found there, even when they are long dead. */
export const daemonsProcs = (): string => join(isUnified() ? root : join(root, 'pids'), clusterName, 'daemons', 'cgroup.procs');

export async function createCgroups(): Promise<void> {
  if (isUnified()) {
    createUnified();
  } else {
    await mountControllers();
    for (const folder of hierarchies()) {
      mkdirSync(join(folder, clusterName), { recursive: true });
    }
    // A cpuset without processors takes no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      writeFileSync(join(root, 'cpuset', clusterName, file), readFileSync(join(root, 'cpuset', file)));
    }
  }
  mkdirSync(join(daemonsProcs(), '..'), { recursive: true });
}

export function removeCgroups(): void {
  for (const folder of hierarchies()) {
    for (const cgroup of tree(join(folder, clusterName)).reverse()) {
      rmdirSync(cgroup);
    }
  }
}

/** Every process of this cluster: the daemons, the shims that outlive them, the containers. */
export function clusterProcesses(): readonly number[] {
  const found = hierarchies()
    .flatMap((folder) => tree(join(folder, clusterName)))
    .flatMap((cgroup) => unlessGone(() => readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n'), []));
  return [...new Set(found.filter((line) => line !== '').map(Number))];
}

async function mountControllers(): Promise<void> {
  for (const controller of controllers) {
    const folder = join(root, controller);
    mkdirSync(folder, { recursive: true });
    if ((await attempt(['mountpoint', '--quiet', folder])).code !== 0) {
      await run(['mount', '-t', 'cgroup', '-o', controller, 'cgroup', folder]);
    }
  }
}

function createUnified(): void {
  const folder = join(root, clusterName);
  for (const parent of [root, folder]) {
    mkdirSync(parent, { recursive: true });
    const available = readFileSync(join(parent, 'cgroup.controllers'), 'utf8').trim().split(' ');
    writeFileSync(join(parent, 'cgroup.subtree_control'), available.map((name) => `+${name}`).join(' '));
  }
}

function hierarchies(): readonly string[] {
  if (isUnified()) {
    return [root];
  }
  // Links such as cpu,cpuacct name a hierarchy twice; unified and systemd count, runc writes there too.
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name));
}

/** The kubelet removes the cgroups of its pods while we look at them. */
function unlessGone<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return gone;
    throw error;
  }
}

function tree(folder: string): string[] {
  if (!existsSync(folder)) {
    return [];
  }
  const children = unlessGone(() => readdirSync(folder, { withFileTypes: true }), []).filter((entry) => entry.isDirectory());
  return [folder, ...children.flatMap((entry) => tree(join(folder, entry.name)))];
}
