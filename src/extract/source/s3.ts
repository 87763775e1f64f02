/**
 * `s3://bucket/key`: an object of S3, or of a server that speaks its language, read over the same http as everything else. What is S3's
 * own is the address and the signature, which stands in the query string: so the bytes may be asked for in parts with one signed URL.
 */
import { AwsV4Signer } from 'aws4fetch';
import { PermanentError } from '../../sdk/index.ts';
import type { Layer } from '../job.ts';
import type { Credentials, S3Keys } from './credentials.ts';
import type { HttpClient } from './http/client.ts';
import { displayUrl } from './source-errors.ts';

const DEFAULT_REGION = 'us-east-1';
/** Of a signed URL: it is signed anew for each request that does not continue on a connection. */
const VALID_SECONDS = 3600;

export interface S3Object {
  /** Unsigned. */
  readonly url: URL;
  readonly region: string;
}

/**
 * The bucket is part of the path where an endpoint is given, unless the endpoint says with `{bucket}` where else; of the host at AWS,
 * unless its name has dots, which no certificate covers.
 * @param text `s3://bucket/key`, the key as it is, nothing of it escaped.
 * @throws PermanentError `InvalidSource`.
 */
export function parseS3Url(text: string, settings: Layer['s3']): S3Object {
  const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.+)$/s.exec(text) ?? [];
  if (bucket === undefined || key === undefined) throw invalid('an S3 source is of the form s3://bucket/key');
  if (key.split('/').some((part) => part === '.' || part === '..')) {
    throw invalid('the key of an S3 source must not have "." or ".." between slashes: no URL can carry it');
  }
  const region = settings?.region ?? DEFAULT_REGION;
  if (!/^[a-z0-9-]{1,40}$/.test(region)) throw invalid('s3.region is not the name of a region');
  const aws = bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com`
    : `https://{bucket}.s3.${region}.amazonaws.com`;
  const template = (settings?.endpoint ?? aws).replace(/\/+$/, '');
  const inHost = template.includes('{bucket}');
  const base = inHost ? template.replace('{bucket}', bucket) : `${template}/${bucket}`;
  const url = URL.parse(`${base}/${key.split('/').map(escaped).join('/')}`);
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username !== '' ||
    url.search !== ''
  ) {
    throw invalid('s3.endpoint must be an http or https URL without user and query, such as https://s3.example.com');
  }
  return { url, region };
}

/** The client, each of its requests signed; as it is where there are no keys, for what everybody may read. */
export function signing(
  client: HttpClient,
  credentials: Credentials | undefined,
  region: string,
): Pick<HttpClient, 'get' | 'connect'> {
  const keys = credentials?.s3;
  if (credentials === undefined || keys === undefined) return client;
  return {
    get: async (url, headers) => {
      // Only the hosts that the Secret lists see a signature; the client refuses others before it asks.
      if (!credentials.ways.allows(url)) return client.get(url, headers);
      const answer = await client.get(await signed(url, keys, region), headers);
      if (answer.status !== 400) return answer;
      answer.body.cancel();
      throw new PermanentError(
        'SourceRefused',
        `${displayUrl(url)} answered with status 400 to a request signed for the region ${region}: check s3.region.`,
      );
    },
    connect: (url) => client.connect(url),
  };
}

async function signed(url: URL, keys: S3Keys, region: string): Promise<URL> {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const unsigned = new URL(url);
  unsigned.searchParams.set('X-Amz-Expires', String(VALID_SECONDS));
  const signer = new AwsV4Signer({
    method: 'GET',
    url: unsigned.href,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service: 's3',
    region,
    signQuery: true,
  });
  return (await signer.sign()).url;
}

/** As RFC 3986 and the signature want it: encodeURIComponent leaves five characters that both sides must agree on. */
function escaped(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function invalid(what: string): PermanentError {
  return new PermanentError('InvalidSource', `The source is not usable: ${what}.`);
}
