import { describe, expect, test } from '@jest/globals';
import { backoffDelay } from './backoff.ts';

const backoff = { baseMs: 100, capMs: 5_000 };

describe('backoffDelay', () => {
  test.each([
    [1, 50, 100],
    [2, 100, 200],
    [6, 1600, 3200],
    [7, 2500, 5000],
    [5000, 2500, 5000],
  ])('after %i failures lies between %i and %i ms', (failures, least, most) => {
    expect(backoffDelay(backoff, failures, () => 0)).toBe(least);
    expect(backoffDelay(backoff, failures, () => 1)).toBe(most);
  });
});
