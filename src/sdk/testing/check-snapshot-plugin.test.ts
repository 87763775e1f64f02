import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { defineSnapshotPlugin } from '../define-snapshot-plugin.ts';
import { AttemptFailedError, PermanentError } from '../errors.ts';
import type { SnapshotPlugin } from '../snapshot-plugin.ts';
import { assertSnapshotsConform, checkSnapshotPlugin } from './check-snapshot-plugin.ts';
import type { SnapshotSubject } from './snapshot-subject.ts';

interface Parameters {
  readonly pool: string;
}

const parameters = {
  parse: (given: unknown): Parameters => {
    const { pool = 'main' } = given as Partial<Parameters>;
    if (!/^[a-z]+$/.test(pool)) throw new Error('pool must be a word');
    return { pool };
  },
};

const source = { namespace: 'app', claim: 'data', claimUid: 'c', volume: 'pv-1', capacityBytes: 7 };

/** Keeps snapshots by key, each ready when it was asked for twice. Of volume `bad` none comes about. */
function aStore() {
  const snapshots = new Map<string, { readonly volume: string; readonly at: Date; asked: number }>();
  let begun = 0;
  let mood: 'well' | 'silent' | 'broken' = 'well';
  const set = (wanted: typeof mood) => () => {
    mood = wanted;
    return () => void (mood = 'well');
  };
  /** A request on its way: an ear for the signal all along. */
  const reached = async (signal: AbortSignal): Promise<void> => {
    if (mood === 'silent') await delay(60_000, undefined, { signal, ref: false });
    if (mood === 'broken') throw new Error('the store is broken');
    await delay(2, undefined, { signal });
  };
  const put = (key: string, volume: string) => {
    if (snapshots.has(key)) return;
    begun += 1;
    snapshots.set(key, { volume, at: new Date(), asked: 0 });
  };
  return {
    outside: { begun: () => begun, left: () => snapshots.size, hang: set('silent'), fail: set('broken') },
    reached,
    put,
    begin: async (key: string, volume: string, signal: AbortSignal) => {
      await reached(signal);
      put(key, volume);
    },
    ask: async (key: string, signal: AbortSignal) => {
      await reached(signal);
      const found = snapshots.get(key);
      if (found !== undefined) found.asked += 1;
      return found;
    },
    remove: async (key: string, signal: AbortSignal) => {
      await reached(signal);
      return snapshots.delete(key);
    },
  };
}

type Store = ReturnType<typeof aStore>;
type Functions = Pick<
  SnapshotPlugin<Parameters>,
  'handleOf' | 'snapshot' | 'snapshotComplete' | 'snapshotDelete' | 'snapshotCleanup'
>;

const handleOf = (key: string) => `store:${key}`;
const keyOf = (handle: string) => handle.slice('store:'.length);

function honest(store: Store): Functions {
  return {
    handleOf,
    snapshot: async ({ key, source: { volume }, signal }) => {
      await store.begin(key, volume, signal);
      return { handle: handleOf(key) };
    },
    snapshotComplete: async ({ handle, source: known, signal }) => {
      const found = await store.ask(keyOf(handle), signal);
      if (found === undefined && known === undefined)
        throw new PermanentError('SnapshotNotFound', `there is no snapshot ${handle}`);
      if (found === undefined) throw new AttemptFailedError('SnapshotLost', 'the store has forgotten it');
      if (found.volume === 'bad') throw new AttemptFailedError('VolumeBroken', 'the volume cannot be read');
      return found.asked > 1 ? { ready: true, cutAt: found.at, restoreSize: 7 } : { ready: false, state: { asked: 1 } };
    },
    snapshotDelete: async ({ handle, signal }) => {
      await store.remove(keyOf(handle), signal);
      return true;
    },
    snapshotCleanup: async ({ signal }) => store.reached(signal),
  };
}

function subjectOf(change: (store: Store, whole: Functions) => Partial<Functions> = () => ({})): SnapshotSubject {
  const store = aStore();
  const plugin = () => {
    const whole = honest(store);
    return defineSnapshotPlugin<Parameters>({
      name: 'store',
      driver: 'store.example.com',
      parameters,
      ...whole,
      ...change(store, whole),
    });
  };
  return {
    plugin,
    source,
    failingSource: { ...source, volume: 'bad' },
    badParameters: [{ pool: '1' }],
    outside: store.outside,
    limitMs: 400,
    limits: { callMs: 150, stopMs: 80 },
  };
}

