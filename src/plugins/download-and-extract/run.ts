/**
 * The execution half of the plugin, run by the populator pod: one task in, one result per target out.
 *
 * Guarantee: a result is returned only after the whole body came, the codec's own checksum held, the archive's end was seen, the digest
 * was compared where one is given, and the file system has everything on stable storage. Any other outcome is an error, and a target
 * whose content must not be used.
 */
import type { PopulationResult } from '../../api/population.ts';
import { PermanentError, type PluginLogger } from '../../sdk/index.ts';
import { readCredentials } from '../../extract/source/credentials.ts';
import { decompress } from '../../extract/decode/decompress.ts';
import { extractTar } from '../../extract/extract.ts';
import { fetchSource, type Timeouts } from '../../extract/source/fetch-source.ts';
import { createMeter, type Progress } from '../../extract/meter.ts';
import { checkRoom, cleanTarget, flushTarget } from '../../extract/write/target.ts';
import type { Target, Task } from './task.ts';

export interface RunOptions {
  /** Where the Secret's files are, for sources with a `secretRef`. */
  readonly credentialsDir: string;
  readonly logger: PluginLogger;
  /** Called about once a second. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  readonly timeouts?: Timeouts;
}

/** @throws VolprimeError with the stable code of the stage that failed, PermanentError where no later attempt can do better. */
export async function runTask(task: Task, options: RunOptions): Promise<PopulationResult[]> {
  const results: PopulationResult[] = [];
  for (const target of task.targets) results.push(await populate(target, options));
  return results;
}

async function populate({ path, spec }: Target, options: RunOptions): Promise<PopulationResult> {
  const { logger, signal } = options;
  const startedAt = performance.now();
  const root = cleanTarget(path, spec.extractPath);
  await using source = await fetchSource({
    url: spec.sourceURL,
    credentials: spec.secretRef && readCredentials(options.credentialsDir),
    logger,
    signal,
    ...(options.timeouts && { timeouts: options.timeouts }),
  });
  checkRoom(path, source.length);
  using meter = createMeter(source.length, options.onProgress);
  const content = decompress(abortable(meter.measure(source.body), signal));
  const files = await extractTar(content, { root, logger, onFiles: meter.setFiles });
  const digest = meter.digest();
  if (spec.checksum !== undefined && spec.checksum !== digest) {
    throw new PermanentError('ChecksumMismatch', `Expected ${spec.checksum}, got ${digest}.`);
  }
  logger.info('flushing', { bytes: meter.bytes(), files });
  await flushTarget(path);
  return {
    digest,
    bytes: meter.bytes(),
    files,
    verification: spec.checksum === undefined ? 'archive' : 'checksum',
    durationMs: Math.round(performance.now() - startedAt),
  };
}

async function* abortable(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
