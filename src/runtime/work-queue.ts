/**
 * Keys waiting for work. A key that is added many times before it runs, runs once; a key never runs twice at a time; a key that is added
 * while it runs, runs once more afterwards. Keys of different groups take turns. p-queue gives the slots, everything about keys is here.
 */
import PQueue from 'p-queue';
import { type Backoff, backoffDelay } from '../kube/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { FairKeys } from './fair-keys.ts';
import { type QueueMetrics, queueMetrics } from './queue-metrics.ts';

export interface WorkQueueOptions<K extends string> {
  readonly name: string;
  readonly concurrency: number;
  readonly metrics: Metrics;
  /** Of `addRateLimited`; 0.5 s to 5 min unless told. */
  readonly backoff?: Backoff | undefined;
  /** Group of a key, such as its namespace: groups that wait for slots take turns, however many keys each has. One group where absent. */
  readonly groupOf?: ((key: K) => string) | undefined;
  /** Must not reject: what a failure means is its own business. */
  readonly process: (key: K) => Promise<void>;
}

interface Delayed {
  readonly dueAt: number;
  readonly timer: NodeJS.Timeout;
}

/** setTimeout takes at most 2^31 - 1 ms and fires at once beyond; one day is waited for and then asked again. */
const longestTimerMs = 24 * 3600_000;

export class WorkQueue<K extends string> {
  readonly #options: WorkQueueOptions<K>;
  readonly #backoff: Backoff;
  readonly #metrics: QueueMetrics;
  readonly #slots: PQueue;
  /** Waiting for a slot, with the time they began to wait. */
  readonly #waiting = new FairKeys<K>();
  /** In a slot, with the time they got it. */
  readonly #running = new Map<K, number>();
  readonly #dirty = new Set<K>();
  readonly #delayed = new Map<K, Delayed>();
  readonly #failures = new Map<K, number>();
  #stopped = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
    this.#backoff = options.backoff ?? { baseMs: 500, capMs: 5 * 60_000 };
    this.#slots = new PQueue({ concurrency: options.concurrency, autoStart: false });
    this.#metrics = queueMetrics(options.metrics, options.name, {
      depth: () => this.#waiting.size,
      runningSince: () => [...this.#running.values()],
    });
  }

  /** Keys can be added before: they wait. */
  start(): void {
    this.#slots.start();
  }

  /** Lets what runs finish and drops what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    this.#slots.clear();
    this.#waiting.clear();
    this.#dirty.clear();
    await this.#slots.onPendingZero();
  }

  /** Keys that wait for a slot or run. */
  get size(): number {
    return this.#waiting.size + this.#running.size;
  }

  add(key: K): void {
    if (this.#stopped || this.#waiting.has(key) || this.#dirty.has(key)) return;
    this.#metrics.added();
    if (this.#running.has(key)) this.#dirty.add(key);
    else this.#enqueue(key);
  }

  /** Of several times for one key the earliest counts. */
  addAfter(key: K, ms: number): void {
    if (this.#stopped) return;
    if (ms <= 0) return this.add(key);
    const dueAt = performance.now() + ms;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.dueAt <= dueAt) return;
    clearTimeout(known?.timer);
    this.#delay(key, dueAt);
  }

  /** Adds the key after its backoff, which grows with each call until `forget`. */
  addRateLimited(key: K): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.#metrics.retried();
    const ms = backoffDelay(this.#backoff, failures);
    this.addAfter(key, ms);
    return ms;
  }

  /** The key did well: its next failure starts at the base delay. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  #delay(key: K, dueAt: number): void {
    const ms = Math.min(dueAt - performance.now(), longestTimerMs);
    const timer = setTimeout(() => {
      // Timers may fire a fraction of a millisecond early.
      if (performance.now() + 1 < dueAt) return this.#delay(key, dueAt);
      this.#delayed.delete(key);
      this.add(key);
    }, ms);
    this.#delayed.set(key, { dueAt, timer });
  }

  #enqueue(key: K): void {
    this.#waiting.add(key, this.#options.groupOf?.(key) ?? '', performance.now());
    // As many slots are asked for as keys wait; which key gets one is settled when it is free.
    void this.#slots.add(() => this.#runNext());
  }

  async #runNext(): Promise<void> {
    const next = this.#waiting.take();
    if (next === undefined) return;
    const { key, since } = next;
    const startedAt = performance.now();
    this.#metrics.started(startedAt - since);
    this.#running.set(key, startedAt);
    try {
      await this.#options.process(key);
    } finally {
      this.#running.delete(key);
      this.#metrics.finished(performance.now() - startedAt);
      if (this.#dirty.delete(key)) this.#enqueue(key);
    }
  }
}
