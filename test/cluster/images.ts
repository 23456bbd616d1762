import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeArchive } from './archive.ts';
import { type Binaries, ensureBuilt, type ProgramName } from './build.ts';
import { containerdSocket, stateDir } from './cluster.ts';
import { run, runScript, UserError } from './command.ts';
import { imageKey, imageList } from './image-list.ts';

export interface ImportedImages {
  readonly images: Readonly<Record<string, string>>;
  readonly digests: Readonly<Record<string, string>>;
}

const ctr: readonly string[] = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io', 'images'];

/** Makes one archive for each repository and imports it; every image can be named by its tag and by its digest, as after a pull from a registry. */
export async function importImages(binaries: Binaries, programs: readonly ProgramName[]): Promise<void> {
  const folder = join(stateDir, 'archives');
  const files = await writeArchives(folder, binaries, programs);
  for (const [repository, file] of files) {
    await run([...ctr, 'import', '--digests', '--base-name', fullName(repository), file], { timeoutMs: 120_000 });
  }
  await rm(folder, { recursive: true, force: true });
}

export async function readImages(): Promise<ImportedImages> {
  const listed = await run([...ctr, 'list'], { timeoutMs: 10_000 });
  const digestOf = new Map(
    listed
      .split('\n')
      .map((line) => line.split(/\s+/))
      .map(([name = '', , digest = '']) => [name, digest]),
  );
  const images: Record<string, string> = {};
  const digests: Record<string, string> = {};
  for (const image of imageList) {
    const reference = `${image.repository}:${image.tag}`;
    const digest = digestOf.get(fullName(reference));
    if (digest === undefined) {
      throw new Error(`${reference} is not among the imported images:\n${listed}`);
    }
    digests[reference] = digest;
    images[imageKey(image)] = image.tag === 'digest' ? `${image.repository}@${digest}` : reference;
  }
  return { images, digests };
}

/** Moves the tag `to` to the image that `from` names now, as somebody does who pushes a tag again. Running containers keep what they have. */
export async function retag(from: string, to: string): Promise<void> {
  await run([...ctr, 'tag', '--force', fullName(from), fullName(to)], { timeoutMs: 10_000 });
}

async function writeArchives(
  folder: string,
  binaries: Partial<Binaries>,
  programs: readonly ProgramName[],
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const wanted = imageList.filter((image) => programs.includes(image.program));
  const files = new Map<string, string>();
  for (const repository of new Set(wanted.map((image) => image.repository))) {
    const images = wanted.filter((image) => image.repository === repository);
    const file = join(folder, `${repository.replaceAll(/[^a-z0-9]+/g, '-')}.tar`);
    await writeArchive(file, binaries, images);
    files.set(repository, file);
  }
  return files;
}

// containerd knows images by their full names, people and pods by the short ones.
function fullName(reference: string): string {
  return reference.includes('/') ? reference : `docker.io/library/${reference}`;
}

async function writeForOtherClusters(): Promise<void> {
  const { out } = parseArgs({ options: { out: { type: 'string' } } }).values;
  if (out === undefined) {
    throw new UserError('usage: node test/cluster/images.ts --out DIR   (then: kind load image-archive DIR/sample.tar)');
  }
  const programs = ['sample', 'load', 'prometheus', 'podinfo', 'podcli'] as const;
  const binaries: Partial<Record<ProgramName, string>> = {};
  for (const program of programs) {
    binaries[program] = await ensureBuilt(program);
  }
  const files = await writeArchives(out, binaries, programs);
  console.log([...files.values()].join('\n'));
}

if (import.meta.main) {
  await runScript(writeForOtherClusters);
}
