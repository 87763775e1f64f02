/** The same stages one after another in this thread: for a body so small that starting threads would take longer than the work. */
import { setImmediate } from 'node:timers/promises';
import type { Pieces } from '../decode/pieces.ts';
import { createDigest } from '../digest.ts';
import type { Job } from '../job.ts';
import { DATA_BYTES } from '../ring/batch.ts';
import { openExecutor } from './executor.ts';
import { Extraction } from './extraction.ts';
import type { Pipeline } from './pipeline.ts';
import { readChunks } from './reading.ts';

/** So long at most nobody else has a turn, where the steps themselves are short. */
const TURN_MS = 20;

export function createInlinePipeline(job: Job, root: string, signal: AbortSignal): Pipeline {
  const executor = openExecutor(job, root);
  const data = Buffer.allocUnsafe(DATA_BYTES);
  const extraction = new Extraction(job, executor, { nextData: () => data, endData: () => undefined });
  const layers = job.layers.values();
  const digests: string[] = [];
  /** A small body may become much: whoever else has work in this thread gets their turn, and an abort is heard. */
  const onPiece = async () => {
    await setImmediate();
    signal.throwIfAborted();
  };

  return {
    get files() {
      return extraction.files - executor.replaced;
    },
    async feed(source) {
      const { value: layer } = layers.next();
      if (layer === undefined) throw new RangeError('there are more bodies than layers');
      // All of it at once: in this thread nobody could wait for the rest.
      const { chunks } = await readChunks(source, Number.POSITIVE_INFINITY);
      const digest = createDigest(layer.checksum);
      for (const chunk of chunks) digest.update(chunk);
      digests.push(digest.result());
      signal.throwIfAborted();
      await extraction.extract(layer, piecesOf(chunks), onPiece);
    },
    async finish() {
      const steps = extraction.finish();
      let step = steps.next();
      for (let since = performance.now(); step.done !== true; step = steps.next()) {
        if (performance.now() - since < TURN_MS) continue;
        await onPiece();
        since = performance.now();
      }
      const { notes } = step.value;
      return { files: this.files, notes, digests };
    },
    async [Symbol.asyncDispose]() {
      executor[Symbol.dispose]();
    },
  };
}

function piecesOf(chunks: readonly Buffer[]): Pieces {
  const rest = chunks.values();
  const next = () => rest.next().value;
  return { next, nextAsync: async () => next() };
}
