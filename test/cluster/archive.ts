import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import type { Binaries, ProgramName } from './build.ts';
import type { ImageSpec } from './image-list.ts';
import { type TarEntry, tar } from './tar.ts';

/** Writes a docker-archive of images that all hold the same programs: the layer is in it once, whatever the number of images. */
export async function writeArchive(path: string, binaries: Partial<Binaries>, images: readonly ImageSpec[]): Promise<void> {
  const [first] = images;
  if (first === undefined) throw new Error('an archive of no image');
  const paths = { [first.program]: first.program, ...first.beside };
  const files = Object.entries(paths).map(async ([program, inside]) => ({
    path: inside ?? program,
    chunks: [await readFile(binaries[program as ProgramName] ?? '')],
    executable: true,
  }));
  const layer = tar(await Promise.all(files));
  const layerDigest = sha256(layer);
  const layerPath = `${layerDigest}/layer.tar`;
  const configs = images.map((image) => jsonEntry(imageConfig(image, layerDigest)));
  const manifest = images.map((image, index) => ({
    Config: configs[index]?.path,
    RepoTags: [`${image.repository}:${image.tag}`],
    Layers: [layerPath],
  }));
  const entries: readonly TarEntry[] = [
    { path: layerPath, chunks: layer },
    ...configs,
    { path: 'manifest.json', chunks: [Buffer.from(JSON.stringify(manifest))] },
  ];
  const file = await open(path, 'w');
  try {
    for (const chunk of tar(entries)) {
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
}

function imageConfig(image: ImageSpec, layerDigest: string): object {
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    // No clock: the same sources give the same digest on every machine.
    created: '2000-01-01T00:00:00Z',
    config: {
      Env: Object.entries(image.env).map(([name, value]) => `${name}=${value}`),
      Entrypoint: [`/${image.program}`],
      // Not root, so that pods with runAsNonRoot start.
      User: '65532:65532',
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: '2000-01-01T00:00:00Z', created_by: image.program }],
  };
}

function jsonEntry(value: object): TarEntry {
  const bytes = Buffer.from(JSON.stringify(value));
  return { path: `${sha256([bytes])}.json`, chunks: [bytes] };
}

function sha256(chunks: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) {
    hash.update(chunk);
  }
  return hash.digest('hex');
}
