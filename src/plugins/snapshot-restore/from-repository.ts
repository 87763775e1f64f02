/** From a capture in a repository to a volume. */
import { join } from 'node:path';
import { reportProgress } from '../../extract/progress.ts';
import { flushVolume } from '../../extract/write/flush-volume.ts';
import type { Repository } from '../../restic/index.ts';
import { PermanentError } from '../../sdk/index.ts';
import {
  byteStringOfText,
  compareExtents,
  compareTree,
  fidelityOf,
  findDirectory,
  finishRoot,
  inExtents,
  readDevice,
  readManifest,
  readText,
  requireDevice,
  sizeOfDirectory,
  writeDevice,
  writeText,
} from '../../tree/index.ts';
import {
  type Capture,
  dataOf,
  DEVICE_FILE,
  findCapture,
  MANIFEST_FILE,
  tagsOfKey,
} from '../snapshot-capture/captures.ts';
import { makeScratch, openRepository, together } from '../snapshot-capture/work.ts';
import { makeRoom, type RestoreOptions } from './make-room.ts';
import type { Restored } from './restored.ts';
import { normalSubtree, refuseSubtreeOfDevice, requireSameKind } from './subtree.ts';
import type { RestoreTask } from './task.ts';

/** @throws VolprimeError; then the target must not be used. */
export async function restoreFromRepository(task: RestoreTask, key: string, given: RestoreOptions): Promise<Restored> {
  using scratch = makeScratch();
  const halt = new AbortController();
  const options = { ...given, signal: AbortSignal.any([given.signal, halt.signal]) };
  const wanted = [tagsOfKey(key)];
  const { repository, listed } = await openRepository(options, { scratch, absent: 'refuse', wanted });
  const found = findCapture(listed, key);
  if (found === undefined) {
    throw new PermanentError('CaptureNotFound', `The repository holds no complete capture ${key}.`);
  }
  requireSameKind(found.about.kind, task.target.kind);
  if (task.target.kind === 'device') return await restoreDevice(task, found, repository, options);
  return await restoreTree(task, found, { repository, scratch: scratch.path, halt }, options);
}

interface Store {
  readonly repository: Repository;
  readonly scratch: string;
  /** Ends all work at once. */
  readonly halt: AbortController;
}

async function restoreTree(
  { target, subtree: asked, verify }: RestoreTask,
  { about, manifest }: Capture,
  { repository, scratch, halt }: Store,
  options: RestoreOptions,
): Promise<Restored> {
  const { logger, signal, onProgress } = options;
  const subtree = normalSubtree(asked);
  const within = byteStringOfText(subtree);
  const fidelity = fidelityOf(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  const manifestText = () => repository.dump(manifest, MANIFEST_FILE);
  const describe = async () => {
    // What is read twice is fetched once: restic derives its key, for up to a second, each time.
    const text = verify ? await keep(join(scratch, 'manifest.zst'), manifestText()) : manifestText;
    const records = () => readManifest(text());
    return { records, root: await findDirectory(records(), within) };
  };
  const counted = { bytes: 0, length: subtree === '' ? about.bytes : undefined, files: 0 };
  using _ = reportProgress(() => counted, onProgress);
  const fill = async () => {
    await makeRoom(target.path, options);
    logger.info('restoring', { bytes: about.bytes, files: about.files, subtree });
    // Of an empty volume there is no data.
    if (about.data === undefined) return;
    await repository.restore(about.data, subtree, target.path, ({ bytes_restored = 0, files_restored = 0 }) => {
      counted.bytes = bytes_restored;
      counted.files = files_restored;
    });
  };
  // Whether a directory is there at all is found out before anything is written; the root is in every capture.
  const before = subtree === '' ? undefined : await describe();
  const [{ records, root }] = await together(halt, before ? Promise.resolve(before) : describe(), fill());
  await finishRoot(target.path, root, fidelity, signal);
  await flushVolume(target.path, signal);
  // By the manifest: restic counts directories among its files.
  if (!verify)
    return subtree === '' ? { files: about.files, bytes: about.bytes } : await sizeOfDirectory(records(), within);
  logger.info('comparing');
  const { files, bytes, changed } = await compareTree(target.path, records(), {
    subtree: within,
    fidelity,
    onFile: () => undefined,
    signal,
  });
  if (changed > 0) logger.warn('names were written to while they were captured, and are not compared', { changed });
  return { files, bytes };
}

/** @returns what reads it again. */
async function keep(file: string, text: AsyncIterable<Buffer>): Promise<() => AsyncIterable<Buffer>> {
  await writeText(file, text);
  return () => readText(file);
}

async function restoreDevice(
  { target, subtree, verify }: RestoreTask,
  { about, manifest }: Capture,
  repository: Repository,
  { logger, signal, onProgress }: RestoreOptions,
): Promise<Restored> {
  refuseSubtreeOfDevice(normalSubtree(subtree));
  requireDevice(target.path);
  const counted = { bytes: 0, length: about.bytes, files: 0 };
  using _ = reportProgress(() => counted, onProgress);
  const content = inExtents(repository.dump(dataOf(about), DEVICE_FILE));
  await writeDevice(target.path, content, (bytes) => (counted.bytes += bytes));
  if (verify) {
    logger.info('comparing');
    const records = readManifest(repository.dump(manifest, MANIFEST_FILE));
    await compareExtents(readDevice(target.path, signal), records, () => undefined);
  }
  return { files: 1, bytes: about.bytes };
}
