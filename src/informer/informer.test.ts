/** The informer and its registry against a reader that this test plays. Faults of a real server are in test/integration. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import { eventually } from '../../test/support/eventually.ts';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import { KubeError, type KubeReader, type ListOptions, type WatchEvent } from '../kube/index.ts';
import { createMetrics } from '../telemetry/index.ts';
import { InformerRegistry } from './informer-registry.ts';

const things: Resource = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const timings = { backoff: { baseMs: 1, capMs: 5 } };

const object = (name: string, resourceVersion: string, namespace = 'a'): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name, namespace, uid: `uid-${name}`, resourceVersion, creationTimestamp: 't' },
});

/** What the server holds and what befalls the next calls. */
class FakeReader {
  objects: KubeObject[] = [];
  failure: Error | undefined;
  /** What a watch tells before it waits for its end. */
  events: WatchEvent<KubeObject>[] = [];
  endsAtOnce = false;
  readonly lists: ListOptions[] = [];
  watches = 0;

  readonly listPage = (_: Resource, query: ListOptions) => {
    this.lists.push(query);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const items = this.objects.filter(
      ({ metadata }) => query.namespace === undefined || metadata.namespace === query.namespace,
    );
    return Promise.resolve({ items, resourceVersion: '10' });
  };

  readonly watch = async function* (this: FakeReader, _: Resource, __: object, { signal }: { signal: AbortSignal }) {
    this.watches += 1;
    if (this.failure !== undefined) throw this.failure;
    yield* this.events;
    if (this.endsAtOnce) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }.bind(this);
}

let reader: FakeReader;
let stop: AbortController;
let logger: ReturnType<typeof recordingLogger>;

beforeEach(() => {
  reader = new FakeReader();
  stop = new AbortController();
  logger = recordingLogger();
});
afterEach(() => stop.abort());

function registry(more: { namespaces?: string[]; freeze?: boolean } = {}): InformerRegistry {
  const client = reader as unknown as Pick<KubeReader, 'listPage' | 'watch'>;
  return new InformerRegistry({ client, timings, logger, metrics: createMetrics(), ...more });
}

const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name).sort();
const warnings = () => logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('an informer', () => {
  test('lists, then follows', async () => {
    reader.objects = [object('x', '3')];
    reader.events = [{ type: 'ADDED', object: object('y', '12') }];
    const informers = registry();
    const informer = informers.informer(things);
    expect([informer.synced(), informers.notSynced()]).toEqual([false, 'things.example.com not listed yet']);
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect([informer.synced(), informers.synced(), informers.notSynced()]).toEqual([true, true, undefined]);
    await eventually(
      'the added one',
      () => names(informer.store.list()),
      (all) => all.length === 2,
    );
  });

  test('keeps of an object what it is asked to, and of its annotations no more than the budget', async () => {
    const large = { 'example.com/large': 'x'.repeat(100_000), 'volprime.dev/population-uid': 'u' };
    const { metadata, ...rest } = object('x', '3');
    reader.objects = [{ ...rest, metadata: { ...metadata, annotations: large } }];
    const informers = registry();
    const clusterThings: Resource = { ...things, plural: 'clusterthings', namespaced: false };
    const whole = informers.informer(clusterThings);
    const lean = informers.informer(things, { keep: (given) => ({ ...given, kind: 'Lean' }) });
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(whole.store.list()).toEqual(reader.objects);
    const annotations = { 'volprime.dev/population-uid': 'u' };
    expect(lean.store.list()).toEqual([{ ...rest, kind: 'Lean', metadata: { ...metadata, annotations } }]);
  });

  test('tells who subscribes late what is there already', async () => {
    reader.objects = [object('x', '3')];
    const informers = registry();
    const informer = informers.informer(things);
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    const told: unknown[] = [];
    const unsubscribe = informer.onChange((change) => told.push(change));
    expect(told).toEqual([{ new: object('x', '3'), origin: 'watch' }]);
    unsubscribe();
    informer.store.merge(object('x', '30'));
    expect(told).toHaveLength(1);
  });

  test('goes on when a handler throws', async () => {
    reader.objects = [object('x', '3'), object('y', '4')];
    const informers = registry();
    const seen: string[] = [];
    informers.informer(things).onChange(() => {
      throw new Error('bug');
    });
    informers.informer(things).onChange((change) => seen.push(change.new?.metadata.name ?? '-'));
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(seen).toEqual(['x', 'y']);
    expect(logger.lines.filter(({ message }) => message === 'a change handler threw')).toHaveLength(2);
  });

  test('can freeze what it holds', async () => {
    reader.objects = [object('x', '3')];
    const informers = registry({ freeze: true });
    const informer = informers.informer(things);
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(Object.isFrozen(informer.store.get({ namespace: 'a', name: 'x' })?.metadata)).toBe(true);
  });

  test('asks a server that ends every watch at once less and less often', async () => {
    reader.endsAtOnce = true;
    const informers = registry();
    informers.informer(things);
    void informers.start(stop.signal);
    await eventually(
      'more watches',
      () => reader.watches,
      (count) => count > 5,
    );
    expect(reader.lists).toHaveLength(1);
  });

  test('ends when its signal fires, wherever it is', async () => {
    reader.failure = new KubeError('KUBE_UNREACHABLE', 'away');
    const informers = registry();
    informers.informer(things);
    const running = informers.start(stop.signal);
    await eventually(
      'tries',
      () => reader.lists.length,
      (count) => count > 2,
    );
    stop.abort();
    await running;
    const { length } = reader.lists;
    await new Promise(setImmediate);
    expect(reader.lists).toHaveLength(length);
  });

  test('waiting for it ends when the waiting is stopped', async () => {
    const waiting = new AbortController();
    const ended = registry().informer(things).waitForSync(waiting.signal);
    waiting.abort(new Error('enough'));
    await expect(ended).rejects.toThrow('enough');
    await expect(registry().informer(things).waitForSync(waiting.signal)).rejects.toThrow('enough');
  });
});

