import { beforeEach, describe, expect, test } from '@jest/globals';
import { RepositoryTurns } from './repository-turns.ts';

const R = 'app/repo/';
const HOUR = 60 * 60_000;

let turns: RepositoryTurns;
beforeEach(() => {
  turns = new RepositoryTurns();
});

/** As when A's pod was asked for and made at `at`. */
function madeBy(pod: string, at: number): void {
  turns.take(R, pod, at);
  turns.asked(R, pod);
  turns.answered(R, pod, at);
}

test('one at a time makes a repository; others are others', () => {
  expect(turns.take(R, 'a', 0)).toBe(true);
  expect(turns.take(R, 'b', 0)).toBe(false);
  expect(turns.take(R, 'a', 1)).toBe(true);
  expect(turns.holder(R, 1)).toBe('a');
  expect(turns.take('app/other/', 'b', 0)).toBe(true);
});

test('a repository that was opened lately is free for all, and forgotten after an hour', () => {
  madeBy('a', 0);
  turns.want(R, 1);
  turns.opened(R, 1);
  for (const pod of ['b', 'c']) expect(turns.take(R, pod, HOUR)).toBe(true);
  expect(turns.holder(R, HOUR)).toBeUndefined();
  expect(turns.isWanted(R, 2)).toBe(false);
  expect(turns.take(R, 'b', HOUR + 1)).toBe(true);
  expect(turns.take(R, 'c', HOUR + 1)).toBe(false);
});

describe('a turn under which no pod was asked for', () => {
  test('is given up by its own capture alone', () => {
    turns.take(R, 'a', 0);
    turns.giveUp('b');
    expect(turns.take(R, 'b', 0)).toBe(false);
    turns.giveUp('a');
    expect(turns.take(R, 'b', 0)).toBe(true);
  });

  test('ends when nobody comes back to it; each step towards the pod renews it', () => {
    turns.take(R, 'a', 0);
    turns.take(R, 'a', 60_000);
    expect(turns.take(R, 'b', 5 * 60_000)).toBe(false);
    expect(turns.take(R, 'b', 6 * 60_000)).toBe(true);
    expect(turns.take(R, 'a', 6 * 60_000)).toBe(false);
  });

  test('is not ended by a list', () => {
    turns.take(R, 'a', 0);
    turns.seen(R, [], 10);
    expect(turns.holder(R, 10)).toBe('a');
  });
});

describe('a turn under which a pod was asked for', () => {
  test('lasts as long as the pod is under way, however long that is, and whatever its capture does', () => {
    madeBy('a', 0);
    turns.giveUp('a');
    turns.seen(R, ['a'], 48 * HOUR);
    expect(turns.take(R, 'b', 48 * HOUR)).toBe(false);
    turns.seen(R, [], 48 * HOUR);
    expect(turns.take(R, 'b', 48 * HOUR)).toBe(true);
  });

  test('is not ended by a list that was begun before the pod was there', () => {
    madeBy('a', 10);
    turns.seen(R, [], 10);
    expect(turns.holder(R, 10)).toBe('a');
  });

  test('is not ended by any list before there is an answer, and by a late one after an error', () => {
    turns.take(R, 'a', 0);
    turns.asked(R, 'a');
    turns.seen(R, [], HOUR);
    expect(turns.holder(R, HOUR)).toBe('a');
    turns.answered(R, 'a', HOUR + 120_000);
    turns.seen(R, [], HOUR + 120_000);
    expect(turns.holder(R, HOUR)).toBe('a');
    turns.seen(R, [], HOUR + 120_001);
    expect(turns.holder(R, HOUR)).toBeUndefined();
  });

  test('is over when the pod is refused', () => {
    turns.take(R, 'a', 0);
    turns.asked(R, 'a');
    turns.refused(R, 'b');
    expect(turns.take(R, 'b', 0)).toBe(false);
    turns.refused(R, 'a');
    expect(turns.take(R, 'b', 0)).toBe(true);
  });
});

test('who waits is known for a minute', () => {
  expect(turns.isWanted(R, 0)).toBe(false);
  turns.want(R, 0);
  expect(turns.isWanted(R, 59_999)).toBe(true);
  expect(turns.isWanted(R, 60_000)).toBe(false);
});
