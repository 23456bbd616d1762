import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { runWorkflow } from '../runner/run-workflow.ts';
import { parseWorkflow, type Workflow } from '../runner/workflow-file.ts';
import { examples } from './examples.ts';
import { expectSafe } from './golden.ts';
import { imagesOf } from './scene.ts';
import { openStage } from './stage.ts';

// The one thing that is not as it stands: how long to hold. Bounds stay what they are.
const holding: readonly string[] = ['steps', 'bake', 'min-duration'];
const shorter = 10;
const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = (): string => /```yaml\n(name: release[\s\S]*?)```/u.exec(read('README.md'))?.[1] ?? '';
const files = ['README.md', ...readdirSync(join(root, 'examples')).map((file) => `examples/${file}`)];

/** What stands in expressions besides the tag that a person types: the push of a tag, or the label "canary" on a pull request. */
const github = {
  ref_name: 'v2',
  repository: 'acme/shop',
  event: { label: { name: 'canary' }, pull_request: { head: { sha: 'v2', repo: { full_name: 'acme/shop' } } } },
};

/** As the form of workflow_dispatch gives them: the first of a choice, and the tag for the only text. */
function dispatched(workflow: Workflow): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(workflow.inputs).map(([name, options]) => [name, options?.[0] ?? 'v2']));
}

function hold(text: string): string {
  return text.replaceAll(
    /\b(\d+)(m|s)\b/gu,
    (_all, count: string, unit: string) => `${(Number(count) * (unit === 'm' ? 60 : 1)) / shorter}s`,
  );
}

function shortened(workflow: Workflow): Workflow {
  const shorten = (inputs: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, holding.includes(name) ? hold(value) : value]));
  const jobs = workflow.jobs.map((job) => ({ ...job, steps: job.steps.map((step) => ({ ...step, with: shorten(step.with) })) }));
  return { ...workflow, jobs };
}

describe.concurrent('every workflow of the documents', () => {
  test('has something to show', ({ expect }) => {
    expect(Object.keys(examples).sort()).toEqual([...files].sort());
  });

  test.concurrent.for(files)('%s', async (path, { expect }) => {
    const example = examples[path];
    if (example === undefined) throw new Error(`say in test/process/examples.ts what ${path} is there to show`);
    const workflow = shortened(parseWorkflow(path === 'README.md' ? readme() : read(path)));
    await using stage = await openStage(example.stage);
    await example.before?.(stage);
    const contexts = { github, inputs: dispatched(workflow), secrets: { KUBECONFIG: stage.served.kubeconfig } };
    const steps = await runWorkflow(workflow, { contexts, instead: example.instead ?? {}, files: example.files ?? {} });

    const shown = steps.map(({ name, ended, printed, action }) => {
      const { result, reason } = action?.outputs ?? {};
      return [name, action === undefined ? (printed?.trim() ?? ended) : `${result}, ${reason}`] as const;
    });
    const logs = steps.flatMap(({ action }) => action?.log.map(({ line }) => line) ?? []).join('\n');
    expect(Object.fromEntries(shown), logs).toEqual(example.shows);
    for (const { action } of steps) if (action !== undefined) expectSafe(expect, { result: action, requests: [] });
    await example.after?.(stage, expect);
    expect(imagesOf(stage.sandbox)).toEqual([example.image]);
    expect(stage.left().map((left) => left.replace(/-[0-9a-f]{10}$/u, ''))).toEqual(example.left ?? []);
    expect(stage.broken()).toEqual([]);
    if (example.downtime !== true) expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});
