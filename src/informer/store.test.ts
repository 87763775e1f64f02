import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubeObject } from '../api/objects.ts';
import { type Change, MemoryStore, type MemoryStoreOptions } from './store.ts';

interface Thing extends KubeObject {
  readonly data: string;
}

function thing(
  name: string,
  resourceVersion: string | number,
  more: { uid?: string; data?: string; meta?: object } = {},
): Thing {
  const { uid = `uid-${name}`, data = '' } = more;
  const metadata = {
    name,
    namespace: 'a',
    uid,
    resourceVersion: String(resourceVersion),
    creationTimestamp: 't',
    ...more.meta,
  };
  return { apiVersion: 'v1', kind: 'Thing', metadata, data };
}

function recorded(options: MemoryStoreOptions<Thing> = {}) {
  const told: string[] = [];
  const say = ({ old, new: now, origin }: Change<Thing>) => {
    const part = (object: Thing | undefined) =>
      object ? `${object.metadata.uid}@${object.metadata.resourceVersion}` : '-';
    told.push(`${part(old)} > ${part(now)} ${origin}`);
  };
  return { store: new MemoryStore<Thing>({ ...options, onChange: say }), told };
}

const key = (name: string) => ({ namespace: 'a', name });
const versions = (store: MemoryStore<Thing>) =>
  store.list().map(({ metadata }) => `${metadata.uid}@${metadata.resourceVersion}`);

describe('an own write', () => {
  test('is visible at once, and the watch event that comes after tells nothing new', () => {
    const { store, told } = recorded();
    store.merge(thing('x', 5));
    expect(store.get(key('x'))?.metadata.resourceVersion).toBe('5');
    store.apply(thing('x', 5));
    expect(told).toEqual(['- > uid-x@5 write']);
  });

  test('is not taken back by an event of a change before it', () => {
    const { store, told } = recorded();
    store.apply(thing('x', 3));
    store.merge(thing('x', 9));
    store.apply(thing('x', 7));
    expect(versions(store)).toEqual(['uid-x@9']);
    expect(told).toHaveLength(2);
  });

  test('whose answer is late does not undo what the watch told since', () => {
    const { store } = recorded();
    store.apply(thing('x', 9));
    store.merge(thing('x', 7));
    expect(versions(store)).toEqual(['uid-x@9']);
  });

  test('does not bring back what was seen deleted', () => {
    const { store } = recorded();
    store.apply(thing('x', 3));
    store.remove(thing('x', 8));
    store.merge(thing('x', 7));
    expect(store.size).toBe(0);
  });

  test('does not bring back what we deleted, and neither do events on their way', () => {
    const { store } = recorded();
    store.apply(thing('x', 3));
    store.forget(thing('x', 3));
    store.apply(thing('x', 4));
    store.merge(thing('x', 5));
    expect(store.size).toBe(0);
  });

  test('that took the last finalizer ends the object, although its answer carries the version before', () => {
    const { store } = recorded();
    const meta = { deletionTimestamp: 't', finalizers: ['f'] };
    store.apply(thing('x', 3, { meta }));
    store.apply(thing('other', 9));
    store.merge(thing('x', 3, { meta: { ...meta, finalizers: [] } }));
    expect(store.get(key('x'))).toBeUndefined();
  });

  test('that took the last finalizer of a deleted object ends it', () => {
    const { store, told } = recorded();
    store.apply(thing('x', 3));
    store.merge(thing('x', 4, { meta: { deletionTimestamp: 't', deletionGracePeriodSeconds: 0 } }));
    expect(store.size).toBe(0);
    expect(told.at(-1)).toBe('uid-x@3 > - write');
  });

  test('outside of the namespaces that are followed is not taken in: nothing would ever take it out', () => {
    const { store } = recorded({ namespaces: ['b'] });
    store.merge(thing('x', 3));
    expect(store.size).toBe(0);
  });
});

