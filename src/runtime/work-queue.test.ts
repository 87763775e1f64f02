import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

let metrics: Metrics;
let ran: string[];
/** Keys that run until they are let go. */
let held: Map<string, () => void>;
let queue: WorkQueue<string>;

beforeEach(() => {
  metrics = createMetrics();
  ran = [];
  held = new Map();
});
afterEach(() => {
  for (const letGo of held.values()) letGo();
  return queue.stop();
});

function queueOf(more: Partial<WorkQueueOptions<string>> = {}): WorkQueue<string> {
  const process = (key: string) => {
    ran.push(key);
    return Promise.resolve();
  };
  queue = new WorkQueue({ name: 'test', concurrency: 2, metrics, process, ...more });
  return queue;
}

const holding = (key: string): Promise<void> => {
  ran.push(key);
  return new Promise((resolve) => held.set(key, resolve));
};
const letGo = (key: string) => held.get(key)?.();
const settled = () =>
  eventually(
    'an empty queue',
    () => queue.size,
    (size) => size === 0,
  );

describe('a key', () => {
  test('that is added many times before it runs, runs once', async () => {
    queueOf();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect([queue.size, ran]).toEqual([2, []]);
    queue.start();
    await settled();
    expect(ran.sort()).toEqual(['a', 'b']);
  });

  test('that is added while it runs, runs once more, and never beside itself', async () => {
    queueOf({ process: holding });
    queue.start();
    queue.add('a');
    await eventually('a to run', () => held.has('a'));
    queue.add('a');
    queue.add('a');
    expect(ran).toEqual(['a']);
    const first = held.get('a');
    held.delete('a');
    first?.();
    await eventually('a to run again', () => held.has('a'));
    letGo('a');
    await settled();
    expect(ran).toEqual(['a', 'a']);
  });

  test('waits for a slot', async () => {
    queueOf({ process: holding });
    queue.start();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await eventually(
      'two to run',
      () => held.size,
      (size) => size === 2,
    );
    expect(ran).toEqual(['a', 'b']);
    letGo('a');
    await eventually('c to run', () => held.has('c'));
  });
});

describe('groups take turns', () => {
  const groupOf = (key: string) => key.split('/')[0] ?? '';

  test('so that a thousand keys of one namespace keep no other namespace waiting', async () => {
    queueOf({ concurrency: 1, groupOf });
    for (let index = 0; index < 1_000; index += 1) queue.add(`many/${index}`);
    for (const key of ['b/1', 'c/1', 'b/2']) queue.add(key);
    queue.start();
    await settled();
    expect(ran.slice(0, 6)).toEqual(['many/0', 'b/1', 'c/1', 'many/1', 'b/2', 'many/2']);
    expect(ran).toHaveLength(1_003);
  });

  test('a key that is tried again keeps its group', async () => {
    queueOf({ concurrency: 1, groupOf, backoff: { baseMs: 1, capMs: 1 }, process: holding });
    queue.start();
    queue.add('many/held');
    await eventually('the first to run', () => held.has('many/held'));
    for (let index = 0; index < 100; index += 1) queue.add(`many/${index}`);
    queue.addRateLimited('b/failed');
    await eventually(
      'the retry to wait',
      () => queue.size,
      (size) => size === 102,
    );
    letGo('many/held');
    await eventually('many/0 to run', () => held.has('many/0'));
    letGo('many/0');
    await eventually('the retry to run', () => held.has('b/failed'));
    expect(ran).toEqual(['many/held', 'many/0', 'b/failed']);
    for (const key of ran) letGo(key);
    void queue.stop();
    letGo('b/failed');
  });
});

describe('a delay', () => {
  test('the earliest of several counts', async () => {
    queueOf();
    queue.start();
    queue.addAfter('a', 60_000);
    queue.addAfter('a', 5);
    queue.addAfter('a', 30_000);
    await eventually(
      'a to run',
      () => ran,
      (keys) => keys.length === 1,
    );
  });

  test('of nothing is now', async () => {
    queueOf();
    queue.start();
    queue.addAfter('a', 0);
    expect(queue.size).toBe(1);
    await settled();
  });

  test('longer than a timer can be is not now', async () => {
    queueOf();
    queue.start();
    queue.addAfter('a', 2 ** 40);
    queue.addAfter('b', 5);
    await eventually(
      'b to run',
      () => ran,
      (keys) => keys.length > 0,
    );
    expect(ran).toEqual(['b']);
  });
});

describe('backoff', () => {
  test('doubles with each failure of its key, up to the cap, until the key is forgotten', () => {
    queueOf({ backoff: { baseMs: 1000, capMs: 8000 } });
    const delays = [1, 2, 3, 4, 5, 6].map(() => queue.addRateLimited('a'));
    for (const [index, full] of [1000, 2000, 4000, 8000, 8000, 8000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(full / 2);
      expect(delays[index]).toBeLessThanOrEqual(full);
    }
    expect(queue.addRateLimited('b')).toBeLessThanOrEqual(1000);
    expect([queue.failures('a'), queue.failures('b')]).toEqual([6, 1]);
    queue.forget('a');
    expect([queue.failures('a'), queue.addRateLimited('a') <= 1000]).toEqual([0, true]);
  });
});

describe('stopping', () => {
  test('lets what runs finish and drops what waits or is delayed', async () => {
    queueOf({ concurrency: 1, process: holding });
    queue.start();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 1);
    await eventually('a to run', () => held.has('a'));
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    queue.add('d');
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    letGo('a');
    await stopping;
    expect([ran, queue.size]).toEqual([['a'], 0]);
  });

  test('before it was ever started ends at once', async () => {
    queueOf();
    queue.add('a');
    await queue.stop();
    expect(ran).toEqual([]);
  });
});

describe('metrics', () => {
  test('are there from the start, and count', async () => {
    queueOf({ process: holding });
    const labels = '{name="test",controller="test"}';
    expect(await metrics.text()).toContain(`workqueue_adds_total${labels} 0`);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    queue.addRateLimited('d');
    queue.start();
    await eventually(
      'two to run',
      () => held.size,
      (size) => size === 2,
    );
    const text = await metrics.text();
    expect(text).toContain(`workqueue_adds_total${labels} 3`);
    expect(text).toContain(`workqueue_retries_total${labels} 1`);
    expect(text).toContain(`workqueue_depth${labels} 1`);
    expect(text).toMatch(/workqueue_longest_running_processor_seconds\{[^}]*\} 0\.\d+/);
    expect(text).toContain('workqueue_queue_duration_seconds_count{name="test",controller="test"} 2');
    expect(text).toContain('workqueue_work_duration_seconds_count{name="test",controller="test"} 0');
  });
});
