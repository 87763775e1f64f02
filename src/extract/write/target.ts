/** The directory that receives the content: known clean before an attempt, flushed after it. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AttemptFailedError, PermanentError, type VolprimeError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';
import { volumeError } from './volume-error.ts';

/** What a file system itself puts into its root. */
const NOT_OURS = new Set(['lost+found']);

/**
 * Empties the volume of whatever an earlier attempt left there, and makes the directory for the content.
 * @returns the directory's path.
 * @throws PermanentError `InvalidSource` where extractPath leaves the volume, `VolumeNotWritable`.
 */
export function cleanTarget(volume: string, extractPath: string): string {
  const parts = extractPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new PermanentError('InvalidSource', 'extractPath must stay inside the volume.');
  const root = join(volume, ...parts);
  try {
    for (const name of readdirSync(volume)) {
      if (!NOT_OURS.has(name)) removeTree(join(volume, name));
    }
    mkdirSync(root, { recursive: true });
    // Found out here, where the cause can be named: may this user write?
    rmdirSync(mkdtempSync(join(root, '.volprime-')));
  } catch (cause) {
    throw cleanError(volume, cause);
  }
  return root;
}

/**
 * Refuses before the download what cannot fit: an archive is hardly ever larger than its content.
 * @param announced bytes of the archive; undefined where the server does not say.
 * @throws PermanentError `VolumeFull`.
 */
export function checkRoom(volume: string, announced: number | undefined): void {
  const { bavail, bsize } = statfsSync(volume);
  const free = bavail * bsize;
  if (announced === undefined || announced <= free) return;
  const message = `The volume is too small: the archive alone has ${announced} bytes, and there is room for ${free}. Ask for more storage in the claim.`;
  throw new PermanentError('VolumeFull', message);
}

/** Never follows a link. A directory may have lost its write permission to an archive's modes: it gets it back first. */
function removeTree(path: string): void {
  if (!lstatSync(path).isDirectory()) return unlinkSync(path);
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) removeTree(join(path, name));
  rmdirSync(path);
}

/**
 * Returns when the volume's file system has everything on stable storage.
 *
 * One `sync -f` (syncfs(2)) per volume: it covers files, directories and links alike, reports the write-back errors that nobody has seen
 * yet, and costs far less than an fsync per file.
 */
export async function flushTarget(volume: string): Promise<void> {
  try {
    await promisify(execFile)('sync', ['-f', volume], { env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
  } catch (cause) {
    throw flushError(cause);
  }
}

function cleanError(volume: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return volumeError('.', cause);
  const { uid, gid, mode } = statSync(volume);
  const owner = `its root belongs to ${uid}:${gid} with mode ${(mode & 0o7777).toString(8)}`;
  const self = `the populator runs as ${process.getuid?.()}:${process.getgid?.()}`;
  return new PermanentError(
    'VolumeNotWritable',
    `The populator may not write to the volume (${code}): ${owner}, ${self}. Does the volume's driver apply fsGroup?`,
    { cause },
  );
}

function flushError(cause: unknown): VolprimeError {
  const words = stderrOf(cause);
  if (/No space left|quota exceeded/i.test(words)) {
    return new PermanentError(
      'VolumeFull',
      `The volume is too small: it was full when its data was flushed. Ask for more storage in the claim.`,
      { cause },
    );
  }
  const message = `Flushing the volume failed: ${words === '' ? (codeOf(cause) ?? 'unknown error') : words}.`;
  return new AttemptFailedError('FlushFailed', message, { cause });
}

function stderrOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('stderr' in error)) return '';
  return typeof error.stderr === 'string' ? error.stderr.trim() : '';
}
