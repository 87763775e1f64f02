/**
 * Keys that wait, in groups that take turns. Used by the work queue.
 *
 * Guarantees: of g groups that have keys waiting, each gives one key in every g takes, whatever the others add meanwhile; inside of a group the
 * order is that of arrival. Every operation is O(1).
 */
export interface Waiting<K extends string> {
  readonly key: K;
  /** As `add` was given it. */
  readonly since: number;
}

export class FairKeys<K extends string> {
  /** Both maps are read from their first entry: a group that had its turn is put at the end. */
  readonly #groups = new Map<string, Map<K, number>>();
  readonly #groupOf = new Map<K, string>();

  get size(): number {
    return this.#groupOf.size;
  }

  has(key: K): boolean {
    return this.#groupOf.has(key);
  }

  /** A key that waits already keeps its place. */
  add(key: K, group: string, since: number): void {
    if (this.has(key)) return;
    const keys = this.#groups.get(group) ?? new Map<K, number>();
    keys.set(key, since);
    this.#groupOf.set(key, group);
    this.#groups.set(group, keys);
  }

  /** The next key, which then waits no more. */
  take(): Waiting<K> | undefined {
    const [turn] = this.#groups;
    if (turn === undefined) return undefined;
    const [group, keys] = turn;
    const [first] = keys;
    this.#groups.delete(group);
    if (first === undefined) return this.take();
    const [key, since] = first;
    keys.delete(key);
    this.#groupOf.delete(key);
    if (keys.size > 0) this.#groups.set(group, keys);
    return { key, since };
  }

  clear(): void {
    this.#groups.clear();
    this.#groupOf.clear();
  }
}
