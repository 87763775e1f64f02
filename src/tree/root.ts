/** The directory that a volume is: copies fill it, and leave its own owner, mode, time and attributes to us. */
import { chmodSync, chownSync } from 'node:fs';
import { AttemptFailedError, PermanentError } from '../sdk/errors.ts';
import { writeAttributes } from './attributes.ts';
import { type ByteString, isWithin, printable } from './bytes.ts';
import { type Fidelity, formatTime } from './differences.ts';
import type { ManifestEntry, ManifestRecord } from './manifest.ts';
import { runProgram } from './program.ts';
import { targetFailed } from './tree-errors.ts';

/** @throws PermanentError `PathNotInSnapshot` where it is no directory of the manifest; what reading the manifest throws. */
export async function findDirectory(records: AsyncIterable<ManifestRecord>, path: ByteString): Promise<ManifestEntry> {
  for await (const record of records) {
    if (record.type !== 'entry' || record.entry.path !== path) continue;
    if (record.entry.type === 'directory') return record.entry;
    throw new PermanentError('PathNotInSnapshot', `${printable(path)} of the snapshot is no directory.`);
  }
  throw new PermanentError('PathNotInSnapshot', `The snapshot has no directory ${printable(path)}.`);
}

/** Files of a directory of the manifest, and the bytes of their content. @throws what reading the manifest throws. */
export async function sizeOfDirectory(
  records: AsyncIterable<ManifestRecord>,
  path: ByteString,
): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0];
  for await (const record of records) {
    if (record.type !== 'entry' || record.entry.type !== 'file' || !isWithin(record.entry.path, path)) continue;
    files += 1;
    bytes += record.entry.size;
  }
  return { files, bytes };
}

/** After all else is written: its time changes with each name that is made in it. */
export async function finishRoot(
  root: string,
  entry: ManifestEntry,
  { owners, keepsAttribute }: Fidelity,
  signal: AbortSignal,
): Promise<void> {
  const { mode, uid, gid, mtime, attributes = {} } = entry;
  const kept = Object.fromEntries(Object.entries(attributes).filter(([name]) => keepsAttribute(name)));
  try {
    if (owners) chownSync(root, uid, gid);
    chmodSync(root, mode);
    if (Object.keys(kept).length > 0) await writeAttributes(root, { path: '', attributes: kept }, signal);
    await setTime(root, mtime, signal);
  } catch (cause) {
    throw targetFailed(cause, '');
  }
}

/** To the nanosecond, which Node's own call has no type for. */
async function setTime(root: string, mtime: string, signal: AbortSignal): Promise<void> {
  const args = ['-m', '-d', formatTime(mtime), root];
  const { code, complaint } = await runProgram({ file: 'touch', args, signal });
  if (code !== 0) throw new AttemptFailedError('VolumeWriteFailed', `The volume's time cannot be set: ${complaint}.`);
}
