import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseQuantity } from './quantity.ts';

test.each<readonly [string, bigint | undefined]>([
  ['64Mi', 67_108_864n],
  ['1.5Gi', 1_610_612_736n],
  ['1G', 1_000_000_000n],
  ['1e3', 1_000n],
  ['12E2', 1_200n],
  ['2E', 2_000_000_000_000_000_000n],
  ['1Ei', 1_152_921_504_606_846_976n],
  ['100m', 1n],
  ['1500m', 2n],
  ['.5Ki', 512n],
  ['0', 0n],
  ['-1k', -1_000n],
  ['', undefined],
  ['.', undefined],
  ['Mi', undefined],
  ['1 Gi', undefined],
  ['1gb', undefined],
])('%s', (text, bytes) => {
  expect(parseQuantity(text)).toBe(bytes);
});

test('a plain number is itself', () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n }), (bytes) => parseQuantity(String(bytes)) === bytes));
});
