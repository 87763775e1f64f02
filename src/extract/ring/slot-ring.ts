/**
 * A bounded queue of memory slots between two threads: one fills them, the other empties them, and whoever is ahead waits.
 *
 * All of it lies in one SharedArrayBuffer, so that neither side allocates or copies. Waits never miss a wake-up: each side waits for a
 * change of a counter that it read before it looked (an "event count"), and stopping the ring changes both counters.
 */

/** Crosses thread borders as it is. */
export interface RingMemory {
  readonly shared: SharedArrayBuffer;
  readonly slots: number;
  /** Bytes of one slot. */
  readonly slotSize: number;
  /** A consumer that waits is woken once so many slots are filled, or when the producer waits for it. */
  readonly gather: number;
}

/** Thrown by waits of a ring that was stopped: the cause is known to whoever stopped it. */
export class RingStoppedError extends Error {
  constructor() {
    super('the ring was stopped');
    this.name = 'RingStoppedError';
  }
}

/** Words of the control block, which lies before the lengths of the slots. */
const PUBLISHED = 0;
const RELEASED = 1;
const FILL_EVENTS = 2;
const FREE_EVENTS = 3;
const STOPPED = 4;
const CONTROL_WORDS = 8;
/** Slots begin at a cache line of their own. */
const ALIGNMENT = 64;

/** @param slots a power of two, so that places follow one another when sequence numbers wrap. */
export function createRing(slots: number, slotSize: number, gather = 1): RingMemory {
  if (gather > slots) throw new RangeError('a ring cannot gather more than it holds');
  if (slots < 1 || (slots & (slots - 1)) !== 0) throw new RangeError('the number of slots must be a power of two');
  return { shared: new SharedArrayBuffer(headerBytes(slots) + slots * slotSize), slots, slotSize, gather };
}

function headerBytes(slots: number): number {
  return Math.ceil(((CONTROL_WORDS + slots) * Int32Array.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT;
}

/** What both ends share. Sequence numbers wrap at 32 bits; only their difference counts. */
class RingEnd {
  protected readonly control: Int32Array<SharedArrayBuffer>;
  protected readonly count: number;
  readonly #slots: readonly Buffer[];

  constructor({ shared, slots, slotSize }: RingMemory) {
    this.control = new Int32Array(shared, 0, CONTROL_WORDS + slots);
    this.count = slots;
    const first = headerBytes(slots);
    this.#slots = Array.from({ length: slots }, (_, index) => Buffer.from(shared, first + index * slotSize, slotSize));
  }

  protected slot(sequence: number): Buffer {
    const slot = this.#slots[(sequence >>> 0) % this.count];
    if (slot === undefined) throw new RangeError('a ring has at least one slot');
    return slot;
  }

  protected lengthWord(sequence: number): number {
    return CONTROL_WORDS + ((sequence >>> 0) % this.count);
  }

  /** Slots that are published and not released. */
  protected occupied(): number {
    return (Atomics.load(this.control, PUBLISHED) - Atomics.load(this.control, RELEASED)) | 0;
  }

  protected signal(events: number): void {
    Atomics.add(this.control, events, 1);
    Atomics.notify(this.control, events);
  }

  /** Blocks this thread until the condition holds. */
  protected block(events: number, holds: () => boolean): void {
    for (;;) {
      const seen = Atomics.load(this.control, events);
      this.#throwIfStopped();
      if (holds()) return;
      Atomics.wait(this.control, events, seen);
    }
  }

  protected async until(events: number, holds: () => boolean): Promise<void> {
    for (;;) {
      const seen = Atomics.load(this.control, events);
      this.#throwIfStopped();
      if (holds()) return;
      await Atomics.waitAsync(this.control, events, seen).value;
    }
  }

  #throwIfStopped(): void {
    if (Atomics.load(this.control, STOPPED) !== 0) throw new RingStoppedError();
  }
}

/** The filling end. One thread at a time. */
export class RingProducer extends RingEnd {
  readonly #gather: number;
  #sequence = 0;

  constructor(memory: RingMemory) {
    super(memory);
    this.#gather = memory.gather;
  }

  /** Blocks until a slot is free. @throws RingStoppedError */
  reserve(): Buffer {
    this.block(FREE_EVENTS, () => this.occupied() < this.count);
    return this.slot(this.#sequence);
  }

  /** As `reserve`, for a thread that must not block. */
  async reserveAsync(): Promise<Buffer> {
    await this.until(FREE_EVENTS, () => this.occupied() < this.count);
    return this.slot(this.#sequence);
  }

  /** Hands the reserved slot over. @param length what the consumer gets of it, in bytes. */
  publish(length: number): void {
    this.control[this.lengthWord(this.#sequence)] = length;
    this.#sequence = (this.#sequence + 1) | 0;
    Atomics.store(this.control, PUBLISHED, this.#sequence);
    if (this.occupied() >= this.#gather) this.signal(FILL_EVENTS);
  }

  /** Blocks until the consumer has released all that was published. @throws RingStoppedError */
  drain(): void {
    this.signal(FILL_EVENTS);
    this.block(FREE_EVENTS, () => this.occupied() === 0);
  }
}

/** The emptying end. One thread at a time. */
export class RingConsumer extends RingEnd {
  #sequence = 0;

  /** Blocks until a slot is filled; it is the consumer's until `release`. @throws RingStoppedError */
  take(): Buffer {
    this.block(FILL_EVENTS, () => this.occupied() > 0);
    return this.#filled();
  }

  /** As `take`, for a thread that must not block. */
  async takeAsync(): Promise<Buffer> {
    await this.until(FILL_EVENTS, () => this.occupied() > 0);
    return this.#filled();
  }

  release(): void {
    this.#sequence = (this.#sequence + 1) | 0;
    Atomics.store(this.control, RELEASED, this.#sequence);
    // A producer that waits is woken once for half a ring, not for each slot of it.
    if (this.occupied() <= this.count / 2) this.signal(FREE_EVENTS);
  }

  #filled(): Buffer {
    return this.slot(this.#sequence).subarray(0, this.control[this.lengthWord(this.#sequence)] ?? 0);
  }
}

/** Ends all waits on the ring, now and later, with RingStoppedError. Any thread may call it. */
export function stopRing({ shared }: RingMemory): void {
  const control = new Int32Array(shared, 0, CONTROL_WORDS);
  Atomics.store(control, STOPPED, 1);
  for (const events of [FILL_EVENTS, FREE_EVENTS]) {
    Atomics.add(control, events, 1);
    Atomics.notify(control, events);
  }
}
