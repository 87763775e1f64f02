/**
 * Carries out one job: every layer downloaded, verified and written, the volume flushed.
 *
 * Guarantee: it returns only after every body came whole, the codecs' own checksums held, each archive's end was seen, the digests were
 * compared where they are given, and the file system has everything on stable storage. Any other outcome is an error, and a target whose
 * content must not be used.
 */
import type { PopulationResult } from '../api/population.ts';
import { PermanentError } from '../sdk/errors.ts';
import type { PluginLogger } from '../sdk/index.ts';
import { createDigest } from './digest.ts';
import { noteText } from './entries/notes.ts';
import type { Job, Layer } from './job.ts';
import { createInlinePipeline } from './pipeline/inline-pipeline.ts';
import { createThreadPipeline } from './pipeline/thread-pipeline.ts';
import { type Progress, reportProgress } from './progress.ts';
import { abortable, readAhead } from './pipeline/reading.ts';
import type { ByteSource } from './source/source.ts';
import { prepareTarget } from './write/target.ts';
import { lockDirectory } from './write/target-lock.ts';

export interface PopulateOptions {
  /** Opens a layer's body. What it gives is closed here. */
  readonly openSource: (layer: Layer) => Promise<ByteSource>;
  readonly logger: PluginLogger;
  /** Called about once a second. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Bodies of at most so many bytes are dealt with in this thread; threads cost more than they bring there. */
  readonly smallBody?: number;
}

/** Starting two threads costs as much CPU time as a MiB of archive. */
const SMALL_BODY = 1024 * 1024;

/** @throws VolprimeError with the stable code of what failed first, PermanentError where no later attempt can do better. */
export async function populate(given: Job, options: PopulateOptions): Promise<PopulationResult> {
  const { logger, signal } = options;
  const job = withFormats(given);
  const startedAt = performance.now();
  await using _lock = job.target.kind === 'directory' ? await lockDirectory(job.target.path) : undefined;
  const target = prepareTarget(job);
  const [first] = job.layers;
  if (first === undefined) throw new RangeError('a job has at least one layer');
  await using source = await options.openSource(first);
  target.checkRoom(source.length);
  const counts: Counts = { bytes: 0, length: job.layers.length === 1 ? source.length : undefined, files: () => 0 };
  using _ = reportProgress(() => ({ ...counts, files: counts.files() }), options.onProgress);
  const begin = await readAhead(counted(abortable(source, signal), counts), options.smallBody ?? SMALL_BODY);
  const create = begin.complete && job.layers.length === 1 ? createInlinePipeline : createThreadPipeline;
  await using pipeline = create(job, target.root, signal);
  counts.files = () => pipeline.files;
  using _writeBack = target.writeBack();

  await pipeline.feed(begin.source);
  for (const layer of job.layers.slice(1)) {
    await using next = await options.openSource(layer);
    target.checkRoom(next.length);
    await pipeline.feed(counted(abortable(next, signal), counts));
  }
  const { files, notes, digests } = await pipeline.finish();
  job.layers.forEach(({ checksum }, index) => requireChecksum(checksum, digests[index]));
  for (const [note, entries] of notes) logger.warn(noteText(note), { entries });
  logger.info('flushing', { bytes: counts.bytes, files });
  await target.flush();
  return {
    digest: ofAll(digests),
    bytes: counts.bytes,
    files,
    verification: job.layers.every(({ checksum }) => checksum !== undefined) ? 'checksum' : 'archive',
    durationMs: Math.round(performance.now() - startedAt),
  };
}

/** A device takes nothing but an image, whether that is said or not. */
function withFormats(job: Job): Job {
  if (job.target.kind === 'directory') return job;
  return { ...job, layers: job.layers.map((layer) => ({ ...layer, format: 'raw' })) };
}

interface Counts {
  /** Downloaded so far. */
  bytes: number;
  readonly length: number | undefined;
  files: () => number;
}

function counted(source: ByteSource, counts: Counts): ByteSource {
  return {
    length: source.length,
    async read(into) {
      const length = await source.read(into);
      counts.bytes += length;
      return length;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

/** @throws PermanentError `ChecksumMismatch` */
function requireChecksum(expected: string | undefined, found: string | undefined): void {
  if (expected === undefined || expected === found) return;
  throw new PermanentError('ChecksumMismatch', `Expected ${expected}, got ${found}.`);
}

/** Of one body its own; of several the digest of their digests, one per line. */
function ofAll(digests: readonly string[]): string {
  const [only, ...others] = digests;
  if (only !== undefined && others.length === 0) return only;
  const digest = createDigest(undefined);
  digest.update(Buffer.from(digests.map((line) => `${line}\n`).join('')));
  return digest.result();
}
