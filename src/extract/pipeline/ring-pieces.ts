import type { Pieces } from '../decode/pieces.ts';
import type { RingConsumer } from '../ring/slot-ring.ts';

/** One body from a ring, up to its empty slot. A slot is released when the next one is asked for. */
export function ringPieces(ring: RingConsumer): Pieces {
  let holding = false;
  let ended = false;
  const letGo = () => {
    if (holding) ring.release();
    holding = false;
  };
  const arrived = (slot: Buffer): Buffer | undefined => {
    holding = true;
    if (slot.length > 0) return slot;
    letGo();
    ended = true;
    return undefined;
  };
  return {
    next() {
      letGo();
      return ended ? undefined : arrived(ring.take());
    },
    async nextAsync() {
      letGo();
      return ended ? undefined : arrived(await ring.takeAsync());
    },
  };
}
