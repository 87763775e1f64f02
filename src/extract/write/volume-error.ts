/** What a failed call on the volume's file system means for the next attempt. */
import { VolprimeError } from '../../api/errors.ts';
import { AttemptFailedError, PermanentError } from '../../sdk/errors.ts';
import { quote } from '../entries/entry-name.ts';
import { codeOf } from '../error-code.ts';

/** @param name the entry that was being written. */
export function volumeError(name: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === undefined || cause instanceof VolprimeError) return cause;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PermanentError(
      'VolumeFull',
      `The volume is too small: it was full when ${quote(name)} was written (${code}). Ask for more storage in the claim.`,
      { cause },
    );
  }
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EFBIG') {
    return new PermanentError(
      'UnsupportedEntry',
      `The volume's file system cannot hold the archive's entry ${quote(name)} (${code}).`,
      { cause },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PermanentError(
      'VolumeNotWritable',
      `The populator may not write ${quote(name)} to the volume (${code}).`,
      { cause },
    );
  }
  return new AttemptFailedError('VolumeWriteFailed', `Writing ${quote(name)} to the volume failed (${code}).`, {
    cause,
  });
}
