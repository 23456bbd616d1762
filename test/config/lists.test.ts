import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseList, repeatedOf } from '../../src/config/lists.ts';

test.each([
  ['a, b,c', ['a', 'b', 'c']],
  ['a\nb\r\nc', ['a', 'b', 'c']],
  ['# all of them\na # first\n\n b,, ', ['a', 'b']],
  ['a#b', ['a#b']],
  ['', []],
])('%j', (text, items) => {
  expect(parseList(text)).toEqual(items);
});

test('reads what was joined, by commas and by lines', () => {
  const item = fc.stringMatching(/^[a-z0-9=.:/-]{1,20}$/);
  fc.assert(
    fc.property(fc.array(item), fc.constantFrom(',', ', ', '\n', '\r\n', ',\n', ' # a comment, here\n'), (items, separator) => {
      expect(parseList(items.join(separator))).toEqual(items);
    }),
  );
});

test('finds what stands there twice', () => {
  expect(repeatedOf(['a', 'b', 'a', 'a', 'c', 'b'])).toEqual(['a', 'b']);
});
