import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, clusterFolder } from './cluster.ts';
import { run } from './command.ts';
import { timed } from './wait.ts';

interface Program {
  readonly name: string;
  /** Where its go.mod is, beside this file; undefined: in a folder of its own name. */
  readonly folder?: string;
  readonly package: string;
  readonly linkerFlags: string;
  /** About, on two cores with an empty cache: so that nobody thinks it hangs. */
  readonly expectedSeconds: number;
}

// Without these the API server says that it is v0.0.0, and clients refuse it.
const kubernetesVersion = ['gitVersion=v1.34.4', 'gitMajor=1', 'gitMinor=34']
  .map((assignment) => `-X k8s.io/component-base/version.${assignment}`)
  .join(' ');

const programs = {
  kubernetes: { name: 'kubernetes', package: '.', linkerFlags: kubernetesVersion, expectedSeconds: 280 },
  prometheus: { name: 'prometheus', package: 'github.com/prometheus/prometheus/cmd/prometheus', linkerFlags: '', expectedSeconds: 180 },
  sample: { name: 'sample', package: '.', linkerFlags: '', expectedSeconds: 20 },
  podinfo: { name: 'podinfo', package: 'github.com/stefanprodan/podinfo/cmd/podinfo', linkerFlags: '', expectedSeconds: 45 },
  podcli: {
    name: 'podcli',
    folder: 'podinfo',
    package: 'github.com/stefanprodan/podinfo/cmd/podcli',
    linkerFlags: '',
    expectedSeconds: 15,
  },
  load: { name: 'load', package: '.', linkerFlags: '', expectedSeconds: 10 },
  pause: { name: 'pause', package: '.', linkerFlags: '', expectedSeconds: 5 },
} as const satisfies Record<string, Program>;

/** The folder of podinfo's module in Go's cache: its own manifests are in it. */
export async function podinfoFolder(): Promise<string> {
  const listed = await run(['go', 'list', '-m', '-f', '{{.Dir}}', 'github.com/stefanprodan/podinfo'], {
    cwd: join(clusterFolder, 'podinfo'),
    env: { ...process.env, GOWORK: 'off' },
  });
  return listed.trim();
}

export type ProgramName = keyof typeof programs;
export type Binaries = Readonly<Record<ProgramName, string>>;
export const allPrograms = Object.keys(programs) as readonly ProgramName[];

/** Paths of the built programs; what the cache already has is not built again. */
export async function buildAll(): Promise<Binaries> {
  const binaries: Partial<Record<ProgramName, string>> = {};
  // One after the other: each build uses all cores by itself, and the printed seconds mean something.
  for (const name of allPrograms) {
    binaries[name] = await ensureBuilt(name);
  }
  return binaries as Binaries;
}

export async function ensureBuilt(name: ProgramName): Promise<string> {
  const program: Program = programs[name];
  const folder = join(cacheDir, await contentHash(program));
  const binary = join(folder, program.name);
  if (existsSync(binary)) {
    return binary;
  }
  console.log(`build ${name}: about ${program.expectedSeconds} s on two cores when Go's cache is empty`);
  await timed(`build ${name}`, () => build(program, folder));
  return binary;
}

async function build(program: Program, folder: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const staging = await mkdtemp(join(cacheDir, 'building-'));
  const startedMs = Date.now();
  const reminder = setInterval(() => {
    console.log(`build ${program.name}: still at work after ${Math.round((Date.now() - startedMs) / 1000)} s`);
  }, 30_000);
  try {
    await run(goBuild(program, join(staging, program.name)), {
      cwd: folderOf(program),
      // No C compiler is needed, and the binaries run in images that hold nothing else.
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    });
    // A folder appears whole or not at all: a build that is killed leaves no half of a binary behind.
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
  } finally {
    clearInterval(reminder);
    await rm(staging, { recursive: true, force: true });
  }
}

function folderOf(program: Program): string {
  return join(clusterFolder, program.folder ?? program.name);
}

function goBuild(program: Program, output: string): readonly string[] {
  const flags = `-s -w ${program.linkerFlags}`.trim();
  return ['go', 'build', '-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', flags, '-o', output, program.package];
}

async function contentHash(program: Program): Promise<string> {
  const folder = folderOf(program);
  const hash = createHash('sha256').update(JSON.stringify(goBuild(program, '')));
  const files = (await readdir(folder)).filter((file) => file.endsWith('.go') || file === 'go.mod' || file === 'go.sum');
  for (const file of files.sort()) {
    hash.update(`\0${file}\0`).update(await readFile(join(folder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