describe('a name that is used again', () => {
  test('is told as a deletion and an addition', () => {
    const { store, told } = recorded();
    store.apply(thing('x', 3, { uid: 'one' }));
    store.apply(thing('x', 5, { uid: 'two' }));
    expect(told.slice(1)).toEqual(['one@3 > - watch', '- > two@5 watch']);
    expect([store.byUid('one'), store.byUid('two')?.metadata.name]).toEqual([undefined, 'x']);
  });

  test('survives the late deletion of who had it before', () => {
    const { store } = recorded();
    store.merge(thing('x', 5, { uid: 'two' }));
    store.remove(thing('x', 4, { uid: 'one' }));
    expect(versions(store)).toEqual(['two@5']);
  });
});

describe('a new list', () => {
  test('removes what is not in it, and tells the difference only', () => {
    const { store, told } = recorded();
    store.replace([thing('x', 1), thing('y', 2), thing('z', 3)], '3');
    told.length = 0;
    store.replace([thing('x', 1), thing('y', 8)], '9');
    expect(told).toEqual(['uid-y@2 > uid-y@8 watch', 'uid-z@3 > - watch']);
  });

  test('keeps what an own write made after it was taken', () => {
    const { store } = recorded();
    store.merge(thing('x', 12));
    store.replace([thing('y', 2)], '9');
    expect(versions(store).sort()).toEqual(['uid-x@12', 'uid-y@2']);
    store.replace([thing('y', 2)], '15');
    expect(versions(store)).toEqual(['uid-y@2']);
  });

  test('does not bring back what was deleted after it was taken', () => {
    const { store } = recorded();
    store.forget(thing('x', 3));
    store.replace([thing('x', 3)], '9');
    expect(store.size).toBe(0);
  });

  test('that is older than what was told replaces all: the cluster was restored from a backup', () => {
    const { store } = recorded();
    store.replace([thing('x', 80), thing('y', 90)], '100');
    store.replace([thing('x', 40), thing('z', 50)], '60');
    expect(versions(store)).toEqual(['uid-x@40', 'uid-z@50']);
  });

  test('of one namespace leaves the others alone', () => {
    const { store } = recorded();
    store.apply(thing('x', 3, { meta: { namespace: 'b' }, uid: 'b-x' }));
    store.replace([], '9', 'a');
    expect(versions(store)).toEqual(['b-x@3']);
  });
});

test('an object that left a label selector can come back', () => {
  const { store } = recorded();
  store.apply(thing('x', 3));
  store.remove(thing('x', 5));
  store.apply(thing('x', 7));
  expect(versions(store)).toEqual(['uid-x@7']);
});

test('an own deletion is forgotten after some minutes, so that memory does not grow with it', () => {
  let now = 0;
  const { store } = recorded({ now: () => now });
  store.forget(thing('x', 5));
  store.merge(thing('x', 6));
  expect(store.size).toBe(0);
  now = 10 * 60_000;
  store.merge(thing('x', 6));
  expect(store.size).toBe(1);
});

test('an answer that is older than the last bookmark is nothing new', () => {
  const { store } = recorded();
  store.advance('9');
  store.merge(thing('x', 8));
  expect(store.size).toBe(0);
});

describe('versions that cannot be ordered', () => {
  test('leave the word to the watch', () => {
    const { store } = recorded();
    store.apply(thing('x', 'a'));
    store.merge(thing('x', 'b'));
    store.merge(thing('y', 'b'));
    expect(versions(store)).toEqual(['uid-x@a']);
    store.apply(thing('x', 'c'));
    expect(versions(store)).toEqual(['uid-x@c']);
  });
});

describe('indexes', () => {
  const byData = { data: (object: Thing) => object.data.split(',').filter((value) => value !== '') };
  const names = (objects: readonly Thing[]) => objects.map(({ metadata }) => metadata.name);

  test('follow every change', () => {
    const { store } = recorded({ indexes: byData });
    store.apply(thing('x', 1, { data: 'red,blue' }));
    store.apply(thing('y', 2, { data: 'blue' }));
    expect(names(store.byIndex('data', 'blue'))).toEqual(['x', 'y']);
    store.apply(thing('x', 3, { data: 'red' }));
    expect([names(store.byIndex('data', 'blue')), names(store.byIndex('data', 'red'))]).toEqual([['y'], ['x']]);
    store.remove(thing('x', 4));
    expect(store.byIndex('data', 'red')).toEqual([]);
  });

  test('can come when objects are there already', () => {
    const { store } = recorded();
    store.apply(thing('x', 1, { data: 'red' }));
    store.addIndexes(byData);
    expect(names(store.byIndex('data', 'red'))).toEqual(['x']);
  });

  test('that do not exist are a mistake of the caller', () => {
    expect(() => recorded().store.byIndex('none', 'x')).toThrow('no index "none"');
  });
});

