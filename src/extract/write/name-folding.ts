/**
 * File systems that take two names for one: they fold case, or normalise Unicode (volumes over SMB, ext4 with the casefold feature).
 * Two entries of an archive would become one file there, and the earlier one would be lost.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { Budget, type BudgetSize } from '../budget.ts';
import type { ByteString } from '../entries/tar-header.ts';

/** Names of directories that are read. Archives go directory by directory; one that jumps between large ones would have each read for each name. */
const LISTED: BudgetSize = { steps: 10_000_000, perEntry: 1000 };

/** The names in the directory that was looked at last, kept up with what is made there. */
export class FoldedNames {
  readonly #budget: Budget;
  #directory: ByteString | undefined;
  #names = new Set<ByteString>();

  constructor(listed: BudgetSize = LISTED) {
    this.#budget = new Budget('names of directories read', listed);
  }

  /** Something new, under just this name. @param path as in `standsUnderAnotherName`, with the name. */
  made(path: ByteString): void {
    if (this.#directory === undefined) return;
    const nameAt = path.lastIndexOf('/') + 1;
    if (path.slice(0, nameAt) === this.#directory) this.#names.add(path.slice(nameAt));
  }

  /**
   * Whether what the file system finds at this name bears another one.
   * @param directory with a slash at its end. @param name of something that is there.
   * @throws PermanentError `LimitExceeded`
   */
  standsUnderAnotherName(directory: ByteString, name: ByteString): boolean {
    if (!mayFold(directory, name)) return false;
    if (directory === this.#directory && this.#names.has(name)) return false;
    const listing = readdirSync(Buffer.from(directory, 'latin1'), { encoding: 'latin1' });
    this.#budget.enter(name);
    this.#budget.spend(listing.length);
    this.#directory = directory;
    this.#names = new Set(listing);
    return !this.#names.has(name);
  }
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
