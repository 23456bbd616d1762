import { describe, expect, it } from 'vitest';
import { applyJsonPatch, parseJsonPatch } from '../../sandbox/json-patch.ts';
import { applyMergePatch } from '../../sandbox/merge-patch.ts';
import type { JsonObject } from '../../sandbox/objects.ts';

const DOCUMENT: JsonObject = { a: 1, list: ['x', 'y'], deep: { 'b/c': { 'd~e': true } }, text: 't' };
const REJECTED = 'rejected';

const ROWS: readonly (readonly [name: string, patch: unknown, expected: JsonObject | typeof REJECTED])[] = [
  ['nothing', [], DOCUMENT],
  ['a test that holds', [{ op: 'test', path: '/a', value: 1 }], DOCUMENT],
  ['a test that fails', [{ op: 'test', path: '/a', value: 2 }], REJECTED],
  ['a number is not a text', [{ op: 'test', path: '/a', value: '1' }], REJECTED],
  ['a missing member equals null', [{ op: 'test', path: '/none', value: null }], DOCUMENT],
  ['a missing member equals nothing else', [{ op: 'test', path: '/none', value: 'x' }], REJECTED],
  ['a missing parent is an error, even against null', [{ op: 'test', path: '/none/x', value: null }], REJECTED],
  ['a missing index is an error, even against null', [{ op: 'test', path: '/list/2', value: null }], REJECTED],
  ['escapes', [{ op: 'test', path: '/deep/b~1c/d~0e', value: true }], DOCUMENT],
  ['add a member', [{ op: 'add', path: '/b', value: 2 }], { ...DOCUMENT, b: 2 }],
  ['add over a member', [{ op: 'add', path: '/a', value: 2 }], { ...DOCUMENT, a: 2 }],
  ['add into a list', [{ op: 'add', path: '/list/1', value: 'z' }], { ...DOCUMENT, list: ['x', 'z', 'y'] }],
  ['add to the end', [{ op: 'add', path: '/list/-', value: 'z' }], { ...DOCUMENT, list: ['x', 'y', 'z'] }],
  ['add past the end', [{ op: 'add', path: '/list/3', value: 'z' }], REJECTED],
  ['add below nothing', [{ op: 'add', path: '/none/x', value: 1 }], REJECTED],
  ['replace a missing member', [{ op: 'replace', path: '/b', value: 2 }], { ...DOCUMENT, b: 2 }],
  ['replace a missing index', [{ op: 'replace', path: '/list/2', value: 'z' }], REJECTED],
  ['remove', [{ op: 'remove', path: '/list/0' }], { ...DOCUMENT, list: ['y'] }],
  ['remove a missing member', [{ op: 'remove', path: '/none' }], REJECTED],
  ['move', [{ op: 'move', from: '/text', path: '/moved' }], { a: 1, list: ['x', 'y'], deep: { 'b/c': { 'd~e': true } }, moved: 't' }],
  ['copy', [{ op: 'copy', from: '/a', path: '/b' }], { ...DOCUMENT, b: 1 }],
  [
    'all or nothing',
    [
      { op: 'add', path: '/b', value: 2 },
      { op: 'test', path: '/a', value: 2 },
    ],
    REJECTED,
  ],
  ['an unknown operation', [{ op: 'increment', path: '/a' }], REJECTED],
];

describe('JSON Patch', () => {
  it.each(ROWS)('%s', (_name, patch, expected) => {
    const before = structuredClone(DOCUMENT);
    expect(applyJsonPatch(DOCUMENT, parseJsonPatch(patch) ?? []) ?? REJECTED).toEqual(expected);
    expect(DOCUMENT).toEqual(before);
  });

  it('does not let a test without a value pass where nothing is', () => {
    expect(() => applyJsonPatch(DOCUMENT, [{ op: 'test', path: '/none' }])).toThrow('panic');
  });

  it('is a list', () => {
    expect(parseJsonPatch({ op: 'test' })).toBeUndefined();
  });
});

describe('merge patch', () => {
  it.each<readonly [string, JsonObject, JsonObject]>([
    ['sets', { a: 2 }, { ...DOCUMENT, a: 2 }],
    ['removes', { a: null, none: null }, { list: ['x', 'y'], deep: { 'b/c': { 'd~e': true } }, text: 't' }],
    ['goes deep', { deep: { n: 1 } }, { ...DOCUMENT, deep: { 'b/c': { 'd~e': true }, n: 1 } }],
    ['replaces lists whole', { list: ['z'] }, { ...DOCUMENT, list: ['z'] }],
    ['drops nulls inside what is new', { fresh: { a: null, b: 1 } }, { ...DOCUMENT, fresh: { b: 1 } }],
  ])('%s', (_name, patch, expected) => {
    expect(applyMergePatch(DOCUMENT, patch)).toEqual(expected);
  });
});