describe('what keeps it from listing', () => {
  test.each([
    [
      'KUBE_FORBIDDEN' as const,
      'list',
      'not allowed to list things.example.com: grant the verbs get, list and watch by RBAC',
    ],
    ['KUBE_NOT_FOUND' as const, 'list', 'things.example.com are not served by this cluster: is their CRD installed?'],
  ])('%s is told once, and over when it is over', async (code, verb, warning) => {
    reader.failure = new KubeError(code, 'no', { verb });
    const informers = registry();
    const informer = informers.informer(things);
    void informers.start(stop.signal);
    await eventually(
      'tries',
      () => reader.lists.length,
      (count) => count > 3,
    );
    expect(warnings()).toEqual([warning]);
    expect([informer.synced(), informers.notSynced(), informer.problems()]).toEqual([false, warning, [warning]]);
    reader.failure = undefined;
    await informers.waitForSync(stop.signal);
    expect(informer.problems()).toEqual([]);
  });

  test('a kind that is optional and not served counts as empty, and is followed when it comes', async () => {
    reader.failure = new KubeError('KUBE_NOT_FOUND', 'no');
    const informers = registry();
    const informer = informers.informer(things, { optional: true });
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(informer.store.size).toBe(0);
    reader.objects = [object('x', '3')];
    reader.failure = undefined;
    await eventually(
      'the object',
      () => informer.store.size,
      (size) => size === 1,
    );
  });

  test('a kind that is removed takes its objects with it', async () => {
    reader.objects = [object('x', '3')];
    reader.endsAtOnce = true;
    const informers = registry();
    const informer = informers.informer(things);
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    reader.failure = new KubeError('KUBE_NOT_FOUND', 'no');
    await eventually(
      'an empty store',
      () => informer.store.size,
      (size) => size === 0,
    );
    expect(informers.missing()).toContain('is their CRD installed?');
    reader.failure = undefined;
    await eventually(
      'the kind to be there again',
      () => informers.missing(),
      (missing) => missing === undefined,
    );
  });
});

describe('the registry', () => {
  test('gives one informer to all who ask, with the indexes of all of them', async () => {
    reader.objects = [object('x', '3')];
    const informers = registry();
    const first = informers.informer(things, { indexes: { uid: ({ metadata }) => [metadata.uid] } });
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    const second = informers.informer(things, { indexes: { name: ({ metadata }) => [metadata.name] } });
    expect(second).toBe(first);
    expect(names(second.store.byIndex('name', 'x'))).toEqual(['x']);
    expect(informers.informer(things, { labelSelector: 'a=b' })).not.toBe(first);
  });

  test('an informer that is asked for late starts at once', async () => {
    const informers = registry();
    void informers.start(stop.signal);
    const informer = informers.informer(things);
    await informer.waitForSync(stop.signal);
    expect(reader.lists).toHaveLength(1);
  });

  test('confined to namespaces it lists each of them, and is synced when all are', async () => {
    reader.objects = [object('x', '3', 'a'), object('y', '4', 'b'), object('z', '5', 'c')];
    const informers = registry({ namespaces: ['a', 'b'] });
    const informer = informers.informer(things);
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(names(informer.store.list())).toEqual(['x', 'y']);
    expect(new Set(reader.lists.map(({ namespace }) => namespace))).toEqual(new Set(['a', 'b']));
  });

  test('a cluster-scoped kind has no namespaces to be confined to', async () => {
    const informers = registry({ namespaces: ['a', 'b'] });
    informers.informer({ ...things, namespaced: false });
    void informers.start(stop.signal);
    await informers.waitForSync(stop.signal);
    expect(reader.lists.map(({ namespace }) => namespace)).toEqual([undefined]);
  });
});
