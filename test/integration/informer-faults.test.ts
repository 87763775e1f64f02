/** The informer against a real API server, with every fault of a network and of a server in between. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Informer, type InformerTimings } from '../../src/informer/index.ts';
import type { Connection } from '../../src/kube/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import type { OpenWatch } from '../support/fault-proxy-watch.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import {
  aConfigMap,
  type ConfigMap,
  clientOf,
  configMaps,
  controlPlane,
  done,
  newNamespace,
  removeAll,
} from './control-plane.ts';

jest.setTimeout(60_000);

let direct: Connection;
let proxy: FaultProxy;
let spoiled: Connection;
let namespace: string;
let stop: AbortController;
let informer: Informer<ConfigMap>;
let running: Promise<void>;
let told: string[];

beforeAll(async () => {
  const kubeconfig = await controlPlane();
  direct = clientOf(kubeconfig);
  proxy = await FaultProxy.start(kubeconfig);
  spoiled = clientOf(proxy.kubeconfig);
});
afterAll(async () => {
  await proxy.close();
  await removeAll(direct);
  await Promise.all([direct.close(), spoiled.close()]);
});

beforeEach(async () => {
  namespace = await newNamespace(direct);
  stop = new AbortController();
  told = [];
  proxy.reset();
});
afterEach(async () => {
  stop.abort();
  await running;
});

const key = (name: string) => ({ namespace, name });
// Kubernetes puts a ConfigMap of its own into every namespace.
const labels = { followed: 'yes' };
const create = async (name: string) =>
  done(await direct.create<ConfigMap>(configMaps, aConfigMap(key(name), {}, { labels })));
const remove = async (object: ConfigMap) =>
  expect((await direct.delete(configMaps, key(object.metadata.name), { uid: object.metadata.uid })).type).toBe(
    'absent',
  );
const change = async (name: string, data: Record<string, string>) =>
  done(await direct.mergePatch<ConfigMap>(configMaps, key(name), { data }));

function follow(timings: Partial<InformerTimings> = {}): void {
  informer = new Informer<ConfigMap>({
    client: spoiled,
    resource: configMaps,
    namespaces: [namespace],
    labelSelector: 'followed=yes',
    timings: { backoff: { baseMs: 5, capMs: 50 }, ...timings },
    freeze: true,
    logger: recordingLogger(),
    metrics: createMetrics(),
  });
  informer.onChange(({ old, new: now }) => {
    const version = (object: ConfigMap | undefined) =>
      object === undefined ? '-' : `${object.metadata.name}:${object.data?.['v'] ?? ''}`;
    told.push(`${version(old)} > ${version(now)}`);
  });
  running = informer.start(stop.signal);
}

/** Follows, with one object there and the watch open. */
async function followed(timings?: Partial<InformerTimings>): Promise<OpenWatch> {
  await create('first');
  follow(timings);
  await informer.waitForSync(stop.signal);
  return openWatch();
}

const openWatch = async () => {
  const watches = await eventually(
    'an open watch',
    () => proxy.watches(),
    (open) => open.length === 1,
  );
  return watches[0] as OpenWatch;
};
const names = () =>
  informer.store
    .list()
    .map(({ metadata }) => metadata.name)
    .sort();
const known = (...expected: string[]) => eventually('the store', names, (all) => all.join() === expected.sort().join());
const lists = () => proxy.seen({ url: /configmaps(\?|$)/, kind: 'call' }).length;
const watchStarts = () =>
  proxy.seen({ kind: 'watch' }).map(({ url }) => new URL(url, 'http://x').searchParams.get('resourceVersion'));

