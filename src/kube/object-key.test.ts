import { expect, test } from '@jest/globals';
import { formatKey, parseKey } from './object-key.ts';

test.each([
  [{ name: 'pv-1' }, 'pv-1'],
  [{ namespace: 'a', name: 'data' }, 'a/data'],
])('%j is spelled %s and read back', (key, text) => {
  expect(formatKey(key)).toBe(text);
  expect(parseKey(text)).toEqual(key);
});
