/** Empties a volume: names of any bytes, directories without write permission; what the file system itself made stays. */
import { chmodSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { byteStringOf, type ByteString, joinPath } from './bytes.ts';
import { absolutePath, OF_THE_FILE_SYSTEM, readEntry } from './entry.ts';
import { Pause } from './pause.ts';
import { targetFailed } from './tree-errors.ts';

/** @throws PermanentError `VolumeNotWritable`, AttemptFailedError `VolumeWriteFailed` */
export async function cleanTree(root: string, signal: AbortSignal): Promise<void> {
  const pause = new Pause(signal);
  const base = Buffer.from(root);
  for (const name of namesIn(base, '')) if (!OF_THE_FILE_SYSTEM.has(name)) await remove(base, name, pause);
}

/** No link is followed. */
async function remove(root: Buffer, path: ByteString, pause: Pause): Promise<void> {
  if (pause.isDue) await pause.take();
  try {
    const absolute = absolutePath(root, path);
    if (readEntry(root, path)?.type !== 'directory') return unlinkSync(absolute);
    chmodSync(absolute, 0o700);
    for (const name of namesIn(root, path)) await remove(root, joinPath(path, name), pause);
    rmdirSync(absolute);
  } catch (cause) {
    throw targetFailed(cause, path);
  }
}

function namesIn(root: Buffer, path: ByteString): ByteString[] {
  return readdirSync(absolutePath(root, path), { encoding: 'buffer' }).map(byteStringOf);
}
