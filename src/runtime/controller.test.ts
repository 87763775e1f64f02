import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import { VolprimeError } from '../api/errors.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Change } from '../informer/index.ts';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import type { ReconcileContext, ReconcileResult } from './reconcile.ts';

let metrics: Metrics;
let logger: ReturnType<typeof recordingLogger>;
let stop: AbortController;
let running: Promise<void> | undefined;
let runs: { key: string; context: ReconcileContext }[];

beforeEach(() => {
  metrics = createMetrics();
  logger = recordingLogger();
  stop = new AbortController();
  running = undefined;
  runs = [];
});
afterEach(async () => {
  stop.abort();
  await running;
});

type Behaviour = (nth: number, context: ReconcileContext) => ReconcileResult | Promise<ReconcileResult>;

function started(behave: Behaviour, more: Partial<ControllerOptions<string>> = {}): Controller {
  const reconcile = async (key: string, context: ReconcileContext) => {
    runs.push({ key, context });
    return behave(runs.filter((run) => run.key === key).length, context);
  };
  const controller = new Controller({
    name: 'test',
    reconcile,
    logger,
    metrics,
    backoff: { baseMs: 2, capMs: 4 },
    ...more,
  });
  running = controller.run(stop.signal);
  return controller;
}

const runCount = (count: number) =>
  eventually(
    `${count} runs`,
    () => runs.length,
    (length) => length >= count,
  );
const metric = async (line: string) =>
  eventually(
    line,
    () => metrics.text(),
    (text) => text.includes(line),
  );
const message = (text: string) => logger.lines.find((line) => line.message === text);

describe('the result of a reconcile', () => {
  test('nothing to do: the key rests', async () => {
    started(() => ({})).enqueue('a');
    await metric('controller_runtime_reconcile_total{controller="test",result="success"} 1');
    expect(runs).toHaveLength(1);
  });

  test('look again later: the key comes back though nothing changed', async () => {
    started((nth) => (nth < 3 ? { requeueAfterMs: 1 } : {})).enqueue('a');
    await metric('controller_runtime_reconcile_total{controller="test",result="requeue_after"} 2');
    await metric('controller_runtime_reconcile_total{controller="test",result="success"} 1');
  });

  test('an error: retried with backoff, which is reset by success', async () => {
    started((nth) => {
      if (nth < 3) throw new Error('not yet');
      return {};
    }).enqueue('a');
    await metric('controller_runtime_reconcile_total{controller="test",result="success"} 1');
    expect(runs).toHaveLength(3);
    expect(
      logger.lines.filter((line) => line.message === 'reconcile failed').map(({ fields }) => fields['failures']),
    ).toEqual([1, 2]);
    await metric('controller_runtime_reconcile_errors_total{controller="test"} 2');
  });

  test('an error that says when: retried then', async () => {
    started((nth) => {
      if (nth === 1) throw new VolprimeError('THROTTLED', 'later', { retry: { type: 'after', ms: 1 } });
      return {};
    }).enqueue('a');
    await runCount(2);
    expect(message('reconcile failed')?.fields['retryInMs']).toBe(1);
  });

  test('an error that no retry mends: counted, told, and left alone until something changes', async () => {
    const controller = started((nth) => {
      if (nth === 1) throw new VolprimeError('WRONG', 'never', { retry: { type: 'never' } });
      return {};
    });
    controller.enqueue('a');
    await metric('controller_runtime_terminal_reconcile_errors_total{controller="test"} 1');
    expect(runs).toHaveLength(1);
    expect(message('reconcile failed for good')?.level).toBe('error');
    controller.enqueue('a');
    await runCount(2);
  });

  test('a bug: counted as what Go calls a panic, and retried; the process lives', async () => {
    started((nth) => {
      if (nth === 1) (undefined as unknown as () => void)();
      return {};
    }).enqueue('a');
    await runCount(2);
    await metric('controller_runtime_reconcile_panics_total{controller="test"} 1');
  });
});

