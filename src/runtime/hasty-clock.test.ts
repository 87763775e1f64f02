import { expect, test } from '@jest/globals';
import { hastyClock } from './hasty-clock.ts';

const ago = (monotonicMs: number, wallMs: number) => ({
  monotonic: performance.now() - monotonicMs,
  wall: Date.now() - wallMs,
});

test.each([
  ['both clocks moved', ago(5_000, 5_000)],
  ['the machine was suspended: only the wall clock moved', ago(0, 5_000)],
  ['the wall clock was set back: only the monotonic one moved', ago(5_000, -3_600_000)],
])('%s', (_, mark) => {
  const passed = hastyClock.since(mark);
  expect(passed).toBeGreaterThanOrEqual(4_999);
  expect(passed).toBeLessThan(60_000);
});
