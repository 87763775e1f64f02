/** What an answer or a network failure means for the next attempt. No message carries a query string or a header. */
import { AttemptFailedError, PermanentError, TemporaryError, VolprimeError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';

const MAX_RETRY_AFTER_MS = 3_600_000;

/** The URL as it may appear in logs and messages: user info and query string left out, since both may carry secrets. */
export function displayUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?<redacted>'}`;
}

export function statusError(url: URL, status: number, retryAfter: string | undefined): VolprimeError {
  const answer = `${displayUrl(url)} answered with status ${status}`;
  if (status === 404 || status === 410) return new PermanentError('SourceNotFound', `${answer}: nothing is there.`);
  if (status === 401 || status === 403) {
    return new PermanentError(
      'SourceUnauthorized',
      `${answer}: check spec.secretRef and the credentials in that Secret.`,
    );
  }
  if (status === 407) return proxyUnauthorized(url);
  if (status === 429 || status === 503) {
    const afterMs = retryAfterMs(retryAfter);
    const message = `${answer}: the server asks to come back later.`;
    if (afterMs !== undefined) return new TemporaryError(message, afterMs, { reason: 'SourceBusy' });
    return new AttemptFailedError('SourceBusy', message);
  }
  if (status >= 500 || status === 408 || status === 425)
    return new AttemptFailedError('SourceUnreachable', `${answer}.`);
  return new PermanentError('SourceRefused', `${answer}; expected 200.`);
}

/** Retry-After is a number of seconds or an HTTP date (RFC 9110); capped, since a server may ask for a year. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO)/;

function proxyUnauthorized(url: URL, cause?: unknown): PermanentError {
  return new PermanentError(
    'ProxyUnauthorized',
    `The proxy on the way to ${displayUrl(url)} answered with status 407: it asks for a user name and password, or does not take those of the Secret. Name proxy and Secret in spec.proxy and spec.proxySecretRef.`,
    { cause },
  );
}

/** The HTTP client says it in words alone, in others for CONNECT than for plain http. */
const ASKED_BY_PROXY = /^Proxy (response|Authentication Required) \(407\)/;

/** Failures before the first byte of the body. */
export function connectError(url: URL, cause: unknown): VolprimeError {
  // What the address guard says of the host.
  if (cause instanceof VolprimeError) return cause;
  if (cause instanceof Error && ASKED_BY_PROXY.test(cause.message)) return proxyUnauthorized(url, cause);
  const code = innerCode(cause);
  const where = displayUrl(url);
  if (TLS_CODES.test(code)) {
    return new AttemptFailedError('SourceTLSFailed', `The TLS connection to ${where} failed: ${tlsWords(code)}.`, {
      cause,
    });
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return unreachable(`${where} did not accept a connection in time.`, cause);
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return unreachable(`${where} did not answer in time.`, cause);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return unreachable(`The host name ${url.hostname} could not be resolved (${code}).`, cause);
  }
  // Of the HTTP client's own making: what the populator itself breaks off does not come here.
  if (code === 'UND_ERR_ABORTED') {
    return unreachable(`${where} could not be reached: the proxy did not connect to it.`, cause);
  }
  return unreachable(`${where} could not be reached (${code}).`, cause);
}

/** Failures once the body has begun. */
export function bodyError(url: URL, received: number, cause: unknown): VolprimeError {
  const code = innerCode(cause);
  const where = displayUrl(url);
  if (code === 'UND_ERR_BODY_TIMEOUT' || code === 'ETIMEDOUT') {
    return new AttemptFailedError('SourceStalled', `${where} stopped sending after ${received} bytes.`, { cause });
  }
  return new AttemptFailedError(
    'SourceTruncated',
    `The connection to ${where} broke after ${received} bytes (${code}).`,
    { cause },
  );
}

function unreachable(message: string, cause: unknown): VolprimeError {
  return new AttemptFailedError('SourceUnreachable', message, { cause });
}

/** The code of the error or of the innermost cause that has one; an attempt at several addresses has one for each. */
function innerCode(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined) return code;
  if (typeof error !== 'object' || error === null) return 'unknown';
  if ('errors' in error && Array.isArray(error.errors)) return innerCode(error.errors[0]);
  return 'cause' in error ? innerCode(error.cause) : 'unknown';
}

function tlsWords(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate is not valid for that host (${code})`;
  if (code === 'CERT_HAS_EXPIRED') return `the certificate has expired (${code})`;
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT' || code === 'SELF_SIGNED_CERT_IN_CHAIN') {
    return `the certificate is self-signed and not trusted (${code})`;
  }
  if (code.startsWith('UNABLE_TO_')) return `the certificate's issuer is not known (${code})`;
  return `handshake failed (${code})`;
}
