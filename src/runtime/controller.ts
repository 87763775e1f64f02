/** One controller: informers' changes become keys, keys become reconciles, and what a reconcile says decides when the key is due again. */
import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../api/objects.ts';
import { VolprimeError } from '../api/errors.ts';
import type { Change, Informer } from '../informer/index.ts';
import type { Backoff } from '../kube/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { type ControllerMetrics, controllerMetrics } from './controller-metrics.ts';
import type { Reconcile, ReconcileResult } from './reconcile.ts';
import { WorkQueue } from './work-queue.ts';

export interface ControllerOptions<K extends string> {
  readonly name: string;
  readonly reconcile: Reconcile<K>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Keys reconciled at a time; 10 unless told. */
  readonly concurrency?: number;
  /** After this the run's signal fires; 2 min unless told. */
  readonly timeoutMs?: number;
  /** How long after its signal a run may still take before its slot is given to others; 10 s unless told. */
  readonly hangMs?: number;
  readonly backoff?: Backoff;
  /** Namespace that a key works for: namespaces with due keys take turns, so that one with many keeps no other waiting. */
  readonly groupOf?: (key: K) => string;
  readonly now?: () => number;
}

/** How one run ended. */
type Outcome =
  | { readonly type: 'returned'; readonly result: ReconcileResult }
  | { readonly type: 'failed'; readonly error: unknown; readonly timedOut: boolean }
  | { readonly type: 'hung' }
  | { readonly type: 'stopped' };

export class Controller<K extends string = string> {
  readonly name: string;
  readonly #options: ControllerOptions<K>;
  readonly #logger: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #queue: WorkQueue<K>;
  /** Keys whose run ignores its signal: not run again before it ends. */
  readonly #hung = new Set<K>();
  readonly #timeoutMs: number;
  #stop: AbortSignal | undefined;

  constructor(options: ControllerOptions<K>) {
    const concurrency = options.concurrency ?? 10;
    this.name = options.name;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 120_000;
    this.#logger = options.logger.child({ controller: options.name });
    this.#metrics = controllerMetrics(options.metrics, options.name, concurrency);
    this.#queue = new WorkQueue<K>({
      name: options.name,
      concurrency,
      metrics: options.metrics,
      backoff: options.backoff,
      groupOf: options.groupOf,
      process: (key) => this.#process(key),
    });
  }

  /** Every change of that resource makes the keys due that `map` names: its own key, its owner's, or those an index finds. */
  watches<T extends KubeObject>(
    informer: Pick<Informer<T>, 'onChange'>,
    map: (change: Change<T>) => Iterable<K>,
  ): void {
    informer.onChange((change) => {
      for (const key of map(change)) this.#queue.add(key);
    });
  }

  enqueue(key: K): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: K, ms: number): void {
    this.#queue.addAfter(key, ms);
  }

  /** Reconciles until the signal fires; resolves when the last run has ended. A controller runs once. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#stop !== undefined) throw new Error(`controller ${this.name} ran already`);
    this.#stop = signal;
    if (!signal.aborted) {
      this.#logger.info('controller started');
      this.#queue.start();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    await this.#queue.stop();
    this.#logger.info('controller stopped');
  }

  async #process(key: K): Promise<void> {
    // The end of the run that hangs makes the key due again.
    if (this.#hung.has(key)) return;
    const logger = this.#logger.child({ key, reconcileId: randomUUID() });
    const startedAt = performance.now();
    this.#metrics.began();
    const outcome = await this.#attempt(key, logger);
    const ended = (result: Parameters<ControllerMetrics['ended']>[0]) => {
      this.#metrics.ended(result, performance.now() - startedAt);
    };

    switch (outcome.type) {
      case 'returned': {
        this.#queue.forget(key);
        const { requeueAfterMs } = outcome.result;
        if (requeueAfterMs !== undefined) this.#queue.addAfter(key, requeueAfterMs);
        return ended(requeueAfterMs === undefined ? 'success' : 'requeue_after');
      }
      case 'failed':
        if (outcome.timedOut) this.#metrics.timeout();
        this.#failed(key, outcome.error, logger);
        return ended('error');
      case 'hung':
        this.#metrics.timeout();
        logger.error('reconcile ignores its signal; the key waits for it to end', { timeoutMs: this.#timeoutMs });
        return ended('error');
      case 'stopped':
        // Whoever leads next sees every key again.
        return ended('requeue');
    }
  }

  #failed(key: K, error: unknown, logger: Logger): void {
    if (isProgrammingError(error)) this.#metrics.panic();
    const retry = error instanceof VolprimeError ? error.retry : ({ type: 'backoff' } as const);
    switch (retry.type) {
      case 'never':
        this.#metrics.terminalError();
        this.#queue.forget(key);
        return logger.error('reconcile failed for good', { error });
      case 'after':
        this.#queue.addAfter(key, retry.ms);
        return logger.warn('reconcile failed', { error, retryInMs: retry.ms });
      case 'backoff': {
        const retryInMs = Math.round(this.#queue.addRateLimited(key));
        return logger.warn('reconcile failed', { error, retryInMs, failures: this.#queue.failures(key) });
      }
    }
  }

  /** Never rejects. A run that outlives its signal by far is left behind, so that it costs its own key and not a slot. */
  async #attempt(key: K, logger: Logger): Promise<Outcome> {
    const run = new AbortController();
    const stop = this.#stop;
    const onStop = () => run.abort(stop?.reason);
    if (stop?.aborted) onStop();
    stop?.addEventListener('abort', onStop, { once: true });
    let timedOut = false;
    const timeout = setTimeout(() => {
      timedOut = true;
      run.abort(new VolprimeError('RECONCILE_TIMEOUT', 'the reconcile took too long', { retry: { type: 'backoff' } }));
    }, this.#timeoutMs);
    const hang = hangsAfter(run.signal, this.#options.hangMs ?? 10_000);

    const ending = this.#reconcile(key, { logger, signal: run.signal, now: this.#options.now ?? Date.now }).then(
      (result): Outcome => ({ type: 'returned', result }),
      (error: unknown): Outcome => (stop?.aborted ? { type: 'stopped' } : { type: 'failed', error, timedOut }),
    );
    const outcome = await Promise.race([ending, hang.passed.then((): Outcome => ({ type: 'hung' }))]);
    clearTimeout(timeout);
    hang.cancel();
    stop?.removeEventListener('abort', onStop);
    if (outcome.type === 'hung') {
      this.#hung.add(key);
      void ending.then(() => {
        this.#hung.delete(key);
        this.#queue.add(key);
      });
    }
    return outcome;
  }

  /** Also what throws before its first await becomes a rejection. */
  async #reconcile(...parameters: Parameters<Reconcile<K>>): Promise<ReconcileResult> {
    return this.#options.reconcile(...parameters);
  }
}

/** Resolves `ms` after the signal fired, unless cancelled. */
function hangsAfter(signal: AbortSignal, ms: number): { passed: Promise<void>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const begin = () => {
    timer = setTimeout(resolve, ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  const cancel = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
  return { passed: promise, cancel };
}

/** What Go would call a panic. */
function isProgrammingError(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
