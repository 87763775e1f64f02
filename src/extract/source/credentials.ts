/**
 * Credentials of a source, read from the files of a mounted Secret.
 *
 * The Secret itself says who may receive them (key "hosts"), so that whoever may create a Provider cannot send somebody's Secret to a
 * host of their own. Messages name keys, never values.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';

export interface Credentials {
  /** Whether the Secret allows this URL's host and port to see the headers. */
  allows(url: URL): boolean;
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

/** @throws PermanentError `CredentialsInvalid`, naming the key that is missing or wrong. */
export function readCredentials(dir: string): Credentials {
  const hosts = new Set(
    (readKey(dir, 'hosts') ?? '')
      .split(/[\s,]+/)
      .filter((host) => host !== '')
      .map((host) => host.toLowerCase()),
  );
  if (hosts.size === 0) {
    throw invalid('"hosts" is missing: list the hosts that may receive the credentials, for example "example.com"');
  }
  const headers = readHeaders(dir);
  const clientCertificate = readClientCertificate(dir);
  const s3 = readS3Keys(dir);
  const ways = [headers, s3].filter((way) => way !== undefined).length;
  if (ways > 1 || (ways === 0 && clientCertificate === undefined)) throw invalid(NEEDS_ONE);
  return {
    headers: headers ?? {},
    clientCertificate,
    s3,
    allows: (url) => hosts.has(url.host) || hosts.has(`${url.hostname}:${effectivePort(url)}`),
  };
}

const NEEDS_ONE =
  'needs exactly one of: "token"; "username" and "password"; "headers"; "accessKeyId" and "secretAccessKey"; ' +
  'and beside it or alone "tls.crt" and "tls.key"';

/** Undefined where the Secret has nothing for a header. */
function readHeaders(dir: string): Readonly<Record<string, string>> | undefined {
  const token = readKey(dir, 'token');
  const user = readPair(dir, 'username', 'password');
  const lines = readKey(dir, 'headers');
  if ([token, user, lines].filter((way) => way !== undefined).length > 1) throw invalid(NEEDS_ONE);
  if (token !== undefined) return { authorization: checkValue(`Bearer ${token}`, 'token') };
  if (lines !== undefined) return parseHeaders(lines);
  if (user === undefined) return undefined;
  const [username, password] = user;
  if (username.includes(':')) throw invalid('"username" must not contain ":"');
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function readClientCertificate(dir: string): Credentials['clientCertificate'] {
  const pair = readPair(dir, 'tls.crt', 'tls.key');
  if (pair === undefined) return undefined;
  const [cert, key] = pair;
  try {
    createSecureContext({ cert, key });
  } catch {
    throw invalid('"tls.crt" and "tls.key" are not a certificate and its key in PEM form');
  }
  return { cert, key };
}

function readS3Keys(dir: string): S3Keys | undefined {
  const pair = readPair(dir, 'accessKeyId', 'secretAccessKey');
  if (pair === undefined) return undefined;
  const [accessKeyId, secretAccessKey] = pair;
  const token = readKey(dir, 'sessionToken');
  const sessionToken = token === undefined ? undefined : checkValue(token, 'sessionToken');
  return { accessKeyId: checkValue(accessKeyId, 'accessKeyId'), secretAccessKey, sessionToken };
}

/** Two keys that are of use only together. */
function readPair(dir: string, first: string, second: string): readonly [string, string] | undefined {
  const [one, other] = [readKey(dir, first), readKey(dir, second)];
  if (one === undefined && other === undefined) return undefined;
  if (one === undefined) throw invalid(`"${first}" is missing beside "${second}"`);
  if (other === undefined) throw invalid(`"${second}" is missing beside "${first}"`);
  return [one, other];
}

function parseHeaders(lines: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, line] of lines.split('\n').entries()) {
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    const where = `line ${index + 1} of "headers"`;
    if (colon < 1 || !HEADER_NAME.test(name)) throw invalid(`${where} is not of the form "Name: value"`);
    if (RESERVED_HEADERS.has(name.toLowerCase()))
      throw invalid(`${where} sets ${name}, which the download sets itself`);
    headers[name.toLowerCase()] = checkValue(line.slice(colon + 1).trim(), 'headers');
  }
  if (Object.keys(headers).length === 0) throw invalid('"headers" is empty');
  return headers;
}

function checkValue(value: string, key: string): string {
  // biome-ignore format: the ranges of RFC 9110 field values
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw invalid(`"${key}" holds characters that an HTTP header cannot carry`);
  return value;
}

/** The key's value without the newline that editors and shells leave at its end; undefined where the Secret lacks the key. */
function readKey(dir: string, key: string): string | undefined {
  try {
    return readFileSync(join(dir, key), 'utf8').replace(/[\r\n]+$/, '');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new PermanentError('CredentialsInvalid', `The key "${key}" of the credentials Secret cannot be read.`, {
      cause,
    });
  }
}

function effectivePort(url: URL): string {
  return url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
}

function invalid(what: string): PermanentError {
  return new PermanentError('CredentialsInvalid', `The credentials Secret is not usable: ${what}.`);
}
