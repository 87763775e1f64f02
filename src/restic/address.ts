/**
 * Addresses of repositories: parsed as restic 0.18 parses them (internal/backend/…/config.go), by an allow list, and printed again from the parts.
 * restic gets what is printed here, so that it cannot split an address elsewhere than this parser did. Pure.
 */
import { posix } from 'node:path';
import { PermanentError } from '../sdk/errors.ts';
import { visible } from '../visible.ts';

/** Each part decoded; `path` and `prefix` cleaned as restic cleans them. */
export type RepositoryAddress =
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 'rest';
      readonly scheme: 'http' | 'https';
      readonly user: string | undefined;
      readonly password: string | undefined;
      readonly host: string;
      readonly port: string | undefined;
      /** With its percent escapes, beginning with a slash. */
      readonly path: string;
    }
  | {
      readonly kind: 'sftp';
      readonly user: string | undefined;
      readonly host: string;
      readonly port: string | undefined;
      /** Relative to the user's home directory, or absolute. */
      readonly path: string;
    }
  | {
      readonly kind: 's3';
      /** Undefined: restic uses https. */
      readonly scheme: 'http' | 'https' | undefined;
      readonly host: string;
      readonly port: string | undefined;
      /** Bucket and prefix; with percent escapes where there is a scheme. */
      readonly path: string;
    }
  | { readonly kind: 'azure' | 'b2' | 'gs' | 'swift'; readonly container: string; readonly prefix: string };

const KINDS = 's3:, rest:, sftp:, azure:, gs:, b2:, swift:, or an absolute path';

/** @throws PermanentError `CredentialsInvalid`; the message quotes no part of the address. */
export function parseAddress(text: string): RepositoryAddress {
  if (text.startsWith('/')) return { kind: 'local', path: clean(shown(text)) };
  const kind = text.split(':', 1)[0] ?? '';
  const rest = text.slice(kind.length + 1);
  if (kind === 'rclone') throw invalid('is of kind rclone:, which starts another program. Use s3:, rest: or sftp:');
  if (kind !== 'local' && /\s/.test(text)) throw invalid('holds white space; write it as %20 in an address');
  shown(text);
  switch (kind) {
    case 'local':
      if (!rest.startsWith('/')) throw invalid('is a relative path; use an absolute one');
      return { kind, path: clean(rest) };
    case 'rest':
      return parseRest(rest);
    case 'sftp':
      return rest.startsWith('//') ? parseSftpUrl(rest) : parseSftp(rest);
    case 's3':
      return parseS3(rest);
    case 'azure':
    case 'b2':
    case 'gs':
    case 'swift':
      return parseContainer(kind, rest);
    default:
      throw invalid(`is none of the known kinds: ${KINDS}`);
  }
}

/** For restic; without `user` and `password` of rest:, which it takes from its environment. `parseAddress` gives the other parts back. */
export function printAddress(address: RepositoryAddress): string {
  switch (address.kind) {
    case 'local':
      return address.path;
    case 'rest':
      return `rest:${address.scheme}://${authority(address)}${address.path}`;
    case 'sftp': {
      const user = address.user === undefined ? '' : `${encodeURIComponent(address.user)}@`;
      return `sftp://${user}${authority(address)}/${address.path.split('/').map(encodeURIComponent).join('/')}`;
    }
    case 's3':
      return `s3:${address.scheme === undefined ? '' : `${address.scheme}:`}//${authority(address)}/${address.path}`;
    default:
      return `${address.kind}:${address.container}:/${address.prefix}`;
  }
}

function parseRest(text: string): RepositoryAddress {
  const [, name = '', after = ''] = /^([^:/]+):\/\/(.*)$/s.exec(text) ?? [];
  const scheme = name.toLowerCase();
  if (scheme === 'http+unix') throw invalid('names a socket of the pod (http+unix); use http:// or https://');
  if (scheme !== 'http' && scheme !== 'https') throw invalid('of kind rest: does not go on with http:// or https://');
  const { userinfo, place, path } = splitUrl(after);
  const [user, password] = userinfo === undefined ? [] : splitOnce(userinfo, ':');
  return {
    kind: 'rest',
    scheme,
    user: user === undefined ? undefined : decoded(user),
    password: password === undefined ? undefined : decoded(password),
    ...parsePlace(place),
    path: path === '' ? '/' : escaped(path),
  };
}

/** User part and password of a rest: address as they are written there, escapes and all. */
export function writtenUserinfo(text: string): readonly string[] {
  const [, after = ''] = /^rest:[^:/]+:\/\/(.*)$/s.exec(text) ?? [];
  const { userinfo } = splitUrl(after);
  const password = splitOnce(userinfo ?? '', ':')[1];
  return password === undefined ? [] : [userinfo ?? '', password];
}

/** `//user@host:port/path`: one slash before a path from the home directory, two before one from the root. */
function parseSftpUrl(text: string): RepositoryAddress {
  const { userinfo, place, path } = splitUrl(text.slice(2));
  if (path === '') throw invalid('of kind sftp: names no directory');
  if (userinfo?.includes(':') === true) throw invalid('of kind sftp: holds a password; ssh uses the key of the Secret');
  const user = userinfo === undefined ? undefined : decoded(userinfo);
  return { kind: 'sftp', user: sftpUser(user), ...parsePlace(place), path: sftpPath(decoded(path.slice(1))) };
}

