import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { ActionResult } from '../../runner/run-action.ts';
import { appendResult } from './results.ts';
import { Scene, type SceneOptions } from './scene.ts';
import { findTarget } from './target.ts';

export interface ScenarioOptions extends SceneOptions {
  readonly expected: string;
  readonly timeoutMs?: number;
  /** Needs the node's images, so it runs on this checkout's own cluster only. */
  readonly ownOnly?: boolean;
}

const sceneAloneMs = 150_000;

/** One scenario of the table: a scene of its own, a body that acts and judges, one line in the results whatever happens. */
export function scenario(title: string, options: ScenarioOptions, body: (scene: Scene) => Promise<void>): void {
  const skipped = options.ownOnly === true && process.env['KUBECONFIG'] !== undefined;
  describe.skipIf(skipped)(title, () => {
    test(options.expected, { timeout: (options.timeoutMs ?? 150_000) + sceneAloneMs }, async () => {
      const scene = await makeScene(title, options);
      let problem: string | undefined;
      try {
        await body(scene);
      } catch (error) {
        problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
        throw error;
      } finally {
        await record(title, options.expected, scene, problem);
        await scene.remove();
      }
    });
  });
}

async function makeScene(title: string, options: ScenarioOptions): Promise<Scene> {
  try {
    return await Scene.create(title, options);
  } catch (error) {
    const problem = `the scene does not stand: ${error instanceof Error ? error.message : String(error)}`;
    appendResult(findTarget().resultsFile, {
      scenario: title,
      verdict: 'failed',
      expected: options.expected,
      seconds: 0,
      failedRequests: 0,
      peakPods: 0,
      clients: '',
      figures: {},
      problem,
      logs: [],
    });
    throw error;
  }
}

async function record(title: string, expected: string, scene: Scene, problem: string | undefined): Promise<void> {
  const results = await ended(scene);
  if (scene.clients === '') await scene.noteClients();
  const last = results.at(-1);
  appendResult(scene.target.resultsFile, {
    scenario: title,
    verdict: problem === undefined ? 'passed' : 'failed',
    expected,
    seconds: last === undefined ? 0 : (last.endedAtMs - last.startedAtMs) / 1000,
    failedRequests: scene.failedRequests,
    peakPods: scene.notePeakPods(),
    clients: scene.clients,
    figures: scene.figures,
    ...(problem === undefined ? {} : { problem }),
    logs: results.map((result, index) => writeLog(scene, title, index, result)),
  });
}

async function ended(scene: Scene): Promise<readonly ActionResult[]> {
  for (const run of scene.runs) run.kill('SIGKILL');
  return await Promise.all(scene.runs.map((run) => run.done));
}

function writeLog(scene: Scene, title: string, index: number, result: ActionResult): string {
  mkdirSync(scene.target.logFolder, { recursive: true });
  const file = join(scene.target.logFolder, `${title.toLowerCase().replaceAll(/[^a-z0-9]+/gu, '-')}-${index + 1}.log`);
  const stamp = (tMs: number): string => new Date(tMs).toISOString().slice(11, 23);
  const lines = [
    `# ${scene.namespace}, exit code ${result.code} signal ${result.signal}, outputs ${JSON.stringify(result.outputs)}`,
    ...result.log.map((line) => `${stamp(line.tMs)} ${line.line}`),
    '# summary',
    result.summary,
    ...(result.post === undefined
      ? []
      : ['# post', ...result.post.log.map((line) => `${stamp(line.tMs)} ${line.line}`), result.post.summary]),
    '# what the API showed',
    ...story(scene),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function story(scene: Scene): readonly string[] {
  const { jobs, deployments, endpointSlices } = scene.watcher.history;
  const told = [
    ...jobs.map((seen) => ({
      atMs: seen.atMs,
      text: `${seen.type} Job ${seen.object.metadata.name} deadline ${seen.object.spec.activeDeadlineSeconds} start ${seen.object.status?.startTime ?? '-'}`,
    })),
    ...deployments.map((seen) => {
      const { metadata, spec, status } = seen.object;
      const images = spec.template.spec.containers.map((container) => container.image).join(' ');
      return {
        atMs: seen.atMs,
        text: `${seen.type} Deployment ${metadata.name} replicas ${spec.replicas} available ${status?.availableReplicas ?? 0} images ${images} labels ${JSON.stringify(metadata.labels ?? {})}`,
      };
    }),
    ...endpointSlices.map((seen) => {
      const ready = (seen.object.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready === true)
        .map((endpoint) => endpoint.targetRef?.name);
      return { atMs: seen.atMs, text: `${seen.type} endpoints of ${seen.object.metadata.name}: ${ready.join(' ')}` };
    }),
  ];
  return told.sort((a, b) => a.atMs - b.atMs).map((line) => `${new Date(line.atMs).toISOString().slice(11, 23)} ${line.text}`);
}
