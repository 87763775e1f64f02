import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../api/objects.ts';
import { KubeError, type ListPage, type WatchEvent } from '../kube/index.ts';
import { initialState, type ListWatchPort, type ListWatchState, step } from './list-watch.ts';

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, uid: name, resourceVersion, creationTimestamp: 't' },
});
const gone = new KubeError('KUBE_GONE', 'too old');
const reset = new KubeError('KUBE_UNREACHABLE', 'reset');
const page = (items: KubeObject[], continueToken?: string): ListPage<KubeObject> => ({
  items,
  resourceVersion: '10',
  ...(continueToken !== undefined && { continueToken }),
});

/** A server whose next answer is the given one. */
function port(answer: ListPage<KubeObject> | Error | readonly (WatchEvent<KubeObject> | Error)[]) {
  const asked: object[] = [];
  const fake: ListWatchPort<KubeObject> = {
    listPage: (query) => {
      asked.push(query);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as ListPage<KubeObject>);
    },
    async *watch(resourceVersion) {
      asked.push({ resourceVersion });
      for (const event of answer as readonly (WatchEvent<KubeObject> | Error)[]) {
        if (event instanceof Error) throw event;
        yield event;
      }
    },
  };
  return { fake, asked };
}

describe('listing', () => {
  test.each<[string, ListWatchState<KubeObject>, ListPage<KubeObject> | Error, object, object, string]>([
    [
      'a small list is complete with one page',
      initialState(),
      page([object('a', '3')]),
      { limit: 500 },
      { at: 'InitListed', resourceVersion: '10', misfires: 0 },
      'listed',
    ],
    [
      'a large one goes on',
      initialState(),
      page([object('a', '3')], 'next'),
      { limit: 500 },
      { at: 'InitPage', items: [object('a', '3')], continueToken: 'next' },
      'nothing',
    ],
    [
      'until its last page',
      { at: 'InitPage', items: [object('a', '3')], continueToken: 'next' },
      page([object('b', '4')]),
      { limit: 500, continueToken: 'next' },
      { at: 'InitListed', resourceVersion: '10', misfires: 0 },
      'listed',
    ],
    [
      'a continue token that expired starts over, in one piece',
      { at: 'InitPage', items: [object('a', '3')], continueToken: 'next' },
      gone,
      { limit: 500, continueToken: 'next' },
      { at: 'Empty', paged: false },
      'failed',
    ],
    [
      'which has no pages',
      { at: 'Empty', paged: false },
      page([]),
      {},
      { at: 'InitListed', resourceVersion: '10', misfires: 0 },
      'listed',
    ],
    [
      'a page that failed is asked for again',
      { at: 'InitPage', items: [object('a', '3')], continueToken: 'next' },
      reset,
      { limit: 500, continueToken: 'next' },
      { at: 'InitPage', items: [object('a', '3')], continueToken: 'next' },
      'failed',
    ],
    ['a first page that failed too', initialState(), reset, { limit: 500 }, { at: 'Empty', paged: true }, 'failed'],
  ])('%s', async (_, state, answer, query, next, told) => {
    const { fake, asked } = port(answer);
    const result = await step(state, fake);
    expect(asked).toEqual([query]);
    expect(result.next).toEqual(next);
    expect(result.told.type).toBe(told);
  });

  test('the last page tells the items of all of them', async () => {
    const { fake } = port(page([object('b', '4')]));
    const { told } = await step({ at: 'InitPage', items: [object('a', '3')], continueToken: 'next' }, fake);
    expect(told).toMatchObject({
      type: 'listed',
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
      resourceVersion: '10',
    });
  });
});

/** Opens a watch on version 10 and gives what one more step makes of its first event. */
async function firstOf(events: readonly (WatchEvent<KubeObject> | Error)[], misfires = 0) {
  const { fake } = port(events);
  const opened = await step({ at: 'InitListed', resourceVersion: '10', misfires }, fake);
  expect(opened.next).toMatchObject({ at: 'Watching', resourceVersion: '10', silent: true, misfires });
  return step(opened.next, fake);
}

