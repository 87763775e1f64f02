/** The two stages behind the download, as each runs in a thread of its own. */
import type { Pieces } from '../decode/pieces.ts';
import { createDigest, type Digest } from '../digest.ts';
import { BatchWriter, executeBatches } from '../ring/batch.ts';
import { ShardedWriter } from '../ring/sharded-writer.ts';
import { RingConsumer, type RingMemory } from '../ring/slot-ring.ts';
import { Extraction } from './extraction.ts';
import { ringPieces } from './ring-pieces.ts';
import type { DecodeTask, StageReport, WriteTask } from './protocol.ts';
import type { TreeCommands } from '../write/tree-commands.ts';
import { openExecutor } from './executor.ts';

/** From the bodies in the input ring to commands in batches. */
export async function decode({ job, root, input, batches, files, digesting }: DecodeTask): Promise<StageReport> {
  const ring = new RingConsumer(input);
  const memory = commandsTo(batches);
  using here = openExecutor(job, root);
  const extraction = new Extraction(job, divided(here, memory), memory);
  const counter = new Uint32Array(files);
  const onPiece = () => void Atomics.store(counter, 0, extraction.files);
  const asked = new Uint32Array(digesting);
  const digests: string[] = [];
  for (const [index, layer] of job.layers.entries()) {
    const digest = createDigest(layer.checksum);
    const isAsked = () => Atomics.load(asked, index) !== 0;
    await extraction.extract(layer, digested(ringPieces(ring), digest, isAsked), onPiece);
    if (isAsked()) digests.push(digest.result());
  }
  const report = lastOf(extraction.finish());
  memory.finish();
  return { ...report, digests };
}

/** This thread is ended from outside: it need not listen. */
function lastOf<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function digested(pieces: Pieces, digest: Digest, isAsked: () => boolean): Pieces {
  const take = (piece: Buffer | undefined) => {
    if (piece !== undefined && isAsked()) digest.update(piece);
    return piece;
  };
  return { next: () => take(pieces.next()), nextAsync: async () => take(await pieces.nextAsync()) };
}

/** Directories are made at once, in the thread that has the time for it; what needs them follows by the ring. */
function divided(here: TreeCommands, elsewhere: BatchWriter | ShardedWriter): TreeCommands {
  return {
    makeDirectory: (name, mode) => here.makeDirectory(name, mode),
    setAttributes(given) {
      elsewhere.settle();
      return here.setAttributes(given);
    },
    createFile: (name, mode) => elsewhere.createFile(name, mode),
    write: (bytes, position) => elsewhere.write(bytes, position),
    closeFile: (attributes) => elsewhere.closeFile(attributes),
    setMode: (name, mode) => elsewhere.setMode(name, mode),
    hardLink: (name, existing) => elsewhere.hardLink(name, existing),
    symbolicLink: (name, target, attributes) => elsewhere.symbolicLink(name, target, attributes),
    finishDirectory: (name, attributes) => elsewhere.finishDirectory(name, attributes),
  };
}

function commandsTo(batches: readonly RingMemory[]): BatchWriter | ShardedWriter {
  const [only, ...others] = batches;
  return only !== undefined && others.length === 0 ? new BatchWriter(only) : new ShardedWriter(batches);
}

/** From commands to files. */
export function write({ job, root, batches }: WriteTask): StageReport {
  using executor = openExecutor(job, root);
  executeBatches(new RingConsumer(batches), batches, executor);
  return { files: -executor.replaced, notes: new Map(), digests: [] };
}
