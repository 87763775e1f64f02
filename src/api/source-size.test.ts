import { expect, test } from '@jest/globals';
import { jsonBytes, jsonDigest } from './source-size.ts';

test.each<[unknown, number]>([
  [undefined, 0],
  ['a', 3],
  ['"', 4],
  ['é', 4],
  ['\u0001', 8],
  [{ a: [1] }, 9],
])('%j has %i bytes', (value, bytes) => {
  expect(jsonBytes(value)).toBe(bytes);
});

test('the digest is that of the content: the order of members does not count, that of a list does', () => {
  const digest = jsonDigest({ a: 1, b: { c: [1, 2], d: null } });
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(jsonDigest({ b: { d: null, c: [1, 2] }, a: 1 })).toBe(digest);
  expect(jsonDigest({ a: 1, b: { c: [2, 1], d: null } })).not.toBe(digest);
  expect(jsonDigest(undefined)).not.toBe(jsonDigest('undefined'));
});
