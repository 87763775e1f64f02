/**
 * Connections to the API server: one pool for calls, kept warm, and one for watches, each of which holds a connection for minutes.
 * HTTP/1.1 on both: with HTTP/2 one dead connection would stall every watch at once. Both are replaced when certificates rotate; what
 * runs on the old ones runs to its end.
 */
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { sameTls, type TlsMaterial } from './credentials.ts';

export interface PoolOptions {
  readonly proxy?: string | undefined;
  readonly calls: { readonly connections: number };
}

/** Less than the 90 s after which kube-apiserver closes an idle connection: we close first, and no request meets a closing one. */
const keepAliveMs = 60_000;

export class Pools {
  readonly #options: PoolOptions;
  #current: { readonly tls: TlsMaterial; readonly calls: Dispatcher; readonly watches: Dispatcher } | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  for(tls: TlsMaterial): { readonly calls: Dispatcher; readonly watches: Dispatcher } {
    if (this.#current !== undefined && sameTls(this.#current.tls, tls)) return this.#current;
    void this.close();
    this.#current = {
      tls,
      // Time limits belong to the call, which has one for all of its tries.
      calls: this.#open(tls, { connections: this.#options.calls.connections, headersTimeout: 0, bodyTimeout: 0 }),
      watches: this.#open(tls, { headersTimeout: 30_000, bodyTimeout: 0 }),
    };
    return this.#current;
  }

  /** Resolves when what runs has ended. */
  async close(): Promise<void> {
    const old = this.#current;
    this.#current = undefined;
    await Promise.all([old?.calls.close(), old?.watches.close()]);
  }

  #open(tls: TlsMaterial, limits: Agent.Options): Dispatcher {
    // A dead peer is noticed by TCP keep-alive, sooner than load balancers forget the connection.
    const connect = { ...tls, ...expectedName(tls), timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 };
    const common = {
      ...limits,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
    };
    if (this.#options.proxy === undefined) return new Agent({ ...common, connect });
    return new ProxyAgent({ ...common, uri: this.#options.proxy, requestTls: connect });
  }
}

/** TLS has no place for an address in its greeting; the certificate must name it all the same. */
function expectedName({ servername = '' }: TlsMaterial): Pick<ConnectionOptions, 'servername' | 'checkServerIdentity'> {
  if (isIP(servername) === 0) return {};
  return { servername: '', checkServerIdentity: (_, certificate) => checkServerIdentity(servername, certificate) };
}
