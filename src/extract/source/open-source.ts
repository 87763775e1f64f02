/**
 * Opens one layer's body: the first of its URLs that answers, gone on with at the next one where that is safe, within the limits of
 * bandwidth and time.
 */
import { AttemptFailedError, PermanentError, type PluginLogger } from '../../sdk/index.ts';
import type { Layer } from '../job.ts';
import { readCredentials } from './credentials.ts';
import { defaultTimeouts, HttpClient, type Timeouts } from './http/client.ts';
import { parseProxy, readTrusted } from './http/connection-settings.ts';
import type { HttpSourceOptions } from './http/http-source.ts';
import { continueHttpSource, openHttpSource } from './http/open-http-source.ts';
import { defaultRetryPolicy, type RetryPolicy } from './http/retry.ts';
import { type Mirror, openMirrors } from './mirrors.ts';
import { paced } from './paced-source.ts';
import { parseS3Url, signing } from './s3.ts';
import type { ByteSource } from './source.ts';

export interface SourceContext {
  /** Where the files of the Secret with the credentials are. Undefined: none are sent. */
  readonly credentialsDir: string | undefined;
  /** A PEM file with certificates that are trusted beside the system's. */
  readonly caBundle?: string | undefined;
  /** URL of the proxy for all but what NO_PROXY names. Undefined: as HTTP_PROXY and HTTPS_PROXY say. */
  readonly proxy?: string | undefined;
  /** Bytes per second. */
  readonly bandwidth?: number | undefined;
  readonly timeouts?: Timeouts;
  /** Bodies of so many bytes are read past undici (direct-connection.ts). Default: 16 MiB. */
  readonly directFrom?: number;
  /** For the whole body, from the first request to its last byte. */
  readonly totalMs?: number;
  readonly retryPolicy?: RetryPolicy;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/** Against servers that drip for ever: each wait for bytes has its own, shorter limit. */
const DEFAULT_TOTAL_MS = 24 * 3_600_000;

/** What of a layer says where its bytes are. */
export type Location = Pick<Layer, 'urls' | 'checksum' | 's3'>;

/**
 * @throws VolprimeError `SourceUnreachable`, `SourceBusy`, `SourceTLSFailed` (to be retried); PermanentError `InvalidSource`,
 * `SourceNotFound`, `SourceUnauthorized`, `SourceRefused`, `RedirectRefused`, `CredentialsInvalid`. Reading throws `SourceTruncated`,
 * `SourceStalled` and `SourceChanged` too.
 */
export async function openSource(location: Location, context: SourceContext): Promise<ByteSource> {
  const { logger, credentialsDir, bandwidth, retryPolicy = defaultRetryPolicy } = context;
  const places = location.urls.map((url) => parsePlace(url, location.s3));
  const checksumDeclared = location.checksum !== undefined;
  const settings = {
    credentials: credentialsDir === undefined ? undefined : readCredentials(credentialsDir),
    trusted: readTrusted(context.caBundle),
    proxy: parseProxy(context.proxy),
    timeouts: context.timeouts ?? defaultTimeouts,
    directFrom: context.directFrom,
    logger,
  };
  const deadline = startDeadline(context.totalMs ?? DEFAULT_TOTAL_MS);
  const signal = AbortSignal.any([context.signal, deadline.signal]);
  const client = new HttpClient({ ...settings, signal });
  const common = { checksumDeclared, retryPolicy, logger, signal };
  const mirrors = places.map(({ url, region }) =>
    mirrorOf({
      ...common,
      url,
      client: region === undefined ? client : signing(client, settings.credentials, region),
    }),
  );
  const close = async () => {
    deadline.stop();
    await client[Symbol.asyncDispose]();
  };
  try {
    const source = await openMirrors(mirrors, common);
    return paced(closing(source, close), { bandwidth, signal });
  } catch (error) {
    await close();
    throw error;
  }
}

function mirrorOf(options: HttpSourceOptions): Mirror {
  return {
    open: () => openHttpSource(options),
    goOn: (begun) => continueHttpSource(options, begun),
  };
}

interface Deadline {
  readonly signal: AbortSignal;
  stop(): void;
}

function startDeadline(totalMs: number): Deadline {
  const controller = new AbortController();
  const late = () =>
    controller.abort(
      new AttemptFailedError('SourceStalled', `The download took longer than ${Math.round(totalMs / 1000)} s.`),
    );
  const timer = setTimeout(late, totalMs);
  return { signal: controller.signal, stop: () => clearTimeout(timer) };
}

/** The source, and with it what it stands on. */
function closing(source: ByteSource, close: () => Promise<void>): ByteSource {
  return {
    length: source.length,
    read: (into) => source.read(into),
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await close();
    },
  };
}

interface Place {
  readonly url: URL;
  /** Of S3; undefined for plain http. */
  readonly region?: string;
}

function parsePlace(text: string, s3: Layer['s3']): Place {
  if (text.startsWith('s3:')) return parseS3Url(text, s3);
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PermanentError('InvalidSource', 'A source is an absolute URL with http, https, s3 or oci before "://".');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PermanentError('InvalidSource', 'A source URL must not hold credentials; name a Secret in secretRef.');
  }
  return { url };
}
