import { appendFileSync } from 'node:fs';

/** Adds to the job summary; whether it could. A run outside of a runner has none, and no outcome depends on it. */
export function appendSummary(path: string | undefined, text: string): boolean {
  if (path === undefined || path === '') return false;
  try {
    appendFileSync(path, `${text}\n`);
    return true;
  } catch {
    return false;
  }
}
