/**
 * Opens one layer's body: the first of its URLs that answers, gone on with at the next one where that is safe, within the limits of
 * bandwidth and time.
 */
import { PermanentError } from '../../sdk/index.ts';
import type { Layer } from '../job.ts';
import type { HttpSourceOptions } from './http/http-source.ts';
import { continueHttpSource, openHttpSource } from './http/open-http-source.ts';
import { defaultRetryPolicy } from './http/retry.ts';
import { type Mirror, openMirrors } from './mirrors.ts';
import { parseBlobAddress } from './oci/reference.ts';
import { RegistryClient } from './oci/registry.ts';
import { paced } from './paced-source.ts';
import { parseS3Url, signing } from './s3.ts';
import { type Session, type SourceContext, startSession } from './session.ts';
import type { ByteSource } from './source.ts';

/** What of a layer says where its bytes are. */
export type Location = Pick<Layer, 'urls' | 'checksum' | 's3'>;

/**
 * @throws VolprimeError `SourceUnreachable`, `SourceBusy`, `SourceTLSFailed` (to be retried); PermanentError `InvalidSource`,
 * `SourceNotFound`, `SourceUnauthorized`, `SourceRefused`, `RedirectRefused`, `CredentialsInvalid`. Reading throws `SourceTruncated`,
 * `SourceStalled` and `SourceChanged` too.
 */
export async function openSource(location: Location, context: SourceContext): Promise<ByteSource> {
  const { bandwidth, retryPolicy = defaultRetryPolicy } = context;
  const places = location.urls.map((url) => parsePlace(url, location.s3));
  const session = startSession(context);
  const { logger, signal } = session;
  const common = { checksumDeclared: location.checksum !== undefined, retryPolicy, logger, signal };
  const mirrors = places.map(({ url, by }) => mirrorOf({ ...common, url, client: by(session) }));
  try {
    const source = await openMirrors(mirrors, common);
    return paced(closing(source, session), { bandwidth, signal });
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function mirrorOf(options: HttpSourceOptions): Mirror {
  return {
    open: () => openHttpSource(options),
    goOn: (begun) => continueHttpSource(options, begun),
  };
}

/** The source, and with it what it stands on. */
function closing(source: ByteSource, session: Session): ByteSource {
  return {
    length: source.length,
    read: (into) => source.read(into),
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}

interface Place {
  readonly url: URL;
  /** The way there. */
  readonly by: (session: Session) => HttpSourceOptions['client'];
}

function parsePlace(text: string, s3: Layer['s3']): Place {
  if (text.startsWith('s3:')) {
    const { url, region } = parseS3Url(text, s3);
    return { url, by: ({ client, credentials }) => signing(client, credentials, region) };
  }
  const blob = parseBlobAddress(text);
  if (blob !== undefined) {
    return { url: blob, by: ({ client, credentials }) => new RegistryClient(blob.origin, client, credentials) };
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PermanentError('InvalidSource', 'A source is an absolute URL with http, https, s3 or oci before "://".');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PermanentError('InvalidSource', 'A source URL must not hold credentials; name a Secret in secretRef.');
  }
  return { url, by: ({ client }) => client };
}
