import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './build.ts';
import { clusterFolder } from './cluster.ts';

// The sources that decide what runs; the scripts around them may change while the cluster stays up.
const sources = [
  'archive.ts',
  'cgroups.ts',
  'cluster.ts',
  'configuration.ts',
  'credentials.ts',
  'daemons.ts',
  'image-list.ts',
  'network.ts',
  'tar.ts',
];

/** Equal for two clusters that would run the same: the binaries (whose cached paths hold their hashes), flags, configuration, images, manifests. */
export function fingerprint(binaries: Binaries): string {
  const manifests = readdirSync(join(clusterFolder, 'manifests')).map((file) => join('manifests', file));
  const hash = createHash('sha256').update(JSON.stringify(binaries));
  for (const file of [...sources, ...manifests.sort()]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(clusterFolder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