describe('a reconcile that takes too long', () => {
  test('is told by its signal, and retried', async () => {
    const slow: Behaviour = (nth, { signal }) =>
      nth > 1
        ? {}
        : new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
          );
    started(slow, { timeoutMs: 5 }).enqueue('a');
    await runCount(2);
    await metric('controller_runtime_reconcile_timeouts_total{controller="test"} 1');
    expect(message('reconcile failed')?.fields['error']).toMatchObject({ code: 'RECONCILE_TIMEOUT' });
  });

  test('and ignores its signal costs its own key, not a slot, and never runs beside itself', async () => {
    let end: ((result: ReconcileResult) => void) | undefined;
    const hanging: Behaviour = (nth) => (nth === 1 ? new Promise((resolve) => (end = resolve)) : {});
    const controller = started((nth, context) => (runs.at(-1)?.key === 'bad' ? hanging(nth, context) : {}), {
      concurrency: 1,
      timeoutMs: 1,
      hangMs: 1,
    });
    controller.enqueue('bad');
    controller.enqueue('good');
    await eventually(
      'the good one',
      () => runs.map(({ key }) => key),
      (keys) => keys.includes('good'),
    );
    expect(message('reconcile ignores its signal; the key waits for it to end')).toBeDefined();
    controller.enqueue('bad');
    controller.enqueue('other');
    await eventually(
      'the other one',
      () => runs.map(({ key }) => key),
      (keys) => keys.includes('other'),
    );
    expect(runs.filter(({ key }) => key === 'bad')).toHaveLength(1);
    end?.({});
    await eventually(
      'the bad one again',
      () => runs.filter(({ key }) => key === 'bad').length,
      (count) => count === 2,
    );
  });
});

describe('a run', () => {
  test('has a logger that names controller, key and run, and a clock', async () => {
    started(
      (_, { logger: log, now }) => {
        log.info('here', { at: now() });
        return {};
      },
      { now: () => 42 },
    ).enqueue('a/b');
    await eventually('the line', () => message('here'));
    expect(message('here')?.fields).toMatchObject({
      controller: 'test',
      key: 'a/b',
      reconcileId: expect.any(String),
      at: 42,
    });
  });

  test('is told when the controller stops, and is waited for; its end is no failure', async () => {
    let told = false;
    started(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            setImmediate(() => reject(new Error('stopped')));
          });
        }),
    ).enqueue('a');
    await runCount(1);
    stop.abort();
    await running;
    expect(told).toBe(true);
    expect(message('reconcile failed')).toBeUndefined();
    expect(await metrics.text()).toContain('controller_runtime_reconcile_errors_total{controller="test"} 0');
  });
});

describe('a controller', () => {
  test('makes keys of changes', async () => {
    let tell: ((change: Change<KubeObject>) => void) | undefined;
    const informer = {
      onChange: (handler: (change: Change<KubeObject>) => void) => {
        tell = handler;
        return () => {};
      },
    };
    const controller = started(() => ({}));
    controller.watches(informer, ({ old, new: now }) => [old, now].flatMap((object) => object?.metadata.name ?? []));
    const named = (name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: 't' },
    });
    tell?.({ old: named('a'), new: named('b'), origin: 'watch' });
    await runCount(2);
    expect(runs.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('shows its metrics at zero before anything happened', async () => {
    started(() => ({}), { concurrency: 3 });
    const text = await metrics.text();
    for (const result of ['success', 'requeue_after', 'requeue', 'error']) {
      expect(text).toContain(`controller_runtime_reconcile_total{controller="test",result="${result}"} 0`);
    }
    expect(text).toContain('controller_runtime_max_concurrent_reconciles{controller="test"} 3');
    expect(text).toContain('controller_runtime_active_workers{controller="test"} 0');
  });

  test('runs once', async () => {
    const controller = started(() => ({}));
    await expect(controller.run(stop.signal)).rejects.toThrow('ran already');
  });

  test('that is stopped before it starts runs nothing', async () => {
    stop.abort();
    started(() => ({})).enqueue('a');
    await running;
    expect(runs).toEqual([]);
  });
});
