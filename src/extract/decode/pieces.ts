/** Bytes that come piece by piece, and readers of what they mean. */

/** The body as it comes. The memory of a piece is reused at the next call. */
export interface Pieces {
  /** Waits where the thread may block; undefined at the end. */
  next(): Buffer | undefined;
  /** Waits without blocking the thread. */
  nextAsync(): Promise<Buffer | undefined>;
}

/** Content that is pulled into memory of the caller's. */
export interface Content {
  /**
   * Fills the memory from its beginning; less than all of it only at the end.
   * @returns the number of bytes; 0 at the end, and only when the content is complete.
   */
  read(into: Buffer): number | Promise<number>;
  [Symbol.dispose](): void;
}

/** Pieces that begin with one that was taken and looked at. */
export function prepend(head: Buffer, rest: Pieces): Pieces {
  let first: Buffer | undefined = head.length === 0 ? undefined : head;
  const take = () => {
    const piece = first;
    first = undefined;
    return piece;
  };
  return { next: () => take() ?? rest.next(), nextAsync: async () => take() ?? rest.nextAsync() };
}

/** Content that is the body itself. */
export function plainContent(pieces: Pieces): Content {
  let piece: Buffer = Buffer.alloc(0);
  return {
    read(into) {
      let filled = 0;
      while (filled < into.length) {
        if (piece.length === 0) {
          const next = pieces.next();
          if (next === undefined) break;
          piece = next;
        }
        const length = piece.copy(into, filled);
        piece = piece.subarray(length);
        filled += length;
      }
      return filled;
    },
    [Symbol.dispose]() {},
  };
}

/** Content that comes in chunks of its own. */
export function chunkedContent(chunks: AsyncIterable<Buffer>, dispose: () => void): Content {
  const iterator = chunks[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  return {
    async read(into) {
      let filled = 0;
      while (filled < into.length) {
        if (chunk.length === 0) {
          const next = await iterator.next();
          if (next.done === true) break;
          chunk = next.value;
        }
        const length = chunk.copy(into, filled);
        chunk = chunk.subarray(length);
        filled += length;
      }
      return filled;
    },
    [Symbol.dispose]: dispose,
  };
}
