/**
 * Milliseconds that pass at least as fast as on the monotonic clock and on the wall clock. The monotonic clock stands still while a
 * machine is suspended, the wall clock can be set back: who asks "is my time over?" must not be fooled by either. Never use it to ask
 * whether somebody else's time is over.
 */
export function hastyClock(
  monotonic: () => number = () => performance.now(),
  wall: () => number = Date.now,
): () => number {
  let lastMonotonic = monotonic();
  let lastWall = wall();
  let passed = 0;
  return () => {
    const nowMonotonic = monotonic();
    const nowWall = wall();
    passed += Math.max(nowMonotonic - lastMonotonic, nowWall - lastWall, 0);
    lastMonotonic = nowMonotonic;
    lastWall = nowWall;
    return passed;
  };
}
