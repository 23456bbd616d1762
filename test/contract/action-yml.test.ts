import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseInputs } from '../../src/config/inputs.ts';
import { type InputDefinition, inputSchema } from '../../src/config/schema.ts';
import type { OutputName } from '../../src/github/outputs.ts';
import { parseActionFile } from '../runner/action-file.ts';
import { entriesOf, renderInputsTable, renderOutputsTable, scalar } from './readme-tables.ts';

const root = join(import.meta.dirname, '../..');
const actionYml = readFileSync(join(root, 'action.yml'), 'utf8');
const readmePath = join(root, 'README.md');

describe('action.yml', () => {
  const action = parseActionFile(actionYml);

  test('has the inputs of the schema, in its order', () => {
    const expected = inputSchema.map(({ name, ...rest }: InputDefinition) => [
      name,
      { required: rest.required ?? false, fallback: rest.default },
    ]);
    expect([...action.inputs]).toEqual(expected);
  });

  test('has the outputs of the code', () => {
    const expected: Readonly<Record<OutputName, true>> = {
      result: true,
      reason: true,
      image: true,
      'previous-image': true,
      'judged-by': true,
      samples: true,
      json: true,
    };
    expect(entriesOf(actionYml, 'outputs').map(([name]) => name)).toEqual(Object.keys(expected));
  });

  test('describes each of them in sentences', () => {
    for (const [name, entry] of [...entriesOf(actionYml, 'inputs'), ...entriesOf(actionYml, 'outputs')]) {
      expect(scalar(entry, 'description'), name).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('runs the committed bundle, before and after', () => {
    expect(action).toMatchObject({ using: 'node24', main: 'dist/index.js', post: 'dist/index.js', postIf: 'always()' });
  });

  test('its defaults are valid', () => {
    const given: Record<string, string> = { deployment: 'web', tag: 'v2' };
    expect(() =>
      parseInputs((name) => given[name] ?? action.inputs.get(name)?.fallback ?? '', { repositoryPrivate: undefined }),
    ).not.toThrow();
  });
});

describe.runIf(existsSync(readmePath))('README.md', () => {
  test.each([
    ['inputs', renderInputsTable(actionYml)],
    ['outputs', renderOutputsTable(actionYml)],
  ])('has the table of %s', (name, table) => {
    const readme = readFileSync(readmePath, 'utf8');
    const found = new RegExp(`<!-- ${name} -->\\n+([\\s\\S]*?)\\n+<!-- /${name} -->`).exec(readme)?.[1];
    expect(found).toBe(table);
  });
});
