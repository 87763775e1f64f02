/** What one opening of sources has in common: one http client, one time limit, one set of credentials. */
import { AttemptFailedError, type PluginLogger } from '../../sdk/index.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { defaultTimeouts, HttpClient, type Timeouts } from './http/client.ts';
import type { AddressPolicy } from './http/address-policy.ts';
import { readWay } from './http/connection-settings.ts';
import type { RetryPolicy } from './http/retry.ts';

export interface SourceContext {
  /** Where the files of the Secret with the credentials are. Undefined: none are sent. */
  readonly credentialsDir: string | undefined;
  /** A PEM file with certificates that are trusted beside the system's. */
  readonly caBundle?: string | undefined;
  /** URL of the proxy for all but what NO_PROXY names. Undefined: as HTTP_PROXY and HTTPS_PROXY say. */
  readonly proxy?: string | undefined;
  /** Where the files of the Secret with the proxy's user name and password are. Undefined: none are sent. */
  readonly proxyCredentialsDir?: string | undefined;
  /** Which addresses may be dialled. Undefined: all. */
  readonly addresses?: AddressPolicy | undefined;
  /** Bytes per second. */
  readonly bandwidth?: number | undefined;
  readonly timeouts?: Timeouts;
  /** Bodies of so many bytes are read past undici (direct-connection.ts). Default: 16 MiB. */
  readonly directFrom?: number;
  /** For the whole body, from the first request to its last byte. Default: a day. */
  readonly totalMs?: number;
  readonly retryPolicy?: RetryPolicy;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** Disposing of it breaks its connections. */
export interface Session extends AsyncDisposable {
  readonly client: HttpClient;
  readonly credentials: Credentials | undefined;
  readonly logger: PluginLogger;
  /** The context's, or the end of the time: its reason is the error that says so. */
  readonly signal: AbortSignal;
}

/** Against servers that drip for ever: each wait for bytes has its own, shorter limit. */
const DEFAULT_TOTAL_MS = 24 * 3_600_000;

/** @throws PermanentError `CredentialsInvalid`, `InvalidSource`. */
export function startSession(context: SourceContext): Session {
  const {
    credentialsDir,
    caBundle,
    proxy,
    proxyCredentialsDir,
    addresses,
    logger,
    totalMs = DEFAULT_TOTAL_MS,
  } = context;
  const credentials = credentialsDir === undefined ? undefined : readCredentials(credentialsDir);
  const settings = {
    credentials,
    ...readWay({ caBundle, proxy, proxyCredentialsDir }, credentials?.ways),
    addresses,
    timeouts: context.timeouts ?? defaultTimeouts,
    directFrom: context.directFrom,
    logger,
  };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tookTooLong(totalMs)), totalMs);
  const signal = AbortSignal.any([context.signal, late.signal]);
  const client = new HttpClient({ ...settings, signal });
  return {
    client,
    credentials,
    logger,
    signal,
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await client[Symbol.asyncDispose]();
    },
  };
}

function tookTooLong(totalMs: number): AttemptFailedError {
  return new AttemptFailedError('SourceStalled', `The download took longer than ${Math.round(totalMs / 1000)} s.`);
}
