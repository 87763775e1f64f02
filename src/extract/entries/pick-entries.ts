/** A handler that lets only some entries through, with their data. */
import type { Entry, EntryHandler } from './entry.ts';

/** @param pick gives what goes on in place of the entry; undefined leaves it out. */
export function pickEntries(next: EntryHandler, pick: (entry: Entry) => Entry | undefined): EntryHandler {
  let skipping = false;
  return {
    begin(entry) {
      const picked = pick(entry);
      skipping = picked === undefined;
      if (picked !== undefined) next.begin(picked);
    },
    data(bytes) {
      if (!skipping) next.data(bytes);
    },
    end() {
      if (!skipping) next.end();
    },
    amend: (name, mode) => next.amend(name, mode),
  };
}
