/** The execution half of the plugin, run by a pod: one task on a repository in, one report out. */
import { reportProgress } from '../../extract/progress.ts';
import { PermanentError, type PodReport } from '../../sdk/index.ts';
import { capture } from './capture.ts';
import { findCapture, resultOf, tagsOfKey } from './captures.ts';
import type { CaptureTask } from './task.ts';
import { verifyCapture } from './verify.ts';
import { makeScratch, type Opened, openRepository, type RunOptions, type Scratch } from './work.ts';

/** @throws VolprimeError with the stable code of what failed; PermanentError `SnapshotNotFound` where there is no complete capture of the key. */
export async function runTask(task: CaptureTask, options: RunOptions): Promise<PodReport> {
  switch (task.action) {
    case 'capture':
      return { outcome: 'captured', capture: await capture(task, options), verified: false };
    case 'forget':
      return forget(task, options);
    case 'look':
    case 'verify':
      return look(task, options);
  }
}

/** Without a repository there is nothing to forget. */
async function forget({ key }: CaptureTask, options: RunOptions): Promise<PodReport> {
  using scratch = makeScratch();
  const opened = await openForReading(key, scratch, options).catch((error: unknown) => {
    if (error instanceof PermanentError && error.code === 'RepositoryNotFound') return undefined;
    throw error;
  });
  if (opened === undefined) return { outcome: 'forgotten' };
  const { repository, listed } = opened;
  await repository.unlock();
  options.logger.info('forgetting', { snapshots: listed.length });
  await repository.forget(listed.map(({ id }) => id));
  return { outcome: 'forgotten' };
}

async function look({ key, action }: CaptureTask, options: RunOptions): Promise<PodReport> {
  using scratch = makeScratch();
  const { repository, listed } = await openForReading(key, scratch, options);
  const found = findCapture(listed, key);
  if (found === undefined) {
    throw new PermanentError('SnapshotNotFound', `The repository holds no complete capture ${key}.`);
  }
  if (action === 'verify') {
    const counted = { bytes: 0, length: found.about.bytes, files: 0 };
    using _ = reportProgress(() => counted, options.onProgress);
    await verifyCapture(repository, found, { onBytes: (bytes) => (counted.bytes += bytes), signal: options.signal });
  }
  return { outcome: 'captured', capture: resultOf(found), verified: action === 'verify' };
}

function openForReading(key: string, scratch: Scratch, options: RunOptions): Promise<Opened> {
  return openRepository(options, { scratch, absent: 'refuse', wanted: [tagsOfKey(key)] });
}