/** `user@host:path`: restic takes all before the first colon, and of that the user up to the second "@". */
function parseSftp(text: string): RepositoryAddress {
  const [place, path] = splitOnce(text, ':');
  if (path === undefined) throw invalid('of kind sftp: names no directory after a colon');
  const parts = place.split('@');
  const [first = '', second = '', ...others] = parts;
  const byParts = parts.length > 2 ? [`${first}@${second}`, others.join('@')] : [first, second];
  const [user, host = ''] = parts.length === 1 ? [undefined, place] : byParts;
  return { kind: 'sftp', user: sftpUser(user), host: checkHost(host), port: undefined, path: sftpPath(path) };
}

function sftpUser(user: string | undefined): string | undefined {
  if (user === undefined || user === '') return undefined;
  if (user.startsWith('-'))
    throw invalid('of kind sftp: has a user that begins with "-", which ssh takes for an option');
  return shown(user);
}

function sftpPath(text: string): string {
  const path = clean(shown(text));
  if (path.startsWith('~')) throw invalid('of kind sftp: begins with "~"; a relative path is below the home directory');
  return path;
}

function parseS3(text: string): RepositoryAddress {
  const url = /^(https?):\/\/(.*)$/s.exec(text);
  if (url === null && text.startsWith('http'))
    throw invalid('of kind s3: begins with http, but not with http:// or https://');
  const scheme = url?.[1] as 'http' | 'https' | undefined;
  const after = url?.[2] ?? text.replace(/^\/\//, '');
  const { userinfo, place, path } = scheme === undefined ? splitPlain(after) : splitUrl(after);
  if (userinfo !== undefined)
    throw invalid('of kind s3: holds a user; use the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const names = (scheme === undefined ? path : escaped(path)).slice(1);
  if (names.split('/', 1)[0] === '') throw invalid('of kind s3: names no bucket');
  return { kind: 's3', scheme, ...parsePlace(place), path: names };
}

const CONTAINERS = {
  azure: /^[A-Za-z0-9$][A-Za-z0-9-]{0,62}$/,
  b2: /^[A-Za-z0-9][A-Za-z0-9-]{5,49}$/,
  gs: /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
  swift: /^[^/?#@%-][^/?#@%]{0,255}$/,
};

function parseContainer(kind: keyof typeof CONTAINERS, text: string): RepositoryAddress {
  const [container, rest] = splitOnce(text, ':');
  if (!CONTAINERS[kind].test(container)) throw invalid(`of kind ${kind}: names no container that can exist`);
  if (rest === undefined && kind !== 'b2') throw invalid(`of kind ${kind}: is not ${kind}:container:/prefix`);
  if (kind === 'swift' && rest?.startsWith('/') !== true)
    throw invalid('of kind swift: is not swift:container:/prefix');
  // restic uses the path of swift as it stands.
  const prefix = kind === 'swift' ? rest?.slice(1) : clean(rest ?? '').replace(/^\//, '');
  if (prefix?.startsWith('..') === true) throw invalid(`of kind ${kind}: has a prefix that begins with ".."`);
  return { kind, container, prefix: prefix === '.' || prefix === undefined ? '' : prefix };
}

interface Split {
  readonly userinfo: string | undefined;
  readonly place: string;
  /** '' or with a slash at its beginning. */
  readonly path: string;
}

/** Go's net/url: the authority ends at the first slash, its user part at the last "@". */
function splitUrl(text: string): Split {
  if (/[?#]/.test(text)) throw invalid('holds "?" or "#"; write them as %3F and %23');
  const { place, path } = splitPlain(text);
  const at = place.lastIndexOf('@');
  return { userinfo: at < 0 ? undefined : place.slice(0, at), place: place.slice(at + 1), path };
}

function splitPlain(text: string): Split {
  const slash = text.indexOf('/');
  const place = slash < 0 ? text : text.slice(0, slash);
  return { userinfo: undefined, place, path: slash < 0 ? '' : text.slice(slash) };
}

function parsePlace(place: string): { readonly host: string; readonly port: string | undefined } {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place) ?? [];
  if (port !== undefined && port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw invalid('has a port that is no number from 1 to 65535');
  }
  const name = /^\[(.*)\]$/s.exec(host)?.[1];
  if (name !== undefined && !/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(name))
    throw invalid('has brackets without an IPv6 address');
  return { host: name ?? checkHost(host), port: port === '' ? undefined : port };
}

/** Never an option of a program: a first "-" is refused with all else that is no name or number. */
function checkHost(host: string): string {
  if (host.startsWith('-')) throw invalid('has a host that begins with "-", which ssh takes for an option');
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}._-]*$/u.test(host)) throw invalid('has no host, or one that is no host name');
  return host;
}

function authority({ host, port }: { readonly host: string; readonly port: string | undefined }): string {
  return `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return shown(decodeURIComponent(text));
  } catch {
    throw invalid('has a "%" that begins no escape of UTF-8, or one of a control character; write "%" itself as %25');
  }
}

/** The escapes stay; that they can be read is all that is asked. */
function escaped(path: string): string {
  decoded(path);
  return path;
}

function shown(text: string): string {
  if (visible(text) !== text) throw invalid('holds a control character, or one that cannot be seen');
  return text;
}

/** Go's path.Clean. */
function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal;
}

function invalid(what: string): PermanentError {
  return new PermanentError(
    'CredentialsInvalid',
    `The Secret of the repository cannot be used: the address in its key "repository" ${what}.`,
  );
}
