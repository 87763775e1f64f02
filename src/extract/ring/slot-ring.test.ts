import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createRing, RingConsumer, RingProducer, RingStoppedError, stopRing } from './slot-ring.ts';

test('slots come in order, with their lengths, and no more than there are', async () => {
  const memory = createRing(2, 8);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  for (const text of ['one', 'three']) {
    const slot = producer.reserve();
    producer.publish(slot.write(text));
  }
  const third = producer.reserveAsync();
  expect(consumer.take().toString()).toBe('one');
  consumer.release();
  (await third).write('5');
  producer.publish(1);
  expect(consumer.take().toString()).toBe('three');
  consumer.release();
  expect((await consumer.takeAsync()).toString()).toBe('5');
  expect(consumer.take()).toHaveLength(1);
});

test('a stopped ring ends all waits, also those that began before', async () => {
  const memory = createRing(1, 8);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  const waiting = consumer.takeAsync();
  stopRing(memory);
  await expect(waiting).rejects.toThrow(RingStoppedError);
  await expect(producer.reserveAsync()).rejects.toThrow(RingStoppedError);
  expect(() => consumer.take()).toThrow(RingStoppedError);
});

test('the number of slots must be a power of two: sequence numbers wrap', () => {
  expect(() => createRing(3, 8)).toThrow(RangeError);
});

test('a ring that gathers wakes its consumer when enough has come, and when the producer waits for it', async () => {
  const memory = createRing(4, 8, 2);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  const wake = { done: false };
  const taken = consumer.takeAsync().then((slot) => {
    wake.done = true;
    return slot.toString();
  });
  producer.publish(producer.reserve().write('one'));
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  expect(wake.done).toBe(false);
  producer.publish(producer.reserve().write('two'));
  expect(await taken).toBe('one');
  expect(() => createRing(4, 8, 5)).toThrow(RangeError);
});

/** Sums up bytes of a ring until an empty slot comes. */
const summing = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { RingConsumer } = await import(workerData.module);
  const ring = new RingConsumer(workerData.memory);
  let sum = 0;
  for (let slot = ring.take(); slot.length > 0; slot = ring.take()) {
    for (const byte of slot) sum += byte;
    ring.release();
  }
  parentPort.postMessage(sum);
`;

test('two threads that wait for each other all the time lose nothing', async () => {
  const memory = createRing(2, 64);
  const producer = new RingProducer(memory);
  const module = new URL('./slot-ring.ts', import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(summing)}`), {
    workerData: { memory, module },
  });
  // One that waits for a slot would wait for ever if this test failed.
  await using _ = { [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
  const summed = once(worker, 'message');
  let sum = 0;
  for (let round = 0; round < 5000; round++) {
    const length = 1 + (round % 64);
    const slot = await producer.reserveAsync();
    slot.fill(round % 256, 0, length);
    sum += length * (round % 256);
    producer.publish(length);
  }
  await producer.reserveAsync();
  producer.publish(0);
  expect(await summed).toEqual([sum]);
});
