import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namesFor } from '../../src/rollout/names.ts';
import { permissionsFor, renderRoles } from '../../src/rollout/plan/permissions.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'test/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];

/** The members of a union of string literals, in the order of the source. */
function membersOf(path: string, type: string): readonly string[] {
  const body = new RegExp(`export type ${type} =([\\s\\S]*?);`).exec(read(path))?.[1] ?? '';
  return [...body.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** First cells, as code, of the rows of the tables below a heading. */
function rowsBelow(path: string, heading: string): readonly (readonly string[])[] {
  const section =
    read(path)
      .split(/^## /m)
      .find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

describe('docs/troubleshooting.md', () => {
  test.each([
    ['Refusals', 'src/errors.ts', 'UserErrorCode'],
    ['Reasons', 'src/rollout/verdict.ts', 'ReasonCode'],
  ])('%s has a row for each member of %s %s, and no other', (heading, path, type) => {
    const members = membersOf(path, type);
    expect(members.length).toBeGreaterThan(0);
    expect(rowsBelow('docs/troubleshooting.md', heading).map(([first]) => first)).toEqual(members.map((member) => `\`${member}\``));
  });

  test('names the results of the code', () => {
    const results = membersOf('src/rollout/verdict.ts', 'Result');
    for (const [reason, cell] of rowsBelow('docs/troubleshooting.md', 'Reasons')) {
      for (const result of (cell ?? '').split(', ')) expect(results, `${reason}`).toContain(result);
    }
  });
});

test('README.md has the Role that the code prints', () => {
  const proxied = { namespace: 'monitoring', nameAndPort: 'prometheus:9090' };
  const needs = { namespace: 'shop', deployment: 'web', names: namesFor('web'), logs: true, claims: [], proxied };
  const found = /<!-- role -->\n```yaml\n([\s\S]*?)```\n<!-- \/role -->/.exec(read('README.md'))?.[1];
  expect(found).toBe(renderRoles(permissionsFor(needs), 'gated-rollout'));
});

describe('ARCHITECTURE.md', () => {
  const rows = read('ARCHITECTURE.md')
    .split('\n')
    .filter((line) => /^\| I\d+ \|/.test(line));

  test('has each invariant once, as Never or Only', () => {
    expect(rows.map((row) => row.split(' ')[1])).toEqual(Array.from({ length: 14 }, (_, index) => `I${index + 1}`));
    for (const row of rows) expect(row).toMatch(/^\| I\d+ \| (?:Never|Only|Unknown never) /);
  });

  test('is no longer than 150 lines', () => expect(read('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(150));
});

describe.each(documents)('%s', (path) => {
  const text = read(path);

  test('links to what exists', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      expect(existsSync(join(root, linked)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(linked)), target).toContain(anchor);
    }
  });

  test('names files that exist', () => {
    for (const [, file = ''] of text.matchAll(/`((?:src|test|docs|examples|sandbox|demo|scripts|\.github)\/[\w./-]+)`/g)) {
      expect(existsSync(join(root, file)) || file.endsWith('NAME.ts') || file === 'src/routing/', file).toBe(true);
    }
  });

  test('names tests that exist', () => {
    for (const [, file = '', names = ''] of text.matchAll(/`(test\/[\w./-]+\.test\.ts)` (?:\([a-z]+, )?((?:(?:, )?"[^"]+")+)/g)) {
      const tests = read(file);
      for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) expect(tests, file).toContain(`'${name}'`);
    }
  });

  test('names scenarios that exist', () => {
    for (const [, name = ''] of text.matchAll(/`scenario: ([^`]+)`/g)) expect(scenarios, name).toContain(name);
  });

  test('names npm scripts that exist', () => {
    const scripts = Object.keys((JSON.parse(read('package.json')) as { readonly scripts: object }).scripts);
    for (const [, name = ''] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) expect(scripts, name).toContain(name);
  });

  test('names no path of a machine', () => {
    expect(text).not.toMatch(/(?<![\w.])\/(?:work|root|home|tmp|var)\//);
  });
});

const scenarios = scenarioNames();

/** The names as the runner prints them: literals, and the loop over two signals. */
function scenarioNames(): readonly string[] {
  const files = readdirSync(join(root, 'test/cluster')).filter((file) => file.endsWith('.test.ts'));
  const sources = files.map((file) => read(join('test/cluster', file))).join('\n');
  const found = [...sources.matchAll(/\b(?:scenario|refusedWith)\(\s*(["'`])(.+?)\1/g)].map((match) => match[2] ?? '');
  return found.flatMap((name) =>
    name.includes('$' + '{signal}') ? ['SIGINT', 'SIGTERM'].map((signal) => name.replace('$' + '{signal}', signal)) : [name],
  );
}

/** Anchors as GitHub makes them. */
function anchorsOf(markdown: string): readonly string[] {
  const headings = [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
