import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import type { InformerRegistry } from '../informer/index.ts';
import { createMetrics } from '../telemetry/index.ts';
import type { Leader } from './leader.ts';
import { Manager, type ManagerEnd, type ManagerOptions, type Runnable } from './manager.ts';

/** Informers, lease and controllers that do as this test tells them, and note when they are called. */
let calls: string[];
let sync: PromiseWithResolvers<void>;
let win: PromiseWithResolvers<AbortSignal>;
let term: AbortController;
let stop: AbortController;
let manager: Manager;
let ended: Promise<ManagerEnd>;

beforeEach(() => {
  calls = [];
  sync = Promise.withResolvers();
  win = Promise.withResolvers();
  term = new AbortController();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await ended.catch(() => {});
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal) =>
  Promise.race([
    promise,
    untilAborted(signal).then((): T => {
      throw signal.reason;
    }),
  ]);

const controller: Runnable = {
  name: 'populate',
  run: async (signal) => {
    calls.push('controller runs');
    await untilAborted(signal);
    calls.push('controller ended');
  },
};

function start(more: Partial<ManagerOptions> = {}): void {
  const informers = {
    start: async (signal: AbortSignal) => {
      calls.push('informers start');
      await untilAborted(signal);
      calls.push('informers ended');
    },
    waitForSync: (signal: AbortSignal) => orAborted(sync.promise, signal),
    notSynced: () => (calls.includes('synced') ? undefined : 'persistentvolumeclaims not listed yet'),
    missing: () => (calls.includes('CRD removed') ? 'populations are not served by this cluster' : undefined),
  } as unknown as InformerRegistry;
  const leader = {
    campaign: (signal: AbortSignal) => {
      calls.push('campaign');
      return orAborted(win.promise, signal);
    },
    resign: () => {
      calls.push('resign');
      return Promise.resolve();
    },
  } as unknown as Leader;
  const logger = recordingLogger();
  manager = new Manager({ informers, controllers: [controller], leader, metrics: createMetrics(), logger, ...more });
  ended = manager.run(stop.signal);
  ended.catch(() => {});
}

function synced(): void {
  calls.push('synced');
  sync.resolve();
}

const called = (what: string) =>
  eventually(
    what,
    () => calls,
    (all) => all.includes(what),
  );

describe('a manager', () => {
  test('fills its caches, then campaigns, then works, and ends in the opposite order', async () => {
    start();
    await called('informers start');
    expect(manager.notReady()).toBe('syncing: persistentvolumeclaims not listed yet');
    synced();
    await called('campaign');
    expect(manager.notReady()).toBeUndefined();
    win.resolve(term.signal);
    await called('controller runs');
    expect(manager.notReady()).toBeUndefined();
    stop.abort();
    expect(await ended).toBe('stopped');
    expect(calls).toEqual([
      'informers start',
      'synced',
      'campaign',
      'controller runs',
      'controller ended',
      'resign',
      'informers ended',
    ]);
  });

  test('that leads is not ready without a kind that it needs, and goes on', async () => {
    start();
    synced();
    win.resolve(term.signal);
    await called('controller runs');
    calls.push('CRD removed');
    expect(manager.notReady()).toBe('leading: populations are not served by this cluster');
    expect(calls).not.toContain('controller ended');
  });

  test('that loses the lease stops its controllers and says so', async () => {
    start();
    synced();
    win.resolve(term.signal);
    await called('controller runs');
    term.abort();
    expect(await ended).toBe('lease-lost');
    expect(calls).toContain('controller ended');
  });

  test.each([
    ['while its caches fill', () => called('informers start')],
    [
      'while it stands by',
      () => {
        synced();
        return called('campaign');
      },
    ],
  ])('can be stopped %s', async (_, reached) => {
    start();
    await reached();
    stop.abort();
    expect(await ended).toBe('stopped');
    expect(calls).not.toContain('controller runs');
    expect(calls).toContain('informers ended');
  });

  test('needs no lease where there can be no second process', async () => {
    start({ leader: undefined });
    synced();
    await called('controller runs');
    stop.abort();
    expect(await ended).toBe('stopped');
  });

  test('ends all when one controller fails', async () => {
    const failing = { name: 'bad', run: () => Promise.reject(new Error('bug')) };
    start({ controllers: [controller, failing] });
    synced();
    win.resolve(term.signal);
    await expect(ended).rejects.toThrow('bug');
    expect(calls).toEqual(expect.arrayContaining(['controller ended', 'resign', 'informers ended']));
  });

  test('waits for a controller that does not end only so long', async () => {
    const endless: Runnable = { name: 'endless', run: () => new Promise(() => {}) };
    start({ controllers: [endless], graceMs: 1 });
    synced();
    win.resolve(term.signal);
    await eventually('leading', () => manager.notReady() === undefined && calls.includes('campaign'));
    stop.abort();
    expect(await ended).toBe('stopped');
  });

  test('serves its probes, and its metrics apart from them', async () => {
    start({ health: { port: 0, host: '127.0.0.1' }, exposition: { port: 0, host: '127.0.0.1' } });
    const port = await eventually('the port', () => manager.healthPort);
    const metricsPort = await eventually('the port of metrics', () => manager.metricsPort);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'syncing: persistentvolumeclaims not listed yet\n']);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).status).toBe(200);
    synced();
    await called('campaign');
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });
});
