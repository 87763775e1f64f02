import { type LocalFacts, noLocalFacts } from './observation.ts';

/** Answers of plugin calls and what their failures mean, per content UID. A content at rest is forgotten. */
export class Memory {
  readonly #entries = new Map<string, LocalFacts>();

  localOf(uid: string): LocalFacts {
    return this.#entries.get(uid) ?? noLocalFacts;
  }

  update(uid: string, change: Partial<LocalFacts>): void {
    this.#entries.set(uid, { ...this.localOf(uid), ...change });
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }
}
