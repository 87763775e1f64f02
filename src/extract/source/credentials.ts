/**
 * Credentials of a source, read from the files of a mounted Secret.
 *
 * The Secret itself says who may receive them, by which way, and whom to trust on it (secret-ways.ts): the writer of a Provider must not be
 * able to send another person's Secret to a host of their own. Messages name keys, never values.
 */
import { createSecureContext } from 'node:tls';
import { SecretFiles } from './secret-files.ts';
import { readWays, type SecretWays } from './secret-ways.ts';

export interface Credentials {
  /** Where all of it may go, by which way. */
  readonly ways: SecretWays;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM, for servers that ask who connects (mutual TLS). */
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  readonly s3: S3Keys | undefined;
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Framing and routing of the request are the downloader's own. */
const RESERVED_HEADERS = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'range',
  'te',
  'upgrade',
]);
const PROXY_HEADER = 'proxy-authorization';

/** @throws PermanentError `CredentialsInvalid`, naming the key that is missing or wrong. */
export function readCredentials(dir: string): Credentials {
  const secret = new SecretFiles(dir, 'credentials Secret');
  const ways = readWays(secret, 'example.com');
  const headers = readHeaders(secret);
  const clientCertificate = readClientCertificate(secret);
  const s3 = readS3Keys(secret);
  const kinds = [headers, s3].filter((kind) => kind !== undefined).length;
  if (kinds > 1 || (kinds === 0 && clientCertificate === undefined)) throw secret.unusable(NEEDS_ONE);
  return { headers: headers ?? {}, clientCertificate, s3, ways };
}

const NEEDS_ONE =
  'needs exactly one of: "token"; "username" and "password"; "headers"; "accessKeyId" and "secretAccessKey"; ' +
  'and beside it or alone "tls.crt" and "tls.key"';

/** Undefined where the Secret has nothing for a header. */
function readHeaders(secret: SecretFiles): Readonly<Record<string, string>> | undefined {
  const token = secret.key('token');
  const basic = secret.basic();
  const lines = secret.key('headers');
  if ([token, basic, lines].filter((way) => way !== undefined).length > 1) throw secret.unusable(NEEDS_ONE);
  if (token !== undefined) return { authorization: checkValue(secret, `Bearer ${token}`, 'token') };
  if (lines !== undefined) return parseHeaders(secret, lines);
  return basic === undefined ? undefined : { authorization: basic };
}

function readClientCertificate(secret: SecretFiles): Credentials['clientCertificate'] {
  const pair = secret.pair('tls.crt', 'tls.key');
  if (pair === undefined) return undefined;
  const [cert, key] = pair;
  try {
    createSecureContext({ cert, key });
  } catch {
    throw secret.unusable('"tls.crt" and "tls.key" are not a certificate and its key in PEM form');
  }
  return { cert, key };
}

function readS3Keys(secret: SecretFiles): S3Keys | undefined {
  const pair = secret.pair('accessKeyId', 'secretAccessKey');
  if (pair === undefined) return undefined;
  const [accessKeyId, secretAccessKey] = pair;
  const token = secret.key('sessionToken');
  const sessionToken = token === undefined ? undefined : checkValue(secret, token, 'sessionToken');
  return { accessKeyId: checkValue(secret, accessKeyId, 'accessKeyId'), secretAccessKey, sessionToken };
}

function parseHeaders(secret: SecretFiles, lines: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, line] of lines.split('\n').entries()) {
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    const where = `line ${index + 1} of "headers"`;
    if (colon < 1 || !HEADER_NAME.test(name)) throw secret.unusable(`${where} is not of the form "Name: value"`);
    if (RESERVED_HEADERS.has(name.toLowerCase()))
      throw secret.unusable(`${where} sets ${name}, which the download sets itself`);
    if (name.toLowerCase() === PROXY_HEADER)
      throw secret.unusable(`${where} sets ${name}: what a proxy asks for belongs into the Secret of proxySecretRef`);
    headers[name.toLowerCase()] = checkValue(secret, line.slice(colon + 1).trim(), 'headers');
  }
  if (Object.keys(headers).length === 0) throw secret.unusable('"headers" is empty');
  return headers;
}

function checkValue(secret: SecretFiles, value: string, key: string): string {
  // biome-ignore format: the ranges of RFC 9110 field values
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw secret.unusable(`"${key}" holds characters that an HTTP header cannot carry`);
  return value;
}
