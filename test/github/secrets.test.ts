import { expect, test } from 'vitest';
import { maskSecrets } from '../../src/github/secrets.ts';

function masked(...values: readonly string[]): readonly string[] {
  const found: string[] = [];
  maskSecrets(values, (value) => found.push(value));
  return found;
}

test('a token', () => {
  expect(masked('abcdef.ghijkl', 'abcdef.ghijkl')).toEqual(['abcdef.ghijkl']);
});

test('a key, its lines, and the lines that base64 hides', () => {
  const key = '-----BEGIN KEY-----\nMIIBVAIBADAN\nc2VjcmV0\n-----END KEY-----\n';
  const base64 = Buffer.from(key).toString('base64');
  expect(masked(base64)).toEqual([base64, 'MIIBVAIBADAN', 'c2VjcmV0']);
});

test('a password in base64', () => {
  expect(masked(Buffer.from('correct horse').toString('base64'))).toContain('correct horse');
});

test('not what stands everywhere', () => {
  expect(masked('', 'true', '\n', '-----BEGIN KEY-----')).toEqual([]);
  expect(masked(Buffer.from('apiVersion: v1\nkind: Config\n').toString('base64'))).toHaveLength(1);
});
