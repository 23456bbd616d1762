import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

function sourcesIn(folder: string): readonly string[] {
  const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return found.filter((path) => path.endsWith('.ts') && !path.includes('node_modules')).map((path) => join(folder, path));
}

function filesWith(folder: string, pattern: RegExp): readonly string[] {
  const sources = sourcesIn(folder);
  expect(sources.length).toBeGreaterThan(0);
  return sources.filter((path) => pattern.test(readFileSync(join(root, path), 'utf8')));
}

// What the linter cannot see: a global's method, and the name of a test double.
test('src/rollout throws no dice', () => {
  expect(filesWith('src/rollout', /Math\s*\.\s*random/)).toEqual([]);
});

test('no test replaces a module', () => {
  expect(filesWith('test', /\bvi\s*\.\s*(?:mock|doMock)\b/)).toEqual([]);
});
