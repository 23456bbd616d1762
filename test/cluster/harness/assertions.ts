import type { ActionResult } from '../../runner/run-action.ts';
import type { Judgement } from './checker.ts';
import { textOf } from './judge-printed.ts';
import type { Scene } from './scene.ts';
import type { Deployment } from './shapes.ts';
import { canaryPods, fenceLabel, newest, readyEndpoints, servingSpan } from './timeline.ts';

const good = new Set(['promoted', 'unchanged', 'planned']);

/** The result, and the exit code that goes with it (I12). */
export function assertResult(run: ActionResult, results: string | readonly string[], reason?: RegExp): void {
  const wanted = typeof results === 'string' ? [results] : results;
  const result = run.outputs['result'] ?? '';
  const problems: string[] = [];
  if (!wanted.includes(result)) problems.push(`result is "${result}", expected ${wanted.join(' or ')}`);
  const code = good.has(result) ? 0 : 1;
  if (run.code !== code) problems.push(`exit code is ${run.code} (signal ${run.signal}), expected ${code} with result "${result}"`);
  if (reason !== undefined && !reason.test(run.outputs['reason'] ?? ''))
    problems.push(`reason is "${run.outputs['reason']}", expected ${reason}`);
  if (problems.length > 0) throw new Error(`${problems.join('; ')}\n${tail(run)}`);
}

/** Of a command whose exit code does not follow from its result alone. */
export function assertEnd(run: ActionResult, code: number, result: string, reason: string): void {
  const { outputs } = run;
  if (run.code === code && outputs['result'] === result && outputs['reason'] === reason) return;
  throw new Error(`expected exit code ${code}, ${result}, ${reason}\n${tail(run)}`);
}

export function assertSays(run: ActionResult, pattern: RegExp, what: string): void {
  if (!pattern.test(textOf(run))) throw new Error(`the action does not say ${what} (${pattern})\n${tail(run)}`);
}

export function assertHolds(judgement: Judgement): void {
  if (judgement.problems.length > 0) throw new Error(judgement.problems.join('\n'));
}

export function assertWithin(what: string, seconds: number | undefined, limit: number): void {
  if (seconds === undefined) throw new Error(`${what}: never`);
  if (seconds > limit) throw new Error(`${what}: ${seconds.toFixed(2)} s, limit ${limit} s`);
}

/** Refused before any write: no object of ours was ever there, nothing of the Deployment changed, not even its field managers. */
export function assertNoWrite(scene: Scene): void {
  const { history } = scene.watcher;
  const { atMs, deployment } = scene.baseline;
  const problems = history.jobs.filter((seen) => seen.atMs >= atMs).map((seen) => `Job ${seen.object.metadata.name} was ${seen.type}`);
  for (const { object, atMs: seenMs, type } of history.deployments) {
    if (seenMs < atMs) continue;
    if (object.metadata.uid !== deployment.metadata.uid) {
      if (type !== 'MODIFIED') problems.push(`Deployment ${object.metadata.name} was ${type}`);
    } else if (writersOf(object) !== writersOf(deployment)) problems.push(`the Deployment was written by ${writersOf(object)}`);
  }
  if (problems.length > 0) throw new Error(`something was written: ${[...new Set(problems)].join('; ')}`);
}

function writersOf(object: {
  readonly metadata: { readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[] };
}): string {
  const entries = (object.metadata.managedFields ?? []).map((entry) => `${entry.manager} (${entry.operation})`);
  return [...new Set(entries)]
    .filter((entry) => !entry.startsWith('kube-controller-manager'))
    .sort()
    .join(', ');
}

/** When the last canary pod left the Service's ready endpoints. */
export function canaryGoneAtMs(scene: Scene): number | undefined {
  const canaries = canaryPods(scene.watcher.history);
  return servingSpan(scene.watcher.history, 'web', (pod) => canaries.has(pod))?.toMs;
}

/** When the Job, the owner of everything of ours, was gone for the last time. */
export function jobGoneAtMs(scene: Scene): number | undefined {
  if (newest(scene.watcher.history.jobs, 'web-rollout') !== undefined) return undefined;
  return scene.watcher.history.jobs.filter((seen) => seen.type === 'DELETED').at(-1)?.atMs;
}

export function tail(run: ActionResult): string {
  const lines = run.log.slice(-25).map((line) => `    ${line.line}`);
  return [`  outputs ${JSON.stringify(run.outputs)}, exit code ${run.code}, the end of the log:`, ...lines].join('\n');
}

/** From the clients' side: the Service never had fewer ready endpoints, whichever Deployments they were of. */
export function assertServing(scene: Scene, least: number): void {
  const sets = readyEndpoints(scene.watcher.history, 'web').filter((set) => set.atMs >= scene.baseline.atMs);
  const fewest = Math.min(...sets.map((set) => set.pods.size));
  scene.figures['fewest ready endpoints'] = fewest;
  if (fewest < least) throw new Error(`${fewest} ready endpoints, at least ${least} were to serve`);
}

/** Of a Deployment that the user keeps: neither our fence nor our field manager is left on it. */
export function assertUnmarked({ metadata }: Deployment): void {
  if (metadata.labels?.[fenceLabel] !== undefined) throw new Error(`the fence is left on ${metadata.name}`);
  if ((metadata.managedFields ?? []).some((entry) => entry.manager === 'gated-rollout'))
    throw new Error(`our field manager is left on ${metadata.name}`);
}