test('an honest plugin keeps all its promises, and all of them are tried', async () => {
  const report = await checkSnapshotPlugin(subjectOf());
  expect(report.problems).toEqual([]);
  expect(report.skipped).toEqual([]);
  expect(report.passed).toHaveLength(12);
});

test('what the kit is not told of is not tried, and it says what it lacks', async () => {
  const { plugin, limits } = subjectOf();
  const { skipped, problems } = await checkSnapshotPlugin({ plugin, source, ...(limits && { limits }) });
  expect(problems).toEqual([]);
  expect(skipped.map(({ why }) => why)).toEqual([
    'give outside.hang',
    'give outside.fail',
    'give badParameters',
    'give failingSource',
  ]);
});

const never = () => new Promise<never>(() => {});
const deaf = new AbortController().signal;

const TWICE = 'a capture that is begun twice is one capture, and becomes ready';
const RESTART = 'a ready snapshot outlives a restart and its clean-up, and is told of in the same way';
const DELETED = 'a snapshot that is deleted twice is gone, and no import finds it';
const CANCELLED = 'a capture that is cancelled is gone';
const NOTHING = 'what was never begun can be deleted and tidied up';
const STOP = 'a call that is told to stop ends';
const HANGS = 'a call ends when it is told to, also while the store is silent';
const FAILS = 'a failure of the store is told, and what was begun goes on after it';
const PARAMETERS = 'parameters that cannot work are refused for good';
const FAILED = 'a capture that fails says so with PermanentError or AttemptFailedError';
const LATE_BEGINNING = 'a call of snapshot that ends after the deletion brings nothing back';
const LATE_QUESTION = 'a call of snapshotComplete that ends after the deletion brings nothing back';

