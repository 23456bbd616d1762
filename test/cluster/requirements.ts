import { existsSync } from 'node:fs';
import { attempt, run, UserError } from './command.ts';

// What the cluster runs, and the Debian package that brings it.
const packages: Readonly<Record<string, readonly string[]>> = {
  containerd: ['containerd', 'ctr'],
  runc: ['runc'],
  'containernetworking-plugins': ['/usr/lib/cni/ptp', '/usr/lib/cni/host-local'],
  iptables: ['iptables'],
  conntrack: ['conntrack'],
  iproute2: ['ip'],
  'util-linux': ['nsenter'],
  mount: ['mount', 'umount'],
};

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Ends with everything installed that building and running the cluster needs, or says what is missing. */
export async function ensureRequirements(): Promise<void> {
  if (process.platform !== 'linux') {
    throw new UserError(`The test cluster runs on Linux only, not on ${process.platform}: point KUBECONFIG at a kind cluster instead.`);
  }
  if (process.getuid?.() !== 0) {
    throw new UserError('The test cluster needs root: it creates a network namespace, mounts and cgroups. Run the same command with sudo.');
  }
  const go = await attempt(['go', 'version']);
  if (go.code !== 0) {
    throw new UserError('Go is missing: install Go 1.25 or newer. Kubernetes and Prometheus are built from their Go modules.');
  }
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(go.stdout) ?? [];
  if (Number(major) === 1 && Number(minor) < 25) {
    throw new UserError(`Go 1.25 or newer is needed, this is ${go.stdout.trim()}.`);
  }
  await ensurePackages();
}

async function ensurePackages(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) {
    return;
  }
  const install = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (!existsSync('/usr/bin/apt-get')) {
    throw new UserError(`Packages are missing and there is no apt-get: install what Debian calls ${missing.join(', ')}.`);
  }
  console.log(`installing ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run(['apt-get', 'update'], { env });
    await run([...install.split(' '), '--yes'], { env });
  } catch (error) {
    throw new UserError(`Packages are missing and their installation failed; try "${install}".\n${String(error)}`, { cause: error });
  }
  const still = missingPackages();
  if (still.length > 0) {
    throw new UserError(`Still missing after the installation: ${still.join(', ')}.`);
  }
}

function missingPackages(): readonly string[] {
  return Object.entries(packages)
    .filter(([, programs]) => !programs.every(isInstalled))
    .map(([name]) => name);
}

function isInstalled(program: string): boolean {
  return program.startsWith('/') ? existsSync(program) : programFolders.some((folder) => existsSync(`${folder}/${program}`));
}
