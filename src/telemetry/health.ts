/** /healthz, /livez and /readyz over plain HTTP, for the kubelet. */
import { type BoundedServer, plain, type ServerOptions, serve } from './bounded-server.ts';

export interface HealthOptions extends ServerOptions {
  /** Why not, in words for a person; undefined when all is well. */
  readonly healthy: () => string | undefined;
  readonly ready: () => string | undefined;
}

export function serveHealth({ healthy, ready, ...server }: HealthOptions): Promise<BoundedServer> {
  return serve(server, (path) => {
    switch (path) {
      case '/healthz':
      case '/livez':
        return probe(healthy());
      case '/readyz':
        return probe(ready());
      default:
        return plain(404, 'not found');
    }
  });
}

function probe(problem: string | undefined) {
  return plain(problem === undefined ? 200 : 503, problem ?? 'ok');
}
