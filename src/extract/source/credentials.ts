/**
 * Credentials of a source, read from the files of a mounted Secret.
 *
 * The Secret itself says who may receive them (key "hosts"), so that whoever may create a Provider cannot send somebody's Secret to a
 * host of their own. Messages name keys, never values.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';

export interface Credentials {
  /** Whether the Secret allows this URL's host and port to see the headers. */
  allows(url: URL): boolean;
  readonly headers: Readonly<Record<string, string>>;
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
  return {
    headers: readHeaders(dir),
    allows: (url) => hosts.has(url.host) || hosts.has(`${url.hostname}:${effectivePort(url)}`),
  };
}

function readHeaders(dir: string): Readonly<Record<string, string>> {
  const token = readKey(dir, 'token');
  const username = readKey(dir, 'username');
  const password = readKey(dir, 'password');
  const lines = readKey(dir, 'headers');
  const basic = username !== undefined || password !== undefined;
  if ([token !== undefined, basic, lines !== undefined].filter(Boolean).length !== 1) {
    throw invalid('needs exactly one of: "token"; "username" and "password"; "headers"');
  }
  if (token !== undefined) return { authorization: checkValue(`Bearer ${token}`, 'token') };
  if (lines !== undefined) return parseHeaders(lines);
  if (username === undefined) throw invalid('"username" is missing beside "password"');
  if (password === undefined) throw invalid('"password" is missing beside "username"');
  if (username.includes(':')) throw invalid('"username" must not contain ":"');
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
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
