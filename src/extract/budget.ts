/** Bounds on the work that hostile input may cause where its size alone does not bound it: steps, counted for a whole job. */
import { PermanentError } from '../sdk/errors.ts';

/** A job may take `steps`, and `perEntry` more for each entry that asks for this kind of work. */
export interface BudgetSize {
  readonly steps: number;
  readonly perEntry: number;
}

export class Budget {
  readonly #what: string;
  readonly #perEntry: number;
  #left: number;
  #entry = '';

  /** @param what the steps are, in words for the user: "the archive needs more than … WHAT". */
  constructor(what: string, { steps, perEntry }: BudgetSize) {
    this.#what = what;
    this.#perEntry = perEntry;
    this.#left = steps;
  }

  /** Steps that may still be taken. */
  get left(): number {
    return this.#left;
  }

  /** @param entry that the next steps are for, quoted. */
  enter(entry: string): void {
    this.#entry = entry;
    this.#left += this.#perEntry;
  }

  /** @throws PermanentError `LimitExceeded` naming the budget and the entry. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    const what = `the entry ${JSON.stringify(Buffer.from(this.#entry.slice(0, MAX_NAME), 'latin1').toString())} exceeds the budget of ${this.#what}`;
    throw new PermanentError('LimitExceeded', `The archive goes beyond a limit: ${what}.`);
  }
}

const MAX_NAME = 200;