const bad: readonly (readonly [rule: string, words: string, subject: SnapshotSubject])[] = [
  [
    TWICE,
    'got the handles',
    subjectOf((_, { snapshot }) => ({
      handleOf: undefined as never,
      snapshot: async (params) => ({ handle: `${(await snapshot(params)).handle}-${Math.random()}` }),
    })),
  ],
  [TWICE, 'handleOf said', subjectOf(() => ({ handleOf: (key) => `other:${key}` }))],
  [
    TWICE,
    '2 captures were begun',
    subjectOf((store, { snapshot }) => ({
      snapshot: async (params) => {
        await store.remove(params.key, params.signal);
        return snapshot(params);
      },
    })),
  ],
  [TWICE, 'did not answer in time', subjectOf(() => ({ snapshot: never }))],
  [TWICE, 'did not become ready', subjectOf(() => ({ snapshotComplete: async () => ({ ready: false }) }))],
  [
    RESTART,
    'cutAt is another one',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: async (params) => {
        const answer = await snapshotComplete(params);
        return answer.ready ? { ...answer, cutAt: new Date(Math.random() * 1e12) } : answer;
      },
    })),
  ],
  [DELETED, 'SnapshotNotFound', subjectOf(() => ({ snapshotDelete: async () => true }))],
  [CANCELLED, 'still holds', subjectOf(() => ({ snapshotDelete: async () => true }))],
  [
    NOTHING,
    'unknown',
    subjectOf((store) => ({
      snapshotDelete: async ({ handle, signal }) => {
        if (!(await store.remove(keyOf(handle), signal))) throw new Error('unknown');
        return true;
      },
    })),
  ],
  [STOP, 'snapshotCleanup went on', subjectOf(() => ({ snapshotCleanup: never }))],
  [
    STOP,
    'not an Error',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: async (params) => {
        // Later than the signal, whose timer is due before this one, also on a machine that is late with both.
        await delay(5);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a careless plugin does
        return params.signal.aborted
          ? Promise.reject('stopped')
          : snapshotComplete(params).catch(() => Promise.reject('no'));
      },
    })),
  ],
  [
    HANGS,
    'pass the signal on',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: (params) => snapshotComplete({ ...params, signal: deaf }),
    })),
  ],
  [
    HANGS,
    'snapshotDelete says that the data is gone while the store is silent',
    subjectOf((_, { snapshotDelete }) => ({
      snapshotDelete: (params) => Promise.race([snapshotDelete(params), delay(30, true, { ref: false })]),
    })),
  ],
  [
    FAILS,
    'snapshotDelete says that the data is gone while the store fails',
    subjectOf((_, { snapshotDelete }) => ({ snapshotDelete: (params) => snapshotDelete(params).catch(() => true) })),
  ],
  [
    FAILS,
    'snapshotComplete says "ready" while the store fails',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: (params) =>
        snapshotComplete(params).catch((error: Error) => {
          if (error.message.includes('broken')) return { ready: true };
          throw error;
        }),
    })),
  ],
  [
    FAILS,
    'which is permanent',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: (params) =>
        snapshotComplete(params).catch((error: Error) => {
          throw error.message.includes('broken') ? new PermanentError('StoreDown', error.message) : error;
        }),
    })),
  ],
  [FAILS, 'once the store works again', subjectOf(resentful)],
  [PARAMETERS, 'were not refused', { ...subjectOf(), badParameters: [{ pool: 'attic' }] }],
  [
    PARAMETERS,
    'tried again at once and for ever',
    {
      ...subjectOf((_, { snapshot }) => ({
        snapshot: async (params) => {
          if (params.parameters.pool === 'attic') throw new Error('no such pool');
          return snapshot(params);
        },
      })),
      badParameters: [{ pool: 'attic' }],
    },
  ],
  [FAILED, '"ready" of a capture that must fail', { ...subjectOf(), failingSource: { ...source, volume: 'good' } }],
  [
    FAILED,
    'last: Error: the volume cannot be read',
    subjectOf((_, { snapshotComplete }) => ({
      snapshotComplete: (params) =>
        snapshotComplete(params).catch((error: unknown) => {
          throw error instanceof AttemptFailedError ? new Error(error.message) : error;
        }),
    })),
  ],
  [
    LATE_BEGINNING,
    'is there again',
    subjectOf((store, { snapshot }) => ({
      snapshot: async (params) => {
        // What the service does with a request that nobody waits for any more.
        await delay(20);
        if (params.signal.aborted) store.put(params.key, params.source.volume);
        return snapshot(params);
      },
    })),
  ],
  [
    LATE_QUESTION,
    'is there again',
    subjectOf((store, { snapshotComplete }) => ({
      snapshotComplete: async (params) => {
        if (params.source === undefined) return snapshotComplete(params);
        await delay(20);
        if (params.signal.aborted) store.put(keyOf(params.handle), params.source.volume);
        return snapshotComplete(params);
      },
    })),
  ],
];

describe('a plugin that breaks a rule is told so', () => {
  // Side by side: most of their time is waiting for what does not come.
  test.concurrent.each(bad.map(([rule, words, subject]) => ({ rule, words, subject })))(
    '$rule: $words',
    async ({ rule, words, subject }) => {
      const { problems, passed } = await checkSnapshotPlugin(subject);
      expect(problems).toContainEqual({ rule, message: expect.stringContaining(words) });
      expect(passed).not.toContain(rule);
    },
    30_000,
  );
});

test('the error of assertSnapshotsConform says everything in plain words', async () => {
  await expect(assertSnapshotsConform(subjectOf(() => ({ snapshotCleanup: never })))).rejects.toThrow(
    /plugin store does not keep its promises[^]*a call that is told to stop ends: snapshotCleanup went on/,
  );
});

/** Remembers a failure for ever. */
function resentful(store: Store, { snapshotComplete }: Functions): Partial<Functions> {
  const failed = failures.get(store) ?? new Set<string>();
  failures.set(store, failed);
  return {
    snapshotComplete: async (params) => {
      if (failed.has(params.key)) throw new Error('it failed before');
      return snapshotComplete(params).catch((error: Error) => {
        if (error.message.includes('broken')) failed.add(params.key);
        throw error;
      });
    },
  };
}
const failures = new WeakMap<Store, Set<string>>();
