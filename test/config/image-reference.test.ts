import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatImageReference, isDigest, isTag, parseImageReference, withTag } from '../../src/rollout/plan/image-reference.ts';
import { anyText } from './any-text.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('parseImageReference', () => {
  test.each([
    ['nginx', { repository: 'nginx' }],
    ['nginx:1.27', { repository: 'nginx', tag: '1.27' }],
    ['registry:5000/team/app', { repository: 'registry:5000/team/app' }],
    ['registry:5000/team/app:v1', { repository: 'registry:5000/team/app', tag: 'v1' }],
    ['localhost/app:v1', { repository: 'localhost/app', tag: 'v1' }],
    ['127.0.0.1:5000/app', { repository: '127.0.0.1:5000/app' }],
    ['[::1]:5000/app:v1', { repository: '[::1]:5000/app', tag: 'v1' }],
    ['REGISTRY.example.com/app:V1', { repository: 'REGISTRY.example.com/app', tag: 'V1' }],
    ['MYREGISTRY/app', { repository: 'MYREGISTRY/app' }],
    ['a__b/c---d/e_f.g', { repository: 'a__b/c---d/e_f.g' }],
    [`app@${digest}`, { repository: 'app', digest }],
    [`ghcr.io/acme/app:v1@${digest}`, { repository: 'ghcr.io/acme/app', tag: 'v1', digest }],
  ])('%s', (text, reference) => {
    expect(parseImageReference(text)).toEqual(reference);
  });

  test.each([
    [' nginx', 'a space'],
    ['nginx ', 'a space'],
    ['', 'missing'],
    [':v1', 'missing'],
    ['NGINX', 'lower case'],
    ['team/App', 'lower case'],
    ['nginx:', 'a tag has'],
    ['nginx:-v1', 'a tag has'],
    ['nginx:v 1', 'a tag has'],
    [`nginx:${'a'.repeat(129)}`, 'a tag has'],
    ['nginx@sha256:abc', 'the digest'],
    [`nginx@${digest.toUpperCase()}`, 'the digest'],
    [`nginx@${digest}@${digest}`, 'the digest'],
    [digest.slice(7), 'names no image'],
    ['a//b', 'slashes'],
    ['/app', 'slashes'],
    ['app/', 'slashes'],
    ['my_host:5000/app', 'not a registry'],
    ['registry:port/app', 'not a registry'],
    ['https://ghcr.io/app', 'not a registry'],
    ['a___b', 'separators'],
    ['-app', 'separators'],
    [`${'a/'.repeat(150)}a`, 'longer than 255'],
  ])('refuses %j', (text, problem) => {
    expect(parseImageReference(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('round trip', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[_-][a-z0-9]{1,8}){0,2}$/);
    const host = fc.constantFrom('', 'ghcr.io/', 'localhost/', 'registry:5000/', 'Reg.Example.com:443/', '[2001:db8::1]:5000/');
    const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined });
    const hash = fc.option(fc.stringMatching(/^sha256:[0-9a-f]{64}$/), { nil: undefined });
    fc.assert(
      fc.property(host, fc.array(part, { minLength: 1, maxLength: 4 }), tag, hash, (prefix, parts, tagText, digestText) => {
        const repository = `${prefix}${parts.join('/')}`;
        const reference = {
          repository,
          ...(tagText === undefined ? {} : { tag: tagText }),
          ...(digestText === undefined ? {} : { digest: digestText }),
        };
        expect(parseImageReference(formatImageReference(reference))).toEqual(reference);
      }),
    );
  });

  test('whatever it accepts has no space, and is written back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: fc.constantFrom(...'abAB09._-:/@[] ') })), (text) => {
        const reference = parseImageReference(text);
        if ('problem' in reference) return;
        expect(formatImageReference(reference)).toBe(text);
        expect(text).not.toMatch(/\s/);
      }),
    );
  });
});

describe('withTag', () => {
  test.each([
    [{ repository: 'registry:5000/app' }, 'v2', 'registry:5000/app:v2'],
    [{ repository: 'app', tag: 'v1' }, digest, `app@${digest}`],
    [{ repository: 'app', tag: 'v1', digest }, 'v2', 'app:v2'],
    [{ repository: 'app', digest }, digest, `app@${digest}`],
  ])('%j with %s', (reference, tag, text) => {
    expect(withTag(reference, tag)).toBe(text);
  });
});

test('tags and digests', () => {
  expect([isTag('v1'), isTag('.v1'), isTag(''), isTag(digest)]).toEqual([true, false, false, false]);
  expect([isDigest(digest), isDigest('sha256:abc'), isDigest(`sha512:${'a'.repeat(128)}`)]).toEqual([true, false, true]);
});
