/**
 * The way of one controller to the API server: a fault proxy, with a list of that controller's writes, that can hold a request as a slow
 * network would.
 */
import { FaultProxy } from '../../support/fault-proxy.ts';
import type { SeenRequest } from '../../support/fault-rules.ts';

export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly body: string;
}

/** A request that waits. */
export interface Held {
  /** Resolves once there is one. */
  readonly reached: Promise<ApiRequest>;
  /** Lets it go on. */
  release(): void;
}

export interface ApiProxy extends AsyncDisposable {
  /** For the controller. */
  readonly kubeconfig: string;
  readonly faults: FaultProxy;
  /** All requests but GETs, in the order in which they came. */
  readonly writes: readonly ApiRequest[];
  /** Holds the next request of this kind, and only that one. */
  holdNext(matches: (request: ApiRequest) => boolean): Held;
}

/** @param kubeconfig of the controller's own account; what it holds stays in the proxy. */
export async function startApiProxy(kubeconfig: string): Promise<ApiProxy> {
  const faults = await FaultProxy.start(kubeconfig);
  return {
    kubeconfig: faults.kubeconfig,
    faults,
    get writes() {
      return faults.seen({ is: ({ method }) => method !== 'GET' }).map(withoutQuery);
    },
    holdNext: (matches) => {
      const reached = Promise.withResolvers<ApiRequest>();
      const released = Promise.withResolvers<void>();
      const is = (request: SeenRequest) => matches(withoutQuery(request));
      faults.on(
        {
          is: (request) => {
            if (!is(request)) return false;
            reached.resolve(withoutQuery(request));
            return true;
          },
        },
        { type: 'hold', when: 'before', until: released.promise },
      );
      return { reached: reached.promise, release: released.resolve };
    },
    [Symbol.asyncDispose]: () => faults.close(),
  };
}

function withoutQuery({ method, url, body }: SeenRequest): ApiRequest {
  return { method, path: url.split('?')[0] ?? url, body };
}
