/** The calls of list-watch.ts, bound to one resource and scope, with the watch's two clocks: the server's and our own. */
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';
import { KubeError, type KubeReader, type Selection, type WatchEvent } from '../kube/index.ts';
import type { ListWatchPort } from './list-watch.ts';

export interface WatchTimings {
  /** The server ends a watch after a random time between this and twice this, so that not all watches end together. */
  readonly serverTimeoutMs: number;
  /** A watch that tells nothing for so long is taken for dead. The server sends a bookmark about every minute. */
  readonly idleMs: number;
}

export interface WatchPortOptions<T extends KubeObject> {
  readonly client: Pick<KubeReader, 'listPage' | 'watch'>;
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly timings: WatchTimings;
  readonly signal: AbortSignal;
}

export function watchPort<T extends KubeObject>(options: WatchPortOptions<T>): ListWatchPort<T> {
  const { client, resource, selection, timings, signal } = options;
  return {
    listPage: (page) => client.listPage(resource, { ...selection, ...page }, { signal }),
    watch: (resourceVersion) => {
      const timeoutSeconds = Math.ceil((timings.serverTimeoutMs * (1 + Math.random())) / 1000);
      const watch = { ...selection, resourceVersion, allowBookmarks: true, timeoutSeconds };
      return withIdleLimit((idle) => client.watch(resource, watch, { signal: idle }), timings.idleMs, signal);
    },
  };
}

async function* withIdleLimit<T>(
  open: (signal: AbortSignal) => AsyncIterable<WatchEvent<T>>,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void> {
  const stream = new AbortController();
  const stop = () => stream.abort(signal.reason);
  if (signal.aborted) return;
  signal.addEventListener('abort', stop, { once: true });
  let idle = false;
  const timer = setTimeout(() => {
    idle = true;
    stream.abort();
  }, idleMs);
  try {
    for await (const event of open(stream.signal)) {
      timer.refresh();
      yield event;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    // Also when the reader leaves early.
    stream.abort();
  }
  if (idle) throw new KubeError('KUBE_TIMEOUT', `the watch told nothing for ${idleMs} ms`, { verb: 'watch' });
}
