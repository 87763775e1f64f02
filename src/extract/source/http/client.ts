/**
 * GET with credentials and redirects. The credentials go to the hosts that their Secret lists and to no other, and nothing leads from
 * https to http.
 */
import { EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { PermanentError, type PluginLogger } from '../../../sdk/index.ts';
import type { Credentials } from '../credentials.ts';
import { connectError, displayUrl } from '../source-errors.ts';
import { field, type Answer } from './answer.ts';
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
  readonly proxy: URL | undefined;
  readonly timeouts: Timeouts;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Disposing of it breaks its connections. */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpOptions;
  /** One with the client certificate, for the hosts that may see it, and one without. */
  readonly #dispatchers = new Map<boolean, Dispatcher>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * The answer at the end of the redirects, whatever its status.
   * @throws VolprimeError `SourceUnreachable`, `SourceTLSFailed`; PermanentError `RedirectRefused`, `CredentialsInvalid`.
   */
  async get(start: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { credentials, logger } = this.#options;
    if (credentials !== undefined && !credentials.allows(start)) throw notListed(start);
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await this.#ask(url, headers);
      if (!REDIRECTS.has(answer.status)) return answer;
      answer.body.cancel();
      const next = redirectTarget(url, field(answer, 'location'));
      logger.info('redirected', { from: displayUrl(url), to: displayUrl(next) });
      url = next;
    }
    throw new PermanentError(
      'RedirectRefused',
      `${displayUrl(url)} is the end of more than ${MAX_REDIRECTS} redirects.`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#dispatchers.values().map((dispatcher) => dispatcher.destroy()));
  }

  async #ask(url: URL, more: Readonly<Record<string, string>>): Promise<Answer> {
    const { credentials, signal } = this.#options;
    const allowed = credentials?.allows(url) === true;
    const headers = {
      'user-agent': 'volprime',
      accept: '*/*',
      // The digest and the announced length are those of the archive as stored.
      'accept-encoding': 'identity',
      ...(allowed && credentials.headers),
      ...more,
    };
    try {
      return await exchange({ url, headers, dispatcher: this.#dispatcher(allowed), signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw connectError(url, cause);
    }
  }

  #dispatcher(allowed: boolean): Dispatcher {
    const { credentials, proxy, timeouts, trusted } = this.#options;
    const identity = allowed ? credentials?.clientCertificate : undefined;
    const known = this.#dispatchers.get(identity !== undefined);
    if (known !== undefined) return known;
    const connect = { timeout: timeouts.connectMs, ...(trusted && { ca: [...trusted] }) };
    const dispatcher = new EnvHttpProxyAgent({
      ...(proxy && { httpProxy: proxy.href, httpsProxy: proxy.href }),
      connect: { ...connect, ...identity },
      requestTls: { ...connect, ...identity },
      proxyTls: connect,
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.idleMs,
      allowH2: false,
    });
    this.#dispatchers.set(identity !== undefined, dispatcher);
    return dispatcher;
  }
}

function notListed(url: URL): PermanentError {
  return new PermanentError(
    'CredentialsInvalid',
    `The credentials Secret does not list ${url.host} in its key "hosts", so they are not sent there.`,
  );
}

function redirectTarget(from: URL, location: string | undefined): URL {
  const refuse = (why: string) =>
    new PermanentError('RedirectRefused', `The redirect from ${displayUrl(from)} ${why}.`);
  // Field values are read as Latin-1; a location that is not ASCII is UTF-8 in practice.
  const to = location === undefined ? null : URL.parse(Buffer.from(location, 'latin1').toString(), from);
  if (to === null) throw refuse('names no valid location');
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`leads to the scheme ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('leads from https to plain http');
  return to;
}
