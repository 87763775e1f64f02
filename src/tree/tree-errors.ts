/** What goes wrong with a tree, in the words of the field. */
import type { VolprimeError } from '../api/errors.ts';
import { AttemptFailedError, PermanentError } from '../sdk/errors.ts';
import { type ByteString, printable } from './bytes.ts';

/** Of the volume that is read. */
export function sourceUnreadable(cause: unknown, path?: ByteString): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  const what = path === undefined ? wordsOf(cause) : `${printable(path)} (${code})`;
  if (code === 'EACCES' || code === 'EPERM') {
    const self = `${process.getuid?.()}:${process.getgid?.()}`;
    const message = `The source cannot be read by ${self}: ${what}. Files of other owners need root with DAC_READ_SEARCH.`;
    return new PermanentError('SourceUnreadable', message, { cause });
  }
  return new AttemptFailedError('SourceUnreadable', `The source cannot be read: ${what}.`, { cause });
}

/** Of the volume that is written or compared. */
export function targetFailed(cause: unknown, path: ByteString): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  if (code === 'ENOSPC' || code === 'EDQUOT') return volumeFull(cause);
  const message = `The volume fails at ${printable(path)}: ${code}.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PermanentError('VolumeNotWritable', message, { cause });
  }
  return new AttemptFailedError('VolumeWriteFailed', message, { cause });
}

export function volumeFull(cause?: unknown): VolprimeError {
  const message = 'The volume is too small for the data. Ask for more storage in the claim.';
  return new PermanentError('VolumeFull', message, { cause });
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
