import { describe, expect, test } from '@jest/globals';
import { type FailedTry, parseRetryAfter, retryDelay } from './retry.ts';

const answered = (status: number, retryAfterMs?: number): FailedTry => ({ type: 'answered', status, retryAfterMs });
const broken = (sent: boolean): FailedTry => ({ type: 'broken', sent });

describe('retryDelay', () => {
  test.each<[string, FailedTry, number, boolean, 'retry' | 'give up' | number]>([
    ['a connection that broke, idempotent', broken(true), 1, true, 'retry'],
    ['a connection that broke after the request was sent, not idempotent', broken(true), 1, false, 'give up'],
    ['a connection that never came about, not idempotent', broken(false), 1, false, 'retry'],
    ['a connection that broke five times', broken(false), 5, true, 'give up'],
    ['429 with Retry-After, not idempotent', answered(429, 3000), 1, false, 3000],
    ['429 with Retry-After, many times', answered(429, 1000), 40, false, 1000],
    ['429 without Retry-After', answered(429), 1, false, 'retry'],
    ['503 with Retry-After, not idempotent', answered(503, 2000), 1, false, 2000],
    ['503 without Retry-After, not idempotent', answered(503), 1, false, 'give up'],
    ['503 without Retry-After, idempotent', answered(503), 1, true, 'retry'],
    ['500, idempotent', answered(500), 1, true, 'retry'],
    ['500, not idempotent', answered(500), 1, false, 'give up'],
    ['500 five times', answered(500), 5, true, 'give up'],
    ['504, idempotent', answered(504), 2, true, 'retry'],
    ['501', answered(501), 1, true, 'give up'],
    ['409', answered(409), 1, true, 'give up'],
    ['200', answered(200), 1, true, 'give up'],
  ])('%s', (_, failed, tries, idempotent, expected) => {
    const delay = retryDelay(failed, tries, idempotent);
    if (expected === 'give up') expect(delay).toBeUndefined();
    else if (expected === 'retry') expect(delay).toBeGreaterThan(0);
    else expect(delay).toBe(expected);
  });
});

test.each([
  ['1', 1000],
  ['0', 0],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ['-1', undefined],
  ['999999', undefined],
  [undefined, undefined],
])('Retry-After %j is %j ms', (header, ms) => {
  expect(parseRetryAfter(header)).toBe(ms);
});
