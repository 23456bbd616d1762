import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stateDir } from './cluster.ts';
import { waitUntil } from './wait.ts';

const lockFile = `${stateDir}.lock`;

/** Two runs of up and down for the same checkout go one after the other. */
export async function withLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(lockFile), { recursive: true });
  await waitUntil({
    what: `the other up or down of this checkout (${lockFile})`,
    limitMs: 20 * 60_000,
    everyMs: 250,
    ready: async () => tryLock(),
  });
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function tryLock(): boolean {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
  const holder = existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : '';
  if (holder !== '' && !existsSync(`/proc/${holder}`)) {
    // Its owner was killed.
    rmSync(lockFile, { force: true });
  }
  return false;
}
