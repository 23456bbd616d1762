import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseInputs } from '../../src/config/inputs.ts';
import { inputSchema } from '../../src/config/schema.ts';

const root = join(import.meta.dirname, '../..');
const readme = /```yaml\n(name: release[\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
const examples = readdirSync(join(root, 'examples')).map((file): [string, string] => [
  `examples/${file}`,
  readFileSync(join(root, 'examples', file), 'utf8'),
]);

/** What stands below each `uses: OWNER/gated-rollout@…` in its `with:`. Knows only what our own examples use, and throws at anything else. */
function inputsOf(workflow: string): readonly Readonly<Record<string, string>>[] {
  const lines = workflow.split('\n');
  return lines.flatMap((line, index) => {
    if (!/uses: OWNER\/gated-rollout@/.test(line)) return [];
    const start = lines.findIndex((one, at) => at > index && one.trim() === 'with:');
    return [readBlock(lines, start)];
  });
}

function readBlock(lines: readonly string[], start: number): Readonly<Record<string, string>> {
  const inputs: Record<string, string> = {};
  const indent = indentOf(lines[start] ?? '') + 2;
  let name = '';
  for (const line of lines.slice(start + 1)) {
    if (line.trim() !== '' && indentOf(line) < indent) break;
    if (line.trim() === '') continue;
    if (indentOf(line) > indent) {
      inputs[name] = `${inputs[name]}${line.trim()}\n`;
      continue;
    }
    const [, key = '', value = ''] = /^\s*([a-z-]+): (.+)$/.exec(line) ?? [];
    if (key === '') throw new Error(`cannot read "${line}"`);
    name = key;
    inputs[key] = value === '|' ? '' : value;
  }
  return inputs;
}

/** What stands for an expression, where the tag would not do. */
const filled: Readonly<Record<string, string>> = { image: 'shop/web:v2', 'canary-deployment': 'other', 'green-deployment': 'other' };

const indentOf = (line: string): number => line.length - line.trimStart().length;

describe.each([['README.md', readme] as const, ...examples])('%s', (_path, workflow) => {
  const releases = inputsOf(workflow);

  test('gives inputs that exist, and values that are valid', () => {
    expect(releases.length).toBeGreaterThan(0);
    const names: readonly string[] = inputSchema.map((input) => input.name);
    for (const inputs of releases) {
      for (const name of Object.keys(inputs)) expect(names).toContain(name);
      const value = (name: string): string => (inputs[name] ?? '').replace(/^\$\{\{.*\}\}$/, filled[name] ?? 'v2');
      expect(() => parseInputs(value, { repositoryPrivate: undefined })).not.toThrow();
    }
  });

  test('has the least permissions, and never cancels a release', () => {
    expect(workflow).toMatch(/^permissions:(?: \{contents: read\}|\n {2}contents: read)$/m);
    expect(workflow).toMatch(/cancel-in-progress: false/);
    expect(workflow).not.toMatch(/^\s*pull_request_target:/m);
  });

  test('puts no expression into a shell', () => {
    for (const line of workflow.split('\n')) if (/^\s*(?:- )?run:/.test(line)) expect(line).not.toContain('$' + '{{');
    expect(workflow).not.toMatch(/run: [|>]/);
  });
});
