/**
 * What is known of one resource: fed by list and watch, and by the answers of our own writes, which are visible here at once.
 *
 * Guarantees: an object is never replaced by an older version of itself, so a late watch event does not take an own write back; what
 * was seen deleted is not brought back by a late write answer, since an answer that is older than what list and watch have told is
 * nothing new. Reads are synchronous and give shared objects: never change them.
 * Assumes comparable resourceVersions; where the server's are not, only list and watch are believed.
 */
import type { KubeObject } from '../api/objects.ts';
import { formatKey, isGone, keyOf, type ObjectKey } from '../kube/index.ts';
import { compareResourceVersions } from './resource-version.ts';

export interface Store<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  byUid(uid: string): T | undefined;
  byIndex(index: string, value: string): readonly T[];
  list(): readonly T[];
  readonly size: number;
  /** Takes the object that a write's own answer carried, if newer than what is known; one whose deletion is complete is forgotten. */
  merge(object: T): void;
  /** Our own delete call was answered with "gone". */
  forget(object: KubeObject): void;
}

/** `old` alone: deleted. `new` alone: added. A deleted and recreated object is told as two changes. */
export interface Change<T> {
  readonly old?: T;
  readonly new?: T;
  /** `write`: learned from the answer of an own write, before the watch delivered it. */
  readonly origin: 'watch' | 'write';
}

/** Index name to the values under which an object is found. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** How long a uid that we deleted stays known; longer than the watch can be late. */
const endedMs = 5 * 60_000;

export interface MemoryStoreOptions<T> {
  readonly indexes?: Indexes<T>;
  readonly now?: () => number;
  /** Which namespaces this store is about; an own write elsewhere is not taken in. */
  readonly namespaces?: readonly string[] | undefined;
  /** Applied to everything before it is kept. */
  readonly transform?: (object: T) => T;
  readonly onChange?: (change: Change<T>) => void;
}

export class MemoryStore<T extends KubeObject> implements Store<T> {
  readonly #objects = new Map<string, T>();
  readonly #byUid = new Map<string, T>();
  readonly #indexers = new Map<string, (object: T) => readonly string[]>();
  readonly #indexed = new Map<string, Map<string, Set<T>>>();
  /** uids that our own writes ended, ahead of the watch, and until when that is remembered. */
  readonly #ended = new Map<string, number>();
  /** Per namespace that is followed, or for all: everything up to this version was told. */
  readonly #toldUpTo = new Map<string | undefined, string>();
  readonly #now: () => number;
  readonly #namespaces: readonly string[] | undefined;
  readonly #transform: (object: T) => T;
  readonly #announce: (change: Change<T>) => void;

  constructor(options: MemoryStoreOptions<T> = {}) {
    this.#now = options.now ?? Date.now;
    this.#namespaces = options.namespaces;
    this.#transform = options.transform ?? ((object) => object);
    this.#announce = options.onChange ?? (() => {});
    this.addIndexes(options.indexes ?? {});
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(formatKey(key));
  }

  byUid(uid: string): T | undefined {
    return this.#byUid.get(uid);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): readonly T[] {
    const values = this.#indexed.get(index);
    if (values === undefined) throw new RangeError(`no index "${index}" on this store`);
    return [...(values.get(value) ?? [])];
  }

