import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { VolprimeError } from '../../api/errors.ts';
import { AttemptFailedError, PermanentError } from '../../sdk/errors.ts';
import { codeOf } from '../error-code.ts';

/**
 * Returns when the volume's file system has everything on stable storage.
 *
 * One `sync -f` (syncfs(2)) per volume: it covers files, directories and links alike, reports the write-back errors that nobody has seen
 * yet, and costs far less than an fsync per file.
 *
 * @throws AttemptFailedError `FlushFailed`, also where `signal` aborts it; PermanentError `VolumeFull`
 */
export async function flushVolume(volume: string, signal?: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)('sync', ['-f', volume], { env: { PATH: process.env['PATH'], LC_ALL: 'C' }, signal });
  } catch (cause) {
    throw flushError(cause);
  }
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
