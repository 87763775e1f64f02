/** Bounds on what an archive may turn into, so that a small body cannot fill a volume, or keep the populator at work for ever. */
import { PermanentError } from '../sdk/errors.ts';
import { Budget, type BudgetSize } from './budget.ts';
import type { Entry, EntryHandler } from './entries/entry.ts';
import { isZero } from './entries/tar-header.ts';
import type { Limits } from './job.ts';

/** Below this the ratio says nothing: a short text of one letter compresses a thousandfold. */
const RATIO_COUNTS_FROM = 16 * 1024 * 1024;

/**
 * Work that grows with what an archive says and not with its size: each kind has a budget (docs/archives.md). What an honest archive takes of them for an
 * entry is a tenth of `perEntry` at most.
 */
export interface Budgets<T> {
  /** States of globs, for each character of a name. */
  readonly globs: T;
  /** Parts of paths, where symbolic links lead. */
  readonly links: T;
  /** Directories that the archive has no entry for. */
  readonly directories: T;
}

export type BudgetSizes = Budgets<BudgetSize>;

export const DEFAULT_BUDGETS: BudgetSizes = {
  globs: { steps: 100_000_000, perEntry: 100_000 },
  links: { steps: 1_000_000, perEntry: 1000 },
  directories: { steps: 100_000, perEntry: 64 },
};

/** Over all layers of a job. */
export class LimitGuard {
  readonly #limits: Limits;
  readonly budgets: Budgets<Budget>;
  #bytes = 0;
  #entries = 0;

  constructor(limits: Limits, sizes: BudgetSizes = DEFAULT_BUDGETS) {
    this.#limits = limits;
    this.budgets = {
      globs: new Budget('steps for include and exclude', sizes.globs),
      links: new Budget('steps for symbolic links', sizes.links),
      directories: new Budget('directories that have no entry', sizes.directories),
    };
  }

  /**
   * Hands on what stays within the limits.
   * @param input bytes of the body so far, where entries are compressed one by one, so that the ratio shows here only.
   * @throws PermanentError `LimitExceeded` from its calls.
   */
  guard(handler: EntryHandler, input?: () => number): EntryHandler {
    let output = 0;
    return {
      begin: (entry) => {
        this.#countEntry(entry);
        handler.begin(entry);
      },
      data: (bytes) => {
        this.#countBytes(bytes.length);
        if (input !== undefined) {
          if (!isZero(bytes)) output += bytes.length;
          this.checkRatio(input(), output);
        }
        handler.data(bytes);
      },
      end: () => handler.end(),
      amend: (name, mode) => handler.amend(name, mode),
    };
  }

  /** @param input bytes of the body so far; @param output what came of them; pieces that are all zeros do not count. @throws PermanentError `LimitExceeded` */
  checkRatio(input: number, output: number): void {
    const { ratio } = this.#limits;
    if (output <= RATIO_COUNTS_FROM || output <= input * ratio) return;
    const what = `${input} bytes of the archive became more than ${output}`;
    throw exceeded(`${what}, which is more than limits.ratio (${ratio}) allows`);
  }

  #countEntry({ size, sparse }: Entry): void {
    const { files, bytes } = this.#limits;
    if (++this.#entries > files) throw exceeded(`the archive has more entries than limits.files (${files}) allows`);
    // Holes are counted at once, data as it comes: but what is too large already is not begun.
    if (sparse !== undefined) this.#countBytes(sparse.size - size);
    if (bytes !== undefined && this.#bytes + size > bytes) throw tooLarge(bytes);
  }

  #countBytes(length: number): void {
    this.#bytes += length;
    const { bytes } = this.#limits;
    if (bytes !== undefined && this.#bytes > bytes) throw tooLarge(bytes);
  }
}

function tooLarge(bytes: number): PermanentError {
  return exceeded(`its content is larger than limits.bytes (${bytes}) allows`);
}

function exceeded(what: string): PermanentError {
  return new PermanentError('LimitExceeded', `The archive goes beyond a limit: ${what}.`);
}