/** A cluster of three names writes its history; list and watch tell it in order but late, our own write answers come at any time. */
class LateNews {
  readonly store = recorded().store;
  readonly #cluster = new Map<string, Thing>();
  readonly #history: { object: Thing; deleted: boolean }[] = [];
  readonly #answers: Thing[] = [];
  /** A list that was taken and is on its way; nothing is watched meanwhile. */
  #list: { items: Thing[]; version: number } | undefined;
  #told = 0;

  write(name: string): void {
    const version = this.#history.length + 1;
    const uid = this.#cluster.get(name)?.metadata.uid ?? `${name}-${version}`;
    const object = thing(name, version, { uid });
    this.#cluster.set(name, object);
    this.#history.push({ object, deleted: false });
    this.#answers.push(object);
  }

  delete(name: string, by: 'us' | 'others'): void {
    const known = this.#cluster.get(name);
    if (known === undefined) return;
    this.#cluster.delete(name);
    this.#history.push({ object: thing(name, this.#history.length + 1, { uid: known.metadata.uid }), deleted: true });
    if (by === 'us') this.store.forget(known);
  }

  merge(which: number): void {
    const answer = this.#answers[which % Math.max(1, this.#answers.length)];
    if (answer !== undefined) this.store.merge(answer);
  }

  watch(count: number): void {
    if (this.#list !== undefined) return;
    for (const { object, deleted } of this.#history.slice(this.#told, this.#told + count)) {
      if (deleted) this.store.remove(object);
      else this.store.apply(object);
      this.#told += 1;
    }
  }

  bookmark(): void {
    if (this.#list === undefined) this.store.advance(String(this.#told));
  }

  list(): void {
    if (this.#list === undefined) {
      this.#list = { items: [...this.#cluster.values()], version: this.#history.length };
      return;
    }
    this.store.replace(this.#list.items, String(this.#list.version));
    this.#told = this.#list.version;
    this.#list = undefined;
  }

  /** All news arrive. */
  settle(): { known: string[]; true: string[] } {
    if (this.#list !== undefined) this.list();
    this.watch(this.#history.length);
    const truth = [...this.#cluster.values()].map(({ metadata }) => `${metadata.uid}@${metadata.resourceVersion}`);
    return { known: versions(this.store).sort(), true: truth.sort() };
  }
}

test('whatever the order of watch, lists and write answers, versions never go back and all ends as the cluster is', () => {
  const name = fc.constantFrom('x', 'y', 'z');
  const step = fc.oneof(
    name.map((of) => (news: LateNews) => news.write(of)),
    fc.tuple(name, fc.constantFrom('us' as const, 'others' as const)).map(
      ([of, by]) =>
        (news: LateNews) =>
          news.delete(of, by),
    ),
    fc.nat(3).map((count) => (news: LateNews) => news.watch(count)),
    fc.nat().map((which) => (news: LateNews) => news.merge(which)),
    fc.constant((news: LateNews) => news.bookmark()),
    fc.constant((news: LateNews) => news.list()),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const news = new LateNews();
      const seen = new Map<string, number>();
      for (const take of steps) {
        take(news);
        for (const { metadata } of news.store.list()) {
          expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(seen.get(metadata.uid) ?? 0);
          seen.set(metadata.uid, Number(metadata.resourceVersion));
        }
      }
      const settled = news.settle();
      expect(settled.known).toEqual(settled.true);
    }),
    { numRuns: 1000 },
  );
});
