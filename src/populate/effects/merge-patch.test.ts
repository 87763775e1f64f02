import { expect, test } from '@jest/globals';
import { replacement } from './merge-patch.ts';

test.each([
  ['a member that is gone is removed by name', { a: 1, b: 2 }, { a: 1 }, { a: 1, b: null }],
  ['also inside of a member', { a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: null } }],
  ['a list is replaced as a whole', { a: [1, 2] }, { a: [3] }, { a: [3] }],
  ['what was no object is replaced', { a: 'text' }, { a: { b: 1 } }, { a: { b: 1 } }],
  ['an object gives way to what is none', { a: { b: 1 } }, { a: null }, { a: null }],
  ['nothing was there', undefined, { a: 1 }, { a: 1 }],
])('%s', (_name, old, next, patch) => {
  expect(replacement(old, next)).toEqual(patch);
});
