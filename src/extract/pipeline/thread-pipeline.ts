/**
 * Download, decompression and writing in three threads that share memory: the main thread fills a ring with the bodies, the decode
 * thread turns them into batches of commands, the write thread executes those. Memory is bounded by the two rings, and whoever is ahead
 * waits. The first failure of a stage stops both rings, which ends the others (docs/decisions/0018).
 */
import { availableParallelism } from 'node:os';
import type { Digest } from '../digest.ts';
import { addNotes, type Notes } from '../entries/notes.ts';
import type { Job } from '../job.ts';
import { createBatchRing } from '../ring/batch.ts';
import { createRing, RingProducer, RingStoppedError, stopRing } from '../ring/slot-ring.ts';
import type { ByteSource } from '../source/source.ts';
import { BodyDigests } from './body-digests.ts';
import type { Pipeline } from './pipeline.ts';
import type { StageReport } from './protocol.ts';
import { startStage } from './thread.ts';

/** Larger slots would not stay in the second-level cache: 256 KiB were faster than 1 MiB. */
const SLOT_BYTES = 256 * 1024;
const SLOTS = 16;

export function createThreadPipeline(job: Job, root: string, signal: AbortSignal, writers = writersFor(job)): Pipeline {
  const input = createRing(SLOTS, SLOT_BYTES);
  const batches = Array.from({ length: writers }, createBatchRing);
  const files = new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT);
  const counter = new Uint32Array(files);
  const bodies = new BodyDigests(job.layers);
  const stages = [
    startStage({ stage: 'decode', job, root, input, batches, files, digesting: bodies.elsewhere }),
    ...batches.map((memory) => startStage({ stage: 'write', job, root, batches: memory })),
  ];
  const ring = new RingProducer(input);
  const failure = new FirstFailure(() => {
    for (const memory of [input, ...batches]) stopRing(memory);
  });
  for (const { ended } of stages) ended.catch(failure.fail);
  const onAbort = () => failure.fail(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();

  async function feedAll(source: ByteSource): Promise<void> {
    let body: Digest | undefined;
    for (let isFirst = true; ; isFirst = false) {
      const slot = await ring.reserveAsync();
      const length = await failure.interrupt(source.read(slot));
      const bytes = slot.subarray(0, length);
      if (isFirst) body = bodies.begin(bytes);
      ring.publish(length);
      if (length === 0) return bodies.end(body);
      // Behind the hand-over: the decode thread reads the same bytes meanwhile.
      body?.update(bytes);
    }
  }

  return {
    get files() {
      return Atomics.load(counter, 0);
    },
    feed: (source) => failure.guard(feedAll(source)),
    async finish() {
      const reports = await failure.guard(failure.interrupt(Promise.all(stages.map(({ ended }) => ended))));
      return { ...sum(reports), digests: bodies.with(reports.flatMap((report) => report?.digests ?? [])) };
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', onAbort);
      failure.fail(new RingStoppedError());
      await Promise.all(stages.map((stage) => stage[Symbol.asyncDispose]()));
    },
  };
}

const MAX_WRITERS = 8;

/** The main thread and the decode thread have a processor each, the writers share the others. A device has one end. */
function writersFor({ target }: Job): number {
  if (target.kind === 'device') return 1;
  return Math.min(Math.max(availableParallelism() - 2, 1), MAX_WRITERS);
}

function sum(reports: readonly (StageReport | undefined)[]): Pick<StageReport, 'files' | 'notes'> {
  const notes: Notes = new Map();
  let files = 0;
  for (const report of reports) {
    files += report?.files ?? 0;
    addNotes(notes, report?.notes ?? new Map());
  }
  return { files, notes };
}

/** Keeps the first failure of several stages: what the others say after it is only its consequence. */
class FirstFailure {
  readonly #stop: () => void;
  #first: { readonly error: unknown } | undefined;
  /** Ends the wait of `interrupt`; one at a time, so that nothing gathers however long a body is. */
  #reject: (error: unknown) => void = () => undefined;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  readonly fail = (error: unknown): void => {
    if (this.#first !== undefined) return;
    this.#first = { error };
    this.#stop();
    this.#reject(error);
  };

  /** The value, or the failure if that is sooner. */
  interrupt<T>(value: Promise<T>): Promise<T> {
    if (this.#first !== undefined) {
      value.catch(() => undefined);
      return Promise.reject(this.#first.error);
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      value.then(resolve, reject);
    });
  }

  /** Whatever it fails with becomes the first failure, unless there was one before. */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.fail(error);
      throw this.#first?.error;
    }
  }
}
