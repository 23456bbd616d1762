import type { ActionResult } from '../../runner/run-action.ts';
import type { Job } from './shapes.ts';
import type { Seen } from './watcher.ts';

/** I11, and that nothing which pods or people said was obeyed by the runner as a command. */
export function judgePrinted(runs: readonly ActionResult[], jobs: readonly Seen<Job>[], secrets: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const journal = JSON.stringify(jobs.map((seen) => seen.object));
  for (const secret of secrets.filter((text) => text !== '')) {
    if (journal.includes(secret)) problems.push('I11: a token stands in the journal');
    for (const run of runs) if (textOf(run).includes(secret)) problems.push('I11: a token was printed');
  }
  for (const run of runs) {
    const injected = [...run.injected, ...(run.post?.injected ?? [])];
    if (injected.length > 0) problems.push(`the runner obeyed a command that came out of data: ${injected[0]}`);
    for (const line of run.log) if (/^\s+at .*\.js:\d+/u.test(line.line)) problems.push(`a stack trace was printed: ${line.line.trim()}`);
  }
  return [...new Set(problems)];
}

export function textOf(run: ActionResult): string {
  const lines = [...run.log, ...(run.post?.log ?? [])].map((line) => line.line);
  return [
    ...lines,
    run.summary,
    run.post?.summary ?? '',
    JSON.stringify(run.outputs),
    ...run.annotations.map((annotation) => annotation.message),
  ].join('\n');
}
