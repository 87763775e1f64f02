/** Ways to read from a source that hold for every kind of it. */
import type { ByteSource } from '../source/source.ts';

/** Its reads end with the signal's reason once that is aborted, whatever the source itself is waiting for. */
export function abortable(source: ByteSource, signal: AbortSignal): ByteSource {
  return {
    length: source.length,
    read: (into) =>
      new Promise((resolve, reject) => {
        const onAbort = () => reject(signal.reason);
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        const settle = () => signal.removeEventListener('abort', onAbort);
        source.read(into).finally(settle).then(resolve, reject);
      }),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

export interface Beginning {
  /** The body is in memory already. */
  readonly complete: boolean;
  /** The whole body, from its first byte. */
  readonly source: ByteSource;
}

/** Reads a body into memory if it has at most so many bytes; of a larger one as little as it takes to know that. */
export async function readAhead(source: ByteSource, limit: number): Promise<Beginning> {
  if (source.length !== undefined && source.length > limit) return { complete: false, source };
  const { chunks, complete } = await readChunks(source, limit);
  return { complete, source: behind(chunks, complete ? { ...source, read: async () => 0 } : source) };
}

const CHUNK = 64 * 1024;

/** Reads until the body's end, or until there are more than so many bytes. */
export async function readChunks(
  source: ByteSource,
  limit: number,
): Promise<{ readonly chunks: readonly Buffer[]; readonly complete: boolean }> {
  const chunks: Buffer[] = [];
  let memory = Buffer.alloc(0);
  for (let bytes = 0; bytes <= limit; ) {
    if (memory.length === 0) memory = Buffer.allocUnsafe(CHUNK);
    const length = await source.read(memory);
    if (length === 0) return { chunks, complete: true };
    chunks.push(memory.subarray(0, length));
    memory = memory.subarray(length);
    bytes += length;
  }
  return { chunks, complete: false };
}

function behind(chunks: readonly Buffer[], source: ByteSource): ByteSource {
  const rest = chunks.values();
  let chunk: Buffer = Buffer.alloc(0);
  return {
    length: source.length,
    async read(into) {
      if (chunk.length === 0) chunk = rest.next().value ?? chunk;
      if (chunk.length === 0) return source.read(into);
      const length = chunk.copy(into);
      chunk = chunk.subarray(length);
      return length;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
