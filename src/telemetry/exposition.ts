/** /metrics over plain HTTP, for Prometheus, on a port of its own: what comes there keeps no probe waiting. */
import { type BoundedServer, plain, type ServerOptions, serve } from './bounded-server.ts';
import type { Metrics } from './metrics.ts';

export interface ExpositionOptions extends ServerOptions {
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** For this long, in milliseconds, requests get the same text; 1,000 unless told. */
  readonly sharedMs?: number;
}

export function serveMetrics({ metrics, sharedMs = 1_000, ...server }: ExpositionOptions): Promise<BoundedServer> {
  const text = shared(async () => Buffer.from(await metrics.text()), sharedMs);
  return serve(server, async (path) =>
    path === '/metrics' ? { status: 200, type: metrics.contentType, body: await text() } : plain(404, 'not found'),
  );
}

/** One making at a time, shared by all who ask meanwhile and for `sharedMs` after its end; a failure as well. */
function shared<T>(make: () => Promise<T>, sharedMs: number): () => Promise<T> {
  let last: { readonly made: Promise<T>; endedAt: number } | undefined;
  return () => {
    if (last !== undefined && performance.now() - last.endedAt < sharedMs) return last.made;
    const now = { made: make(), endedAt: Number.POSITIVE_INFINITY };
    const end = () => {
      now.endedAt = performance.now();
    };
    now.made.then(end, end);
    last = now;
    return now.made;
  };
}
