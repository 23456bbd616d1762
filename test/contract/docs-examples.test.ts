import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseWorkflow } from '../runner/workflow-file.ts';

const root = join(import.meta.dirname, '../..');
const readme = /```yaml\n(name: release[\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
const examples = readdirSync(join(root, 'examples')).map((file): [string, string] => [
  `examples/${file}`,
  readFileSync(join(root, 'examples', file), 'utf8'),
]);

describe.each([['README.md', readme] as const, ...examples])('%s', (_path, workflow) => {
  test('has the least permissions, and never cancels a release', () => {
    expect(workflow).toMatch(/^permissions:(?: \{contents: read\}|\n {2}contents: read)$/m);
    expect(workflow).toMatch(/cancel-in-progress: false/);
    expect(workflow).not.toMatch(/^\s*pull_request_target:/m);
  });

  test('puts no expression into a shell', () => {
    for (const { steps } of parseWorkflow(workflow).jobs) for (const { run } of steps) expect(run).not.toContain('$' + '{{');
  });
});
