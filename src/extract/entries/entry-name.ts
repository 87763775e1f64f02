/** The rules for names in an archive: what is written lies below the target, by the text of the name alone. */
import { PermanentError } from '../../sdk/errors.ts';
import type { ByteString } from './tar-header.ts';

/**
 * The name relative to the target, without "." and doubled slashes; '' is the target itself.
 * Nothing is stripped or repaired: a name that leaves the target is refused.
 */
export function safeName(name: ByteString): ByteString {
  if (name.includes('\0')) throw hostile(name, 'contains a NUL character');
  if (name.startsWith('/')) throw hostile(name, 'is an absolute path');
  // As most programs spell them: "./" in front of all, a slash behind directories.
  const usual = name.slice(name.startsWith('./') ? 2 : 0, name.endsWith('/') ? -1 : undefined);
  if (!ODD_PART.test(usual)) return usual;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw hostile(name, 'contains ".."');
  return parts.join('/');
}

/** One that is empty or consists of one or two dots. */
const ODD_PART = /(^|\/)\.{0,2}(\/|$)/;

/** The directory of a safe name; '' is the target itself. */
export function parentOf(name: ByteString): ByteString {
  const slash = name.lastIndexOf('/');
  return slash === -1 ? '' : name.slice(0, slash);
}

export function hostile(name: ByteString, what: string): PermanentError {
  return new PermanentError(
    'HostileArchive',
    `The archive's entry ${quote(name)} ${what}; nothing of this archive is used.`,
  );
}

/** @param what is the matter with the entry, which is not hostile, only beyond what is done here. */
export function unsupported(name: ByteString, what: string): PermanentError {
  return new PermanentError('UnsupportedEntry', `The archive's entry ${quote(name)} ${what}.`);
}

/** For messages: decoded as UTF-8, whatever it was meant to be, and cut. */
export function quote(name: ByteString): string {
  const text = JSON.stringify(Buffer.from(name, 'latin1').toString());
  return text.length <= 300 ? text : `${text.slice(0, 297)}…"`;
}
