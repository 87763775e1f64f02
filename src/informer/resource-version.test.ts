import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareResourceVersions } from './resource-version.ts';

test('orders versions as integers, beyond what a number can hold', () => {
  const version = fc.bigInt({ min: 1n, max: 2n ** 70n });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const order = compareResourceVersions(String(a), String(b)) ?? Number.NaN;
      expect(Math.sign(order)).toBe(a === b ? 0 : a < b ? -1 : 1);
    }),
  );
});

test.each([
  ['abc', '1'],
  ['1', '01'],
  ['1', ''],
  ['1', '0'],
  ['1.5', '2'],
])('%j and %j cannot be ordered', (a, b) => {
  expect(compareResourceVersions(a, b)).toBeUndefined();
});

test('the same spelling is the same version, whatever it means', () => {
  expect(compareResourceVersions('abc', 'abc')).toBe(0);
});
