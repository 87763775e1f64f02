/**
 * Events on objects (events.k8s.io/v1), for `kubectl describe`. Emitting never waits and never fails: an event is a courtesy.
 *
 * Guarantees: at most `concurrency` requests at a time and `capacity` events waiting (newer ones are dropped and counted); an event
 * that repeats within the window becomes a count on the first one, written at most once a minute.
 */
import { createHash, randomBytes } from 'node:crypto';
import PQueue from 'p-queue';
import type { KubeObject, NewObject, ObjectReference } from '../api/objects.ts';
import { apiVersionOf, events } from '../api/resources.ts';
import { formatKey, type KubeWriter, type ObjectKey, type WriteOutcome } from '../kube/index.ts';
import type { Counter, Logger, Metrics } from '../telemetry/index.ts';
import { visible } from '../visible.ts';

export interface EventRecorder {
  emit(event: EventDraft): void;
}

export interface EventDraft {
  /** Whom the event is about; it is stored in that object's namespace. */
  readonly regarding: KubeObject;
  readonly related?: KubeObject | undefined;
  readonly type: 'Normal' | 'Warning';
  /** Why, in one CamelCase word. */
  readonly reason: string;
  /** What was done or tried, in one CamelCase word. */
  readonly action: string;
  /** For a person; made visible, and cut at 1024 bytes. */
  readonly note: string;
}

export interface ApiEventRecorderOptions {
  readonly client: Pick<KubeWriter, 'create' | 'mergePatch'>;
  /** `volprime.dev/controller`. */
  readonly reportingController: string;
  /** The pod's name. */
  readonly reportingInstance: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly now?: () => number;
  readonly capacity?: number;
  /** How long repetitions count on the first event; 6 min unless told. */
  readonly windowMs?: number;
  /** How often a count is written at most; 1 min unless told. */
  readonly seriesMs?: number;
}

/** An event that was written, and what has to be told about its repetitions. */
interface Series {
  readonly key: ObjectKey;
  readonly until: number;
  count: number;
  lastAt: number;
  timer: NodeJS.Timeout | undefined;
}

const concurrency = 2;
const noteLimit = 1024;

export class ApiEventRecorder implements EventRecorder {
  readonly #options: ApiEventRecorderOptions;
  readonly #now: () => number;
  readonly #capacity: number;
  readonly #sending = new PQueue({ concurrency });
  readonly #series = new Map<string, Series>();
  readonly #outcomes: Counter;

  constructor(options: ApiEventRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#capacity = options.capacity ?? 1000;
    this.#outcomes = options.metrics.counter({
      name: 'volprime_events_total',
      help: 'Events by what became of them.',
      labels: ['outcome'],
    });
    for (const outcome of ['written', 'counted', 'dropped', 'failed']) this.#outcomes.zero({ outcome });
  }

  emit(draft: EventDraft): void {
    const now = this.#now();
    this.#forgetOld(now);
    const identity = identityOf(draft);
    const known = this.#series.get(identity);
    if (known !== undefined) return this.#repeat(known, now);
    if (this.#sending.size >= this.#capacity) return this.#outcomes.inc({ outcome: 'dropped' });
    const event = this.#eventFor(draft, now);
    const key = { name: event.metadata.name, namespace: event.metadata.namespace };
    this.#series.set(identity, { key, until: now + this.#windowMs, count: 1, lastAt: now, timer: undefined });
    this.#send('written', key, () => this.#options.client.create(events, event));
  }

  /** Writes what waits, counts included, and resolves when all is sent or `timeoutMs` is over. */
  async flush(timeoutMs: number): Promise<void> {
    for (const series of this.#series.values()) {
      if (series.timer === undefined) continue;
      clearTimeout(series.timer);
      this.#writeCount(series);
    }
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([this.#sending.onIdle(), over]);
    clearTimeout(timer);
  }

  get #windowMs(): number {
    return this.#options.windowMs ?? 6 * 60_000;
  }

  #repeat(series: Series, now: number): void {
    series.count += 1;
    series.lastAt = now;
    this.#outcomes.inc({ outcome: 'counted' });
    series.timer ??= setTimeout(() => this.#writeCount(series), this.#options.seriesMs ?? 60_000).unref();
  }

  #writeCount(series: Series): void {
    series.timer = undefined;
    const body = { series: { count: series.count, lastObservedTime: microTime(series.lastAt) } };
    this.#send('written', series.key, () => this.#options.client.mergePatch(events, series.key, body));
  }

  #send(outcome: string, key: ObjectKey, write: () => Promise<WriteOutcome<KubeObject>>): void {
    void this.#sending.add(async () => {
      try {
        const result = await write();
        if (result.type === 'done') return this.#outcomes.inc({ outcome });
        // A terminating namespace takes no events, and an expired one takes no counts: both are everyday.
        this.#options.logger.debug('event not written', { event: formatKey(key), outcome: result.type });
      } catch (error) {
        this.#options.logger.debug('event not written', { event: formatKey(key), error });
      }
      this.#outcomes.inc({ outcome: 'failed' });
    });
  }

  #forgetOld(now: number): void {
    for (const [identity, { until, timer }] of this.#series) {
      // Insertion order is expiry order. A count that waits is still written by its timer.
      if (until > now && this.#series.size <= this.#capacity) break;
      if (timer === undefined) this.#series.delete(identity);
    }
  }

  #eventFor(draft: EventDraft, now: number): NewObject & { metadata: { name: string; namespace: string } } {
    const { regarding, related } = draft;
    return {
      apiVersion: apiVersionOf(events),
      kind: events.kind,
      metadata: {
        name: `${regarding.metadata.name.slice(0, 230)}.${randomBytes(8).toString('hex')}`,
        namespace: regarding.metadata.namespace ?? 'default',
      },
      eventTime: microTime(now),
      reportingController: this.#options.reportingController,
      reportingInstance: this.#options.reportingInstance.slice(0, 128),
      type: draft.type,
      reason: draft.reason,
      action: draft.action,
      note: cut(visible(draft.note), noteLimit),
      regarding: referenceTo(regarding),
      ...(related !== undefined && { related: referenceTo(related) }),
    };
  }
}

export function referenceTo(object: KubeObject): ObjectReference {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }), uid, resourceVersion };
}

/** What makes two events the same event told twice. */
function identityOf(draft: EventDraft): string {
  const parts = [
    draft.regarding.metadata.uid,
    draft.related?.metadata.uid,
    draft.type,
    draft.reason,
    draft.action,
    draft.note,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

/** metav1.MicroTime. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

/** At most `limit` bytes, never half a character. */
function cut(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const decoded = bytes.subarray(0, limit - 3).toString();
  return `${decoded.replace(/\uFFFD$/u, '')}…`;
}
