import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRunContext } from '../../src/github/run-context.ts';

const folder = mkdtempSync(join(tmpdir(), 'context-'));
afterAll(() => rmSync(folder, { recursive: true }));

function eventFile(text: string): string {
  const path = join(folder, 'event.json');
  writeFileSync(path, text);
  return path;
}

const env = {
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ID: '7',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_ACTOR: 'octocat',
  GITHUB_SHA: '0123',
};

test('inside a runner', () => {
  expect(readRunContext({ ...env, GITHUB_EVENT_PATH: eventFile('{"repository":{"private":true}}') })).toEqual({
    runUrl: 'https://github.com/acme/shop/actions/runs/7',
    repository: 'acme/shop',
    actor: 'octocat',
    sha: '0123',
    attempt: 1,
    repositoryPrivate: true,
  });
});

test('a second attempt has an address of its own', () => {
  expect(readRunContext({ ...env, GITHUB_RUN_ATTEMPT: '2' })).toMatchObject({
    attempt: 2,
    runUrl: 'https://github.com/acme/shop/actions/runs/7/attempts/2',
  });
});

test('outside of a runner', () => {
  expect(readRunContext({})).toEqual({
    runUrl: undefined,
    repository: undefined,
    actor: undefined,
    sha: undefined,
    attempt: 1,
    repositoryPrivate: undefined,
  });
});

test.each(['{"repository":{"private":"yes"}}', '{"repository":null}', '[]', 'null', 'not JSON'])(
  'an event that does not say: %s',
  (text) => {
    expect(readRunContext({ GITHUB_EVENT_PATH: eventFile(text) }).repositoryPrivate).toBeUndefined();
  },
);

test('an event file that is not there', () => {
  expect(readRunContext({ GITHUB_EVENT_PATH: join(folder, 'none') }).repositoryPrivate).toBeUndefined();
});
