import { readFileSync } from 'node:fs';

/** Who runs this, and where. Undefined: the runner did not say. */
export type RunContext = {
  readonly runUrl: string | undefined;
  readonly repository: string | undefined;
  readonly actor: string | undefined;
  readonly sha: string | undefined;
  readonly attempt: number;
  readonly repositoryPrivate: boolean | undefined;
};

/** Reads the runner's variables and the file with the event. */
export function readRunContext(env: Readonly<Record<string, string | undefined>>): RunContext {
  const repository = env['GITHUB_REPOSITORY'];
  const attempt = Number(env['GITHUB_RUN_ATTEMPT'] ?? '1');
  return {
    runUrl: runUrlOf(env['GITHUB_SERVER_URL'], repository, env['GITHUB_RUN_ID'], attempt),
    repository,
    actor: env['GITHUB_ACTOR'],
    sha: env['GITHUB_SHA'],
    attempt: Number.isInteger(attempt) && attempt > 0 ? attempt : 1,
    repositoryPrivate: readVisibility(env['GITHUB_EVENT_PATH']),
  };
}

function runUrlOf(
  server: string | undefined,
  repository: string | undefined,
  runId: string | undefined,
  attempt: number,
): string | undefined {
  if (server === undefined || repository === undefined || runId === undefined) return undefined;
  const run = `${server}/${repository}/actions/runs/${runId}`;
  return attempt > 1 ? `${run}/attempts/${attempt}` : run;
}

function readVisibility(path: string | undefined): boolean | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    const event: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const repository = propertyOf(event, 'repository');
    const isPrivate = propertyOf(repository, 'private');
    return typeof isPrivate === 'boolean' ? isPrivate : undefined;
  } catch {
    return undefined;
  }
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
