/**
 * GET with credentials and redirects. The credentials go to the hosts that their Secret lists and to no other, nothing leads from https to
 * http, and every connection is held to the address policy.
 */
import type { Dispatcher } from 'undici';
import { AttemptFailedError, PermanentError, type PluginLogger } from '../../../sdk/index.ts';
import type { Credentials } from '../credentials.ts';
import { connectError, displayUrl } from '../source-errors.ts';
import { field, type Answer } from './answer.ts';
import { type AddressGuard, guardOf } from './address-guard.ts';
import { type AddressPolicy, publicAddresses } from './address-policy.ts';
import { PROXY_VARIABLES, type Proxy } from './connection-settings.ts';
import { DirectConnection, type DirectOptions, getDirectly, type TlsSettings } from './direct-connection.ts';
import { EnvHttpProxyAgent } from './env-http-proxy-agent.ts';
import { exchange } from './exchange.ts';

export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the answer's headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
}
export const defaultTimeouts: Timeouts = { connectMs: 15_000, headersMs: 60_000, idleMs: 60_000 };

export interface HttpOptions {
  readonly credentials: Credentials | undefined;
  /** PEM: all certificates that are trusted. Undefined: the system's. */
  readonly trusted: readonly string[] | undefined;
  /** Of all requests but those that NO_PROXY names. Undefined: HTTP_PROXY and HTTPS_PROXY. */
  readonly proxy: Proxy | undefined;
  /** Which addresses may be dialled. Undefined: all. */
  readonly addresses?: AddressPolicy | undefined;
  readonly timeouts: Timeouts;
  /** Bodies of so many bytes are worth a connection of their own. Default: 16 MiB. */
  readonly directFrom?: number | undefined;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

const DIRECT_FROM = 16 * 1024 * 1024;
/** What two answers must have in common to be of the same bytes, so far as a head can tell. */
const DEFINING = ['content-length', 'content-range', 'content-encoding', 'etag', 'last-modified'];
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

type Headers = Readonly<Record<string, string>>;

/** `any`: to every address that this client may dial. `public`: to public ones, and to those that the operator adds. */
type Reach = 'any' | 'public';

export interface Connection {
  /** @returns undefined where the answer was of a kind that only `HttpClient.get` understands; the connection is of no more use then. */
  get(headers: Headers): Promise<Answer | undefined>;
  close(): void;
}

/** Disposing of it breaks its connections. */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpOptions;
  /** With the client certificate, for the hosts that may see it, and without; for each reach. */
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #guards: Readonly<Record<Reach, AddressGuard | undefined>>;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { addresses } = options;
    this.#guards = {
      any: addresses && guardOf(addresses, () => ALLOW_BY_SETTINGS),
      public: guardOf(addresses ?? publicAddresses(), ALLOW_BY_SECRET),
    };
  }

  /**
   * The answer at the end of the redirects, whatever its status.
   * @param own headers for the origin of `start` alone.
   * @throws VolprimeError `SourceUnreachable`, `SourceTLSFailed`; PermanentError `ProxyUnauthorized`, `RedirectRefused`, `CredentialsInvalid`.
   */
  async get(start: URL, headers: Headers, own: Headers = {}): Promise<Answer> {
    const { credentials } = this.#options;
    if (credentials !== undefined && !credentials.ways.allows(start)) throw credentials.ways.notListed(start);
    return this.#follow(start, headers, own);
  }

  /**
   * One request whose redirects are not followed, to a host that another host named. It need not be one of those that may have the
   * credentials.
   * @throws as `get`, and PermanentError `AddressNotAllowed`.
   */
  async getOnce(url: URL, reach: Reach): Promise<Answer> {
    const answer = await this.#ask(url, {}, reach);
    if (!REDIRECTS.has(answer.status)) return answer;
    answer.body.cancel();
    throw new PermanentError(
      'RedirectRefused',
      `${displayUrl(url)} gives tokens for a registry and answered with a redirect, which is not followed.`,
    );
  }

  /** For many requests to the URL at the end of all redirects. Undefined where a proxy may be in the way. */
  connect(url: URL): Connection | undefined {
    if (this.#mayBeProxied()) return undefined;
    const connection = new DirectConnection(this.#directOptions(url));
    return {
      get: (headers) => connection.get(this.#headers(url, headers)),
      close: () => connection.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#dispatchers.values().map((dispatcher) => dispatcher.destroy()));
  }

  async #follow(start: URL, headers: Headers, own: Headers): Promise<Answer> {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await this.#ask(url, { ...headers, ...(url.origin === start.origin && own) }, 'any');
      if (!REDIRECTS.has(answer.status)) return answer;
      answer.body.cancel();
      const next = redirectTarget(answer);
      this.#options.logger.info('redirected', { from: displayUrl(url), to: displayUrl(next) });
      url = next;
    }
    throw new PermanentError(
      'RedirectRefused',
      `${displayUrl(url)} is the end of more than ${MAX_REDIRECTS} redirects.`,
    );
  }

  async #ask(url: URL, more: Headers, reach: Reach): Promise<Answer> {
    const { signal } = this.#options;
    await this.#checkAddress(url, reach);
    const headers = this.#headers(url, more);
    let answer: Answer;
    try {
      answer = await exchange({ url, headers, dispatcher: this.#dispatcher(this.#allows(url), reach), signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw connectError(url, cause);
    }
    return this.#worthDirect(answer) ? this.#directly(answer, headers) : answer;
  }

  /** What no lookup of a connection sees: hosts that are addresses, and those that a proxy resolves. */
  async #checkAddress({ hostname }: URL, reach: Reach): Promise<void> {
    const guard = this.#guards[reach];
    const refusal = guard?.refusalOf(hostname) ?? this.#refusalOfProxy();
    if (refusal !== undefined) throw refusal;
    if (guard === undefined || !this.#mayBeProxied()) return;
    const known = await guard.check(hostname);
    if (known || reach === 'any') return;
    throw new AttemptFailedError(
      'SourceUnreachable',
      `${hostname} gives tokens for a registry, and is not known here to have a public address. ${ALLOW_BY_SECRET(hostname)}`,
    );
  }

  /** Through a proxy that the source names it is the proxy that is dialled; one of the operator's own may be anywhere. */
  #refusalOfProxy(): PermanentError | undefined {
    const { proxy } = this.#options;
    return proxy === undefined || proxy.ofOperator ? undefined : this.#guards.any?.refusalOf(proxy.url.hostname);
  }

  #allows(url: URL): boolean {
    return this.#options.credentials?.ways.allows(url) === true;
  }

  #headers(url: URL, more: Headers): Headers {
    const { credentials } = this.#options;
    return {
      'user-agent': 'volprime',
      accept: '*/*',
      // The digest and the announced length are those of the archive as stored.
      'accept-encoding': 'identity',
      ...(this.#allows(url) && credentials?.headers),
      ...more,
    };
  }

  #worthDirect(answer: Answer): boolean {
    const { directFrom = DIRECT_FROM } = this.#options;
    if (this.#mayBeProxied()) return false;
    return (answer.status === 200 || answer.status === 206) && Number(field(answer, 'content-length')) >= directFrom;
  }

  #mayBeProxied(): boolean {
    return this.#options.proxy !== undefined || PROXY_VARIABLES.some((name) => process.env[name]);
  }

  /** The same request again; the first answer is given up only once the second has begun in the very same way. */
  async #directly(answer: Answer, headers: Headers): Promise<Answer> {
    const direct = await getDirectly(this.#directOptions(answer.url), headers);
    const same = (name: string) => direct !== undefined && field(direct, name) === field(answer, name);
    if (direct !== undefined && direct.status === answer.status && DEFINING.every(same)) {
      answer.body.cancel();
      return direct;
    }
    direct?.body.cancel();
    return answer;
  }

  #directOptions(url: URL): DirectOptions {
    const { timeouts, signal } = this.#options;
    return { url, tls: this.#tls(this.#allows(url)), guard: this.#guards.any, ...timeouts, signal };
  }

  #dispatcher(allowed: boolean, reach: Reach): Dispatcher {
    const { credentials, proxy, timeouts } = this.#options;
    const identified = allowed && credentials?.clientCertificate !== undefined;
    const key = `${reach} ${identified}`;
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const connect = { timeout: timeouts.connectMs };
    const ofProxy = proxy === undefined || proxy.ofOperator ? undefined : this.#guards.any;
    const dispatcher = new EnvHttpProxyAgent({
      ...(proxy && { httpProxy: proxy.url.href, httpsProxy: proxy.url.href }),
      ...(proxy?.authorization !== undefined && { token: proxy.authorization }),
      connect: { ...connect, ...this.#tls(identified), ...lookupOf(this.#guards[reach]) },
      requestTls: { ...connect, ...this.#tls(identified) },
      proxyTls: { ...connect, ...(proxy?.trusted && { ca: [...proxy.trusted] }), ...lookupOf(ofProxy) },
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.idleMs,
      allowH2: false,
    });
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  #tls(identified: boolean): TlsSettings {
    const { credentials, trusted } = this.#options;
    return { ...(trusted && { ca: [...trusted] }), ...(identified && credentials?.clientCertificate) };
  }
}

