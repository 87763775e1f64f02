/** The same stages one after another in this thread: for a body so small that starting threads would take longer than the work. */
import { setImmediate } from 'node:timers/promises';
import type { Pieces } from '../decode/pieces.ts';
import type { Notes } from '../entries/notes.ts';
import { Overlay } from '../entries/overlay.ts';
import { extractLayer } from '../extract-layer.ts';
import type { Job } from '../job.ts';
import { LimitGuard } from '../limits.ts';
import { DATA_BYTES } from '../ring/batch.ts';
import type { ByteSource } from '../source/source.ts';
import type { Pipeline } from './pipeline.ts';
import { openExecutor, planner } from './target-stages.ts';

const PIECE_BYTES = 64 * 1024;

export function createInlinePipeline(job: Job, root: string, signal: AbortSignal): Pipeline {
  const executor = openExecutor(job, root);
  const notes: Notes = new Map();
  const handler = planner(job, executor, notes);
  const limits = new LimitGuard(job.limits);
  const overlay = new Overlay();
  const layers = job.layers.values();
  const data = Buffer.allocUnsafe(DATA_BYTES);
  const memory = { nextData: () => data, endData: () => undefined };
  /** A small body may become much: whoever else has work in this thread gets their turn, and an abort is heard. */
  const onPiece = async () => {
    await setImmediate();
    signal.throwIfAborted();
  };

  return {
    get files() {
      return handler.files - executor.replaced;
    },
    async feed(source, onBytes) {
      const { value: layer } = layers.next();
      if (layer === undefined) throw new RangeError('there are more bodies than layers');
      const pieces = await collect(source, onBytes);
      signal.throwIfAborted();
      await extractLayer({
        layer,
        preserveOwners: job.ownership.preserve,
        pieces,
        handler,
        limits,
        overlay,
        memory,
        notes,
        onPiece,
      });
    },
    async finish() {
      handler.finish();
      return { files: this.files, notes };
    },
    async [Symbol.asyncDispose]() {
      executor[Symbol.dispose]();
    },
  };
}

/** The whole body: in this thread nobody could wait for the rest of it. */
async function collect(source: ByteSource, onBytes: (bytes: Buffer) => void): Promise<Pieces> {
  const collected: Buffer[] = [];
  let memory = Buffer.allocUnsafe(PIECE_BYTES);
  for (let length = await source.read(memory); length > 0; length = await source.read(memory)) {
    const piece = memory.subarray(0, length);
    onBytes(piece);
    collected.push(piece);
    memory = length < memory.length ? memory.subarray(length) : Buffer.allocUnsafe(PIECE_BYTES);
  }
  const rest = collected.values();
  const next = () => rest.next().value;
  return { next, nextAsync: async () => next() };
}
