/** A mounted Secret: a directory with one file for each key. Messages name keys, never values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';

export class SecretFiles {
  readonly #dir: string;
  /** As messages shall call it: "credentials Secret". */
  readonly #what: string;

  constructor(dir: string, what: string) {
    this.#dir = dir;
    this.#what = what;
  }

  /** The key's value without the newline that editors and shells leave at its end; undefined where the Secret lacks the key. */
  key(name: string): string | undefined {
    try {
      return readFileSync(join(this.#dir, name), 'utf8').replace(/[\r\n]+$/, '');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw new PermanentError('CredentialsInvalid', `The key "${name}" of the ${this.#what} cannot be read.`, {
        cause,
      });
    }
  }

  /** Two keys that are of use only together. */
  pair(first: string, second: string): readonly [string, string] | undefined {
    const [one, other] = [this.key(first), this.key(second)];
    if (one === undefined && other === undefined) return undefined;
    if (one === undefined) throw this.unusable(`"${first}" is missing beside "${second}"`);
    if (other === undefined) throw this.unusable(`"${second}" is missing beside "${first}"`);
    return [one, other];
  }

  /** The value of an authorization header (RFC 7617) from `username` and `password`. */
  basic(): string | undefined {
    const user = this.pair('username', 'password');
    if (user === undefined) return undefined;
    const [username, password] = user;
    if (username.includes(':')) throw this.unusable('"username" must not contain ":"');
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /**
   * Whether the Secret lets the host and port of a URL see what it holds (docs/decisions/0005).
   * @param example for the message where the key "hosts" is missing.
   */
  hosts(example: string): (url: URL) => boolean {
    const hosts = new Set(
      (this.key('hosts') ?? '')
        .split(/[\s,]+/)
        .filter((host) => host !== '')
        .map((host) => host.toLowerCase()),
    );
    if (hosts.size === 0) {
      throw this.unusable(
        `"hosts" is missing: list the hosts that may receive the credentials, for example "${example}"`,
      );
    }
    return (url) => hosts.has(url.host) || hosts.has(`${url.hostname}:${effectivePort(url)}`);
  }

  unusable(why: string): PermanentError {
    return new PermanentError('CredentialsInvalid', `The ${this.#what} is not usable: ${why}.`);
  }
}

function effectivePort(url: URL): string {
  return url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
}