const ALLOW_BY_SETTINGS =
  'The operator of the cluster can allow it with allowedAddresses in the settings of populator pods.';
const ALLOW_BY_SECRET = (host: string) =>
  `A registry may name such a host for its tokens only where the Secret of spec.secretRef lists ${host} in its key "hosts".`;

function lookupOf(guard: AddressGuard | undefined): Pick<AddressGuard, 'lookup'> | undefined {
  return guard && { lookup: guard.lookup };
}

function redirectTarget(answer: Answer): URL {
  const from = answer.url;
  const location = field(answer, 'location');
  const refuse = (why: string) =>
    new PermanentError('RedirectRefused', `The redirect from ${displayUrl(from)} ${why}.`);
  // What S3 says of a bucket that was asked for in another region than its own.
  const region = location === undefined ? field(answer, 'x-amz-bucket-region') : undefined;
  if (region !== undefined)
    throw refuse(`says only that the bucket is in the region ${JSON.stringify(region)}: set s3.region`);
  // Field values are read as Latin-1; a location that is not ASCII is UTF-8 in practice.
  const to = location === undefined ? null : URL.parse(Buffer.from(location, 'latin1').toString(), from);
  if (to === null) throw refuse('names no valid location');
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`leads to the scheme ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('leads from https to plain http');
  return to;
}