describe('watching', () => {
  test.each<[string, WatchEvent<KubeObject> | Error, object, object]>([
    [
      'ADDED',
      { type: 'ADDED', object: object('a', '12') },
      { at: 'Watching', resourceVersion: '12', silent: false, misfires: 0 },
      { type: 'changed' },
    ],
    [
      'MODIFIED',
      { type: 'MODIFIED', object: object('a', '12') },
      { at: 'Watching', resourceVersion: '12' },
      { type: 'changed' },
    ],
    [
      'DELETED',
      { type: 'DELETED', object: object('a', '12') },
      { at: 'Watching', resourceVersion: '12' },
      { type: 'deleted' },
    ],
    [
      'BOOKMARK',
      { type: 'BOOKMARK', resourceVersion: '30' },
      { at: 'Watching', resourceVersion: '30', silent: false, misfires: 0 },
      { type: 'bookmark' },
    ],
    [
      'an ERROR of 410',
      { type: 'ERROR', status: { code: 410 } },
      { at: 'Empty', paged: true },
      { type: 'failed', error: { code: 'KUBE_GONE' } },
    ],
    [
      'an ERROR called Expired',
      { type: 'ERROR', status: { reason: 'Expired' } },
      { at: 'Empty' },
      { type: 'failed', error: { code: 'KUBE_GONE' } },
    ],
    [
      'another ERROR',
      { type: 'ERROR', status: { code: 500, details: { retryAfterSeconds: 3 } } },
      { at: 'InitListed', resourceVersion: '10' },
      { type: 'failed', error: { code: 'KUBE_SERVER_ERROR', retry: { type: 'after', ms: 3000 } } },
    ],
    ['410 as the answer', gone, { at: 'Empty', paged: true }, { type: 'failed' }],
    ['a kind that is no longer served', new KubeError('KUBE_NOT_FOUND', ''), { at: 'Empty' }, { type: 'failed' }],
    ['a reset', reset, { at: 'InitListed', resourceVersion: '10', misfires: 0 }, { type: 'failed' }],
  ])('%s', async (_, event, next, told) => {
    const result = await firstOf([event]);
    expect(result.next).toMatchObject(next);
    expect(result.told).toMatchObject(told);
  });

  test('a watch that the server ends is resumed from the last version', async () => {
    const { next, told } = await firstOf([]);
    expect(next).toEqual({ at: 'InitListed', resourceVersion: '10', misfires: 0 });
    expect(told).toEqual({ type: 'closed', silent: true });
  });

  test.each<[string, Error, boolean]>([
    ['a bad line', new KubeError('KUBE_BAD_ANSWER', ''), true],
    ['a server error', new KubeError('KUBE_SERVER_ERROR', '', { httpStatus: 500 }), true],
    ['a server that is starting', new KubeError('KUBE_SERVER_ERROR', '', { httpStatus: 503 }), false],
    ['a server that is overloaded', new KubeError('KUBE_THROTTLED', ''), false],
    ['a server that is away', reset, false],
    ['silence', new KubeError('KUBE_TIMEOUT', ''), false],
  ])('%s again and again puts the version under suspicion: %s', async (_, error, suspicious) => {
    expect((await firstOf([error], 3)).next).toMatchObject({ at: 'InitListed', misfires: suspicious ? 4 : 3 });
    expect((await firstOf([error], 4)).next).toMatchObject({ at: suspicious ? 'Empty' : 'InitListed' });
  });

  test('an ERROR closes its stream', async () => {
    let closed = false;
    const fake: ListWatchPort<KubeObject> = {
      listPage: () => Promise.reject(reset),
      async *watch() {
        try {
          yield { type: 'ERROR', status: { code: 410 } } as const;
          yield { type: 'BOOKMARK', resourceVersion: '99' } as const;
        } finally {
          closed = true;
        }
      },
    };
    const opened = await step<KubeObject>({ at: 'InitListed', resourceVersion: '10', misfires: 0 }, fake);
    await step(opened.next, fake);
    expect(closed).toBe(true);
  });
});
