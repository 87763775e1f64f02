import { describe, expect, test } from '@jest/globals';
import { Width } from './width.ts';

/** One window after the other: bytes a millisecond with the connections of that time, and how much of it the reader waited. */
function widths(rateWith: (connections: number) => number, waiting: number, windows: number): number[] {
  const width = new Width();
  const seen: number[] = [];
  let [atMs, bytes, waitedMs] = [5000, 0, 0];
  width.observe({ atMs, bytes, waitedMs });
  for (let window = 0; window < windows; window++) {
    atMs += 100;
    bytes += 100 * rateWith(width.connections);
    waitedMs += 100 * waiting;
    width.observe({ atMs, bytes, waitedMs });
    seen.push(width.connections);
  }
  return seen;
}

describe('connections', () => {
  test.each<[string, (connections: number) => number, number, number[]]>([
    ['rise to the most where each brings its share', (n) => 40_000 * n, 1, [4, 4, 16, 16, 16, 16, 16]],
    ['stay one on a link that is full', () => 1_000_000, 1, [4, 4, 1, 1, 1, 1, 1]],
    ['stay four where four fill the link', (n) => Math.min(n, 4) * 40_000, 1, [4, 4, 16, 16, 4, 4, 4]],
    ['stay one for a reader that is slower than one', (n) => 40_000 * n, 0.2, [1, 1, 1]],
  ])('%s', (_what, rateWith, waiting, expected) => {
    expect(widths(rateWith, waiting, expected.length)).toEqual(expected);
  });

  test('are tried again after a minute', () => {
    const seen = widths(() => 1_000_000, 1, 700);
    expect(seen.slice(3, 590).every((connections) => connections === 1)).toBe(true);
    expect(seen.slice(590)).toContain(4);
  });

  test('are one for ever once given up', () => {
    const width = new Width();
    width.giveUp();
    for (let atMs = 0; atMs < 1_000_000; atMs += 100) width.observe({ atMs, bytes: atMs, waitedMs: atMs });
    expect(width.connections).toBe(1);
  });
});
