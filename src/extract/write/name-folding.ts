/**
 * File systems that take two names for one: they fold case, or normalise Unicode (volumes over SMB, ext4 with the casefold feature).
 * Two entries of an archive would become one file there, and the earlier one would be lost.
 */
import { lstatSync, readdirSync } from 'node:fs';
import type { ByteString } from '../entries/tar-header.ts';

/**
 * Whether what the file system finds at this name bears another one.
 * @param directory with a slash at its end. @param name of something that is there.
 */
export function standsUnderAnotherName(directory: ByteString, name: ByteString): boolean {
  if (!mayFold(directory, name)) return false;
  const listing = readdirSync(Buffer.from(directory, 'latin1'), { encoding: 'buffer' });
  return !listing.some((entry) => entry.toString('latin1') === name);
}

/** A whole directory is listed only where that can tell anything: an archive may replace each of 50,000 files in one. */
function mayFold(directory: ByteString, name: ByteString): boolean {
  const swapped = swapCase(name);
  // Without a letter of ASCII the case cannot be tried; without a byte beyond it there is nothing else to fold.
  if (swapped === name) return BEYOND_ASCII.test(name);
  const [own, other] = [name, swapped].map((one) =>
    lstatSync(Buffer.from(directory + one, 'latin1'), { throwIfNoEntry: false, bigint: true }),
  );
  return own !== undefined && own.ino === other?.ino;
}

const BEYOND_ASCII = /[\x80-\xff]/;

export function swapCase(name: ByteString): ByteString {
  return name.replace(/[a-z]/gi, (letter) => {
    const lower = letter.toLowerCase();
    return letter === lower ? letter.toUpperCase() : lower;
  });
}