describe('a watch that breaks is resumed where it was, without a new list', () => {
  test.each<[string, (watch: OpenWatch) => void]>([
    ['a reset', (watch) => watch.reset()],
    ['the end that the server announces', (watch) => watch.end()],
    ['half a line', (watch) => watch.cutNextLine()],
    ['a garbage line', (watch) => watch.write('garbage\n')],
    ['an event without an object', (watch) => watch.write('{"type":"ADDED"}\n')],
    [
      'an ERROR of the server',
      (watch) => watch.event('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'decoding' }),
    ],
  ])('%s', async (_, spoil) => {
    const watch = await followed();
    spoil(watch);
    await create('second');
    await known('first', 'second');
    expect([lists(), watchStarts().length]).toEqual([1, 2]);
    expect(told).toEqual(['- > first:', '- > second:']);
  });

  test('a stall without an end', async () => {
    const watch = await followed({ idleMs: 300 });
    watch.stall();
    await create('second');
    await known('first', 'second');
    expect(lists()).toBe(1);
  });

  test('a server that closes each watch after its time', async () => {
    await followed({ serverTimeoutMs: 500 });
    await eventually('another watch', watchStarts, (starts) => starts.length > 2);
    await create('second');
    await known('first', 'second');
    expect(lists()).toBe(1);
  });

  test('a server that refuses watches for a while, with and without saying how long', async () => {
    const watch = await followed();
    proxy.on({ kind: 'watch' }, { type: 'answer', status: 429, headers: { 'retry-after': '0' } }, { times: 2 });
    proxy.on({ kind: 'watch' }, { type: 'answer', status: 503 }, { times: 2 });
    proxy.on({ kind: 'watch' }, { type: 'reset', when: 'before' });
    watch.end();
    await create('second');
    await known('first', 'second');
    expect([lists(), proxy.pendingFaults]).toEqual([1, 0]);
  });

  test('a server that is away', async () => {
    await followed();
    proxy.down();
    await create('second');
    await eventually(
      'tries',
      () => informer.problems(),
      (problems) => problems.length > 0,
    );
    proxy.up();
    await known('first', 'second');
    expect([lists(), informer.problems()]).toEqual([1, []]);
  });
});

test('a bookmark alone moves the place from which a watch is resumed', async () => {
  const watch = await followed();
  // Written where this informer does not look, so that the version is newer than all that it was told.
  const elsewhere = await direct.create(configMaps, aConfigMap({ namespace: await newNamespace(direct), name: 'x' }));
  const { resourceVersion } = done(elsewhere).metadata;
  watch.event('BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion } });
  // Not a reset, which could overtake the bookmark.
  watch.end();
  const starts = await eventually('another watch', watchStarts, (all) => all.length === 2);
  expect(starts[1]).toBe(resourceVersion);
  await create('second');
  await known('first', 'second');
});

describe('a version that is too old leads to a new list', () => {
  test('410 as an event', async () => {
    const watch = await followed();
    watch.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
    await create('second');
    await known('first', 'second');
    expect(lists()).toBe(2);
  });

  test('410 as the answer', async () => {
    const watch = await followed();
    proxy.on({ kind: 'watch' }, { type: 'answer', status: 410, reason: 'Expired' });
    watch.end();
    await create('second');
    await known('first', 'second');
    expect(lists()).toBe(2);
  });
});

describe('case 59: what happened in a gap that no watch covers', () => {
  async function gap(between: () => Promise<void>): Promise<void> {
    proxy.down();
    await between();
    proxy.on({ kind: 'watch' }, { type: 'answer', status: 410, reason: 'Expired' });
    proxy.up();
  }

  test('a deletion is noticed', async () => {
    await followed();
    const second = await create('second');
    await known('first', 'second');
    await gap(() => remove(second));
    await known('first');
    expect(told.at(-1)).toBe('second: > -');
  });

  test('a deletion with a creation of the same name is told as both', async () => {
    await followed();
    const second = await create('second');
    await known('first', 'second');
    await gap(async () => {
      await remove(second);
      await create('second');
    });
    await eventually(
      'the new one',
      () => informer.store.get(key('second'))?.metadata.uid,
      (uid) => uid !== second.metadata.uid,
    );
    expect(told.slice(-2)).toEqual(['second: > -', '- > second:']);
    expect(informer.store.byUid(second.metadata.uid)).toBeUndefined();
  });
});

describe('listing', () => {
  const list = { url: /configmaps(\?|$)/, kind: 'call' } as const;

  test.each([
    ['500 for longer than one call tries', { type: 'answer', status: 500 } as const, 7],
    ['429 with Retry-After', { type: 'answer', status: 429, headers: { 'retry-after': '0' } } as const, 3],
    ['resets', { type: 'reset', when: 'before' } as const, 7],
    ['answers that are lost', { type: 'reset', when: 'after' } as const, 3],
  ])('survives %s', async (_, fault, times) => {
    proxy.on(list, fault, { times });
    await followed();
    expect([names(), proxy.pendingFaults]).toEqual([['first'], 0]);
  });

  /** Pages of two, so that five objects need three of them. */
  const smallPages = () =>
    proxy.on(list, { type: 'rewrite', url: (url) => url.replace('limit=500', 'limit=2') }, { times: 3 });
  const five = async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
  };

  test('goes through all pages', async () => {
    await five();
    smallPages();
    follow();
    await informer.waitForSync(stop.signal);
    expect([names(), lists()]).toEqual([['a', 'b', 'c', 'd', 'e'], 3]);
  });

  test('starts over in one piece when a continue token expired', async () => {
    await five();
    proxy.on({ ...list, url: /continue=/ }, { type: 'answer', status: 410, reason: 'Expired' });
    smallPages();
    follow();
    await informer.waitForSync(stop.signal);
    expect(names()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(proxy.seen(list).at(-1)?.url).not.toContain('limit');
  });
});

describe('stopping', () => {
  const forever = { type: 'stall' } as const;

  test.each<[string, () => void | Promise<unknown>]>([
    [
      'while it lists',
      async () => {
        proxy.on({ url: /configmaps(\?|$)/ }, forever);
        follow();
        await eventually('a list', lists, (count) => count === 1);
      },
    ],
    [
      'while it opens a watch',
      async () => {
        proxy.on({ kind: 'watch' }, forever);
        follow();
        await eventually('a watch', watchStarts, (starts) => starts.length === 1);
      },
    ],
    ['while it watches', () => followed()],
    [
      'while it waits for its next try',
      async () => {
        proxy.on({ url: /configmaps(\?|$)/ }, { type: 'answer', status: 404, reason: 'NotFound' }, { times: 100 });
        follow({ backoff: { baseMs: 50_000, capMs: 50_000 } });
        await eventually(
          'a list',
          () => informer.problems(),
          (problems) => problems.length > 0,
        );
      },
    ],
    [
      'before it started',
      () => {
        stop.abort();
        follow();
      },
    ],
  ])('%s ends it, and nothing is asked any more', async (_, reached) => {
    await reached();
    stop.abort();
    await running;
    await eventually(
      'no open watch',
      () => proxy.watches().length,
      (count) => count === 0,
    );
    const { length } = proxy.requests;
    await create('after');
    expect([proxy.requests.length, told]).toEqual([length, told.filter((line) => !line.includes('after'))]);
  });
});

describe('an own write', () => {
  test('is seen at once, and slow news of before do not take it back', async () => {
    const watch = await followed();
    watch.keep();
    await change('first', { v: 'theirs' });
    const ours = await change('first', { v: 'ours' });
    informer.store.merge(ours);
    expect(informer.store.get(key('first'))?.data).toEqual({ v: 'ours' });
    await eventually(
      'slow news',
      () => watch.keptLines,
      (lines) => lines >= 2,
    );
    watch.release();
    await create('second');
    await known('first', 'second');
    expect(told).toEqual(['- > first:', 'first: > first:ours', '- > second:']);
  });

  test('that deleted is not undone by slow news', async () => {
    const watch = await followed();
    watch.keep();
    await change('first', { v: 'theirs' });
    const first = informer.store.get(key('first')) as ConfigMap;
    await remove(first);
    informer.store.forget(first);
    expect(names()).toEqual([]);
    watch.release();
    await create('second');
    await known('second');
    expect(told).toEqual(['- > first:', 'first: > -', '- > second:']);
  });
});
