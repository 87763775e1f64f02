/** Runs the stages behind the download on bytes in memory. */
import type { Job, Layer } from '../../src/extract/job.ts';
import { createInlinePipeline } from '../../src/extract/pipeline/inline-pipeline.ts';
import type { Pipeline } from '../../src/extract/pipeline/pipeline.ts';
import { createThreadPipeline } from '../../src/extract/pipeline/thread-pipeline.ts';
import type { ByteSource } from '../../src/extract/source/source.ts';
import { type Note, noteText } from '../../src/extract/entries/notes.ts';

type CreatePipeline = (job: Job, root: string, signal: AbortSignal) => Pipeline;

export const pipelines = {
  inline: createInlinePipeline,
  threads: (job, root, signal) => createThreadPipeline(job, root, signal, 1),
  'three writers': (job, root, signal) => createThreadPipeline(job, root, signal, 3),
} as const satisfies Record<string, CreatePipeline>;

export const layerOf = (layer: Partial<Layer> = {}): Layer => ({
  urls: ['http://127.0.0.1/archive'],
  checksum: undefined,
  format: undefined,
  stripComponents: 0,
  include: [],
  exclude: [],
  s3: undefined,
  ...layer,
});

/** One layer into a directory, everything as it comes without a word of the user's. */
export const jobOf = (path: string, job: Partial<Job> = {}): Job => ({
  target: { kind: 'directory', path, extractPath: '/' },
  layers: [layerOf()],
  limits: { bytes: undefined, files: 1_000_000, ratio: 1000, bandwidth: undefined },
  ownership: { preserve: false, uid: undefined, gid: undefined },
  modes: { files: undefined, directories: undefined },
  onExisting: 'clean',
  ...job,
});

/** @param step bytes that one read gives at most. */
export function memorySource(body: Buffer, step = body.length): ByteSource {
  let offset = 0;
  return {
    length: body.length,
    async read(into) {
      const length = body.copy(into, 0, offset, offset + step);
      offset += length;
      return length;
    },
    async [Symbol.asyncDispose]() {},
  };
}

export interface Extraction {
  readonly through?: keyof typeof pipelines;
  readonly step?: number;
  readonly job?: Partial<Job>;
}

export interface Extracted {
  readonly files: number;
  /** What was left out or put up with, in words. */
  readonly notes: readonly string[];
}

/** Extracts one tar archive, compressed or not, into an empty directory; nothing is flushed. */
export async function extract(archive: Buffer, root: string, options: Extraction = {}): Promise<Extracted> {
  const { through = 'inline', step, job } = options;
  const layers = [layerOf({ format: 'tar' })];
  const signal = new AbortController().signal;
  await using pipeline: Pipeline = pipelines[through](jobOf(root, { layers, ...job }), root, signal);
  await pipeline.feed(memorySource(archive, step));
  const { files, notes } = await pipeline.finish();
  return { files, notes: [...notes.keys()].map((note: Note) => noteText(note)) };
}
