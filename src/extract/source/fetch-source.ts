/** Opens the source: one GET with bounded redirects, and a body that ends only when every announced byte has come. */
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { AttemptFailedError, PermanentError, type PluginLogger } from '../../sdk/index.ts';
import type { Credentials } from './credentials.ts';
import { bodyError, connectError, displayUrl, statusError } from './source-errors.ts';

export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the answer's headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
}
export const defaultTimeouts: Timeouts = { connectMs: 15_000, headersMs: 60_000, idleMs: 60_000 };

export interface FetchOptions {
  readonly url: string;
  readonly credentials: Credentials | undefined;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
  readonly timeouts?: Timeouts;
}

/** Disposing of it breaks the connection. */
export interface Source extends AsyncDisposable {
  /** Bytes that the server announced; undefined for a chunked answer. */
  readonly length: number | undefined;
  readonly body: AsyncIterable<Buffer>;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * @throws VolprimeError `SourceUnreachable`, `SourceBusy`, `SourceTLSFailed` (to be retried); PermanentError `SourceNotFound`,
 * `SourceUnauthorized`, `SourceRefused`, `RedirectRefused`, `CredentialsInvalid`. The body throws `SourceTruncated` and `SourceStalled`.
 */
export async function fetchSource(options: FetchOptions): Promise<Source> {
  const { connectMs, headersMs, idleMs } = options.timeouts ?? defaultTimeouts;
  // Straight, or by the proxies that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name.
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: connectMs },
    headersTimeout: headersMs,
    bodyTimeout: idleMs,
  });
  try {
    return await follow(options, dispatcher);
  } catch (error) {
    await dispatcher.destroy();
    throw error;
  }
}

async function follow(options: FetchOptions, dispatcher: Dispatcher): Promise<Source> {
  const { credentials, logger } = options;
  let url = parseUrl(options.url);
  if (credentials !== undefined && !credentials.allows(url)) {
    throw new PermanentError(
      'CredentialsInvalid',
      `The credentials Secret does not list ${url.host} in its key "hosts", so they are not sent there.`,
    );
  }
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await get(url, options, dispatcher);
    if (!REDIRECTS.has(response.statusCode)) return open(url, response, dispatcher);
    const next = redirectTarget(url, header(response, 'location'));
    logger.info('redirected', { from: displayUrl(url), to: displayUrl(next) });
    await response.body.dump({ limit: 65_536, signal: options.signal }).catch(() => undefined);
    url = next;
  }
  throw new PermanentError('RedirectRefused', `${displayUrl(url)} is the end of more than ${MAX_REDIRECTS} redirects.`);
}

async function get(url: URL, options: FetchOptions, dispatcher: Dispatcher): Promise<Dispatcher.ResponseData> {
  const { credentials, signal } = options;
  const headers = {
    'user-agent': 'volprime',
    accept: '*/*',
    // The digest and the announced length are those of the archive as stored.
    'accept-encoding': 'identity',
    ...(credentials?.allows(url) === true && credentials.headers),
  };
  try {
    return await request(url, { method: 'GET', headers, dispatcher, signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw connectError(url, cause);
  }
}

async function open(url: URL, response: Dispatcher.ResponseData, dispatcher: Dispatcher): Promise<Source> {
  if (response.statusCode !== 200) {
    response.body.on('error', () => undefined).destroy();
    throw statusError(url, response.statusCode, header(response, 'retry-after'));
  }
  const announced = header(response, 'content-length');
  const length = announced === undefined ? undefined : Number(announced);
  return {
    length,
    body: completeBody(url, length, response.body),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function* completeBody(
  url: URL,
  length: number | undefined,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    throw bodyError(url, received, cause);
  }
  if (length !== undefined && received !== length) {
    throw new AttemptFailedError('SourceTruncated', `${displayUrl(url)} sent ${received} of ${length} bytes.`);
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PermanentError('InvalidSource', 'sourceURL must be an absolute http or https URL.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PermanentError('InvalidSource', 'sourceURL must not hold credentials; name a Secret in secretRef.');
  }
  return url;
}

function redirectTarget(from: URL, location: string | undefined): URL {
  const refuse = (why: string) =>
    new PermanentError('RedirectRefused', `The redirect from ${displayUrl(from)} ${why}.`);
  const to = location === undefined ? null : URL.parse(location, from);
  if (to === null) throw refuse('names no valid location');
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`leads to the scheme ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('leads from https to plain http');
  return to;
}

function header(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
