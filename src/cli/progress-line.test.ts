import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRate, duration, progressLine, size } from './progress-line.ts';

const MIB = 1024 ** 2;

describe('the line', () => {
  test.each([
    [
      'all is known',
      { bytesDone: 25 * MIB, bytesTotal: 100 * MIB, percent: 25, files: 12 },
      10 * MIB,
      ' 25% [##########..............................] 25.0 MiB of 100 MiB  12 files  10.0 MiB/s  8 s left',
    ],
    ['the length is not', { bytesDone: 25 * MIB, files: 12 }, 10 * MIB, '25.0 MiB  12 files  10.0 MiB/s'],
    ['nothing came yet', { bytesDone: 0, files: 0 }, undefined, '0 B  0 files'],
    [
      'it stands still',
      { bytesDone: MIB, bytesTotal: 2 * MIB, percent: 50 },
      0,
      ' 50% [####################....................] 1.0 MiB of 2.0 MiB  0 B/s',
    ],
  ])('where %s', (_what, progress, bytesPerSecond, line) => {
    expect(progressLine(progress, { bytesPerSecond, columns: 120 })).toBe(line);
  });

  test('drops the bar where the terminal has no room for it', () => {
    const progress = { bytesDone: 25 * MIB, bytesTotal: 100 * MIB, percent: 25, files: 12 };
    expect(progressLine(progress, { bytesPerSecond: 10 * MIB, columns: 62 })).toBe(
      ' 25%  25.0 MiB of 100 MiB  12 files  10.0 MiB/s  8 s left',
    );
  });

  test('never fills the terminal', () => {
    const count = fc.nat(2 ** 53);
    fc.assert(
      fc.property(count, count, fc.nat(100), fc.integer({ min: 2, max: 300 }), (done, total, percent, columns) => {
        const line = progressLine(
          { bytesDone: done, bytesTotal: total, percent, files: done },
          { bytesPerSecond: total, columns },
        );
        expect(line.length).toBeLessThan(columns);
      }),
    );
  });
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [150 * 1024, '150 KiB'],
  [MIB - 1, '1024 KiB'],
  [MIB, '1.0 MiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (bytes, words) => expect(size(bytes)).toBe(words));

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [60, '1 min 0 s'],
  [3599.5, '1 h 0 min'],
  [7290, '2 h 1 min'],
])('%d seconds are %s', (seconds, words) => expect(duration(seconds)).toBe(words));

test('the rate is that of the last reports', () => {
  const rate = createRate();
  expect(rate(0, 0)).toBeUndefined();
  expect(rate(1000, 1000)).toBe(1000);
  for (let second = 2; second <= 6; second++) rate(1000, second * 1000);
  expect(rate(1000, 7000)).toBe(0);
  expect(rate(7000, 8000)).toBe(1200);
});