  /** A name that is taken keeps its first function: sharers of a store name their indexes alike only if they mean the same. */
  addIndexes(indexes: Indexes<T>): void {
    for (const [name, valuesOf] of Object.entries(indexes)) {
      if (this.#indexers.has(name)) continue;
      this.#indexers.set(name, valuesOf);
      this.#indexed.set(name, new Map());
      for (const object of this.#objects.values()) this.#addToIndex(name, object);
    }
  }

  merge(object: T): void {
    const { namespace, resourceVersion } = object.metadata;
    if (namespace !== undefined && this.#namespaces !== undefined && !this.#namespaces.includes(namespace)) return;
    // The answer that ends an object carries the version before its end; but no uid ever comes back, so its age does not matter.
    if (isGone(object)) return this.forget(object);
    const toldUpTo = this.#toldUpTo.get(this.#scopeOf(object));
    if (toldUpTo !== undefined && !isNewer(resourceVersion, toldUpTo)) return;
    this.#put(object, 'write');
  }

  forget(object: KubeObject): void {
    this.#end(object.metadata.uid);
    this.#drop(object, 'write');
  }

  /** An ADDED or MODIFIED event. */
  apply(object: T): void {
    this.advance(object.metadata.resourceVersion, this.#scopeOf(object));
    this.#put(object, 'watch');
  }

  /** A DELETED event. */
  remove(object: T): void {
    this.advance(object.metadata.resourceVersion, this.#scopeOf(object));
    this.#drop(object, 'watch');
  }

  /** Everything up to this version was told for that namespace, or for all. */
  advance(resourceVersion: string, namespace?: string): void {
    this.#toldUpTo.set(namespace, resourceVersion);
  }

  /**
   * A complete list of one namespace, or of all, as of `resourceVersion`. What is known but not listed is gone, unless an own
   * write made it after the list was taken.
   */
  replace(listed: readonly T[], resourceVersion: string, namespace?: string): void {
    const known = this.list().filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    if (this.#wentBack(resourceVersion, namespace)) for (const object of known) this.#drop(object, 'watch');
    this.advance(resourceVersion, namespace);
    const present = new Set<string>();
    for (const object of listed) {
      present.add(object.metadata.uid);
      this.#put(object, 'watch');
    }
    for (const object of known) {
      if (present.has(object.metadata.uid) || isNewer(object.metadata.resourceVersion, resourceVersion)) continue;
      this.#drop(object, 'watch');
    }
  }

  /** A list is never older than what was told before it, unless the cluster's data was restored from a backup. */
  #wentBack(resourceVersion: string, namespace: string | undefined): boolean {
    const toldUpTo = this.#toldUpTo.get(namespace);
    return toldUpTo !== undefined && isNewer(toldUpTo, resourceVersion);
  }

  /** By which list and watch an object is told: its namespace's own, or the one for all. */
  #scopeOf(object: T): string | undefined {
    return this.#namespaces === undefined ? undefined : object.metadata.namespace;
  }

  #put(told: T, origin: Change<T>['origin']): void {
    if (this.#isEnded(told.metadata.uid)) return;
    const key = formatKey(keyOf(told));
    const old = this.#objects.get(key);
    if (old !== undefined && !supersedes(told.metadata.resourceVersion, old.metadata.resourceVersion)) return;
    const object = this.#transform(told);
    if (old !== undefined) this.#unlink(old);
    this.#objects.set(key, object);
    this.#byUid.set(object.metadata.uid, object);
    for (const index of this.#indexers.keys()) this.#addToIndex(index, object);
    if (old === undefined) this.#announce({ new: object, origin });
    else if (old.metadata.uid === object.metadata.uid) this.#announce({ old, new: object, origin });
    else {
      this.#end(old.metadata.uid);
      this.#announce({ old, origin });
      this.#announce({ new: object, origin });
    }
  }

  /** Another object of that name stays. */
  #drop(gone: KubeObject, origin: Change<T>['origin']): void {
    const key = formatKey(keyOf(gone));
    const known = this.#objects.get(key);
    if (known?.metadata.uid !== gone.metadata.uid) return;
    this.#unlink(known);
    this.#objects.delete(key);
    this.#announce({ old: known, origin });
  }

  #unlink(object: T): void {
    this.#byUid.delete(object.metadata.uid);
    for (const [index, valuesOf] of this.#indexers) {
      const values = this.#indexed.get(index);
      for (const value of valuesOf(object)) {
        const sharing = values?.get(value);
        sharing?.delete(object);
        if (sharing?.size === 0) values?.delete(value);
      }
    }
  }

  #addToIndex(index: string, object: T): void {
    const values = this.#indexed.get(index);
    for (const value of this.#indexers.get(index)?.(object) ?? []) {
      const sharing = values?.get(value);
      if (sharing === undefined) values?.set(value, new Set([object]));
      else sharing.add(object);
    }
  }

  #end(uid: string): void {
    const now = this.#now();
    for (const [ended, until] of this.#ended) {
      // Insertion order is expiry order: the first that still counts ends the sweep.
      if (until > now) break;
      this.#ended.delete(ended);
    }
    this.#ended.delete(uid);
    this.#ended.set(uid, now + endedMs);
  }

  #isEnded(uid: string): boolean {
    const until = this.#ended.get(uid);
    return until !== undefined && until > this.#now();
  }
}

function isNewer(candidate: string, than: string): boolean {
  return (compareResourceVersions(candidate, than) ?? 0) > 0;
}

/** Equal versions are the same object told twice; of versions that cannot be ordered the one told last stands. */
function supersedes(candidate: string, known: string): boolean {
  return (compareResourceVersions(candidate, known) ?? 1) > 0;
}
