/** What restic's ending means: from its exit code, and where that says no more than "failed", from its words. Pure. */
import type { VolprimeError } from '../api/errors.ts';
import { AttemptFailedError, PermanentError, TemporaryError } from '../sdk/errors.ts';

export interface Ending {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  /** Redacted. */
  readonly words: string;
  /** It was at work on a file outside of the repository. */
  readonly atFile: boolean;
}

const LOCKED_AGAIN_MS = 60_000;

/** The codes: restic's documentation, "Exit codes" (since 0.17). */
export function failureOf({ code, words, atFile }: Ending): VolprimeError {
  switch (code) {
    case 3:
      return new AttemptFailedError('SourceUnreadable', `Not all of the source could be read: ${words}.`);
    case 10:
      return new PermanentError('RepositoryNotFound', `There is no repository: ${words}.`);
    case 11:
      return new TemporaryError(`Another work on the repository has locked it: ${words}.`, LOCKED_AGAIN_MS, {
        reason: 'RepositoryLocked',
      });
    case 12:
      return new PermanentError('RepositoryPasswordWrong', 'The password does not open the repository.');
    case undefined:
      return new AttemptFailedError('RepositoryFailed', `restic was killed: ${words}.`);
    default:
      return ofWords(words, atFile);
  }
}

const DENIED =
  /access.?denied|InvalidAccessKeyId|SignatureDoesNotMatch|does not exist in our records|unauthorized|forbidden|AuthenticationFailed|permission denied|status code 40[13]|\b40[13]\b/i;
const HOST_UNKNOWN = /host key verification failed|host key is known for|host key for .* has changed/i;
const ABSENT = /NoSuchBucket|bucket does not exist|ContainerNotFound|Is there a repository at the following location/i;
const UNREACHABLE =
  /dial tcp|connection (refused|reset)|no such host|network is unreachable|no route to host|time.?out|TLS|x509|broken pipe|unexpected EOF|server misbehaving|\b50[0-9]\b|unable to start the sftp session|ssh command exited/i;
const FULL = /no space left|quota exceeded|XMinioStorageFull|insufficient storage/i;
const DAMAGED =
  /ciphertext verification failed|hash does not match|invalid data returned|wrong hash|damaged|not found in (the )?(index|repository)|(pack|blob|tree) .*(not found|does not exist)|file does not exist|unexpected file size|corrupt/i;

function ofWords(words: string, atFile: boolean): VolprimeError {
  if (DAMAGED.test(words)) {
    return new AttemptFailedError('RepositoryDamaged', `The repository is damaged: ${words}.`);
  }
  if (atFile) return ofFile(words);
  if (HOST_UNKNOWN.test(words)) {
    return new PermanentError(
      'RepositoryHostUnknown',
      `The repository's server is not the one that is known: ${words}.`,
    );
  }
  if (FULL.test(words)) return new AttemptFailedError('RepositoryFull', `The repository is full: ${words}.`);
  if (DENIED.test(words)) return new PermanentError('RepositoryDenied', `The repository denies access: ${words}.`);
  if (UNREACHABLE.test(words)) return unreachable(words);
  if (ABSENT.test(words)) return new PermanentError('RepositoryNotFound', `There is no repository: ${words}.`);
  return new AttemptFailedError('RepositoryFailed', `restic failed: ${words}.`);
}

function ofFile(words: string): VolprimeError {
  if (FULL.test(words)) {
    const message = `The volume is too small for the data: ${words}. Ask for more storage in the claim.`;
    return new PermanentError('VolumeFull', message);
  }
  return new AttemptFailedError('VolumeWriteFailed', `Writing to the volume failed: ${words}.`);
}

export function unreachable(words: string): VolprimeError {
  return new AttemptFailedError('RepositoryUnreachable', `The repository cannot be reached: ${words}.`);
}
