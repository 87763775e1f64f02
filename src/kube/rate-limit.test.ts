import { expect, test } from '@jest/globals';
import { tokenBucket } from './rate-limit.ts';

const never = new AbortController().signal;

test('a burst goes at once, and what comes after waits for its turn', async () => {
  const limit = tokenBucket(1000, 3);
  const began = performance.now();
  const took = async () => {
    await limit.take(never);
    return performance.now() - began;
  };
  const times = await Promise.all([took(), took(), took(), took(), took()]);
  expect(Math.min(...times.slice(3))).toBeGreaterThan(Math.max(...times.slice(0, 3)));
});

test('who stops waits no longer', async () => {
  const limit = tokenBucket(0.001, 1);
  await limit.take(never);
  await expect(limit.take(AbortSignal.abort())).rejects.toThrow();
});
