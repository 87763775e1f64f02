/** A mounted Secret: a directory with one file for each key. Messages name keys, never values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../../sdk/index.ts';
import { codeOf } from '../error-code.ts';
import { type Origins, parseOrigins } from './origins.ts';

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
   * The addresses that a key lists; none where the Secret lacks the key.
   * @throws PermanentError `CredentialsInvalid` where an entry is no address.
   */
  origins(key: string): Origins {
    const parsed = parseOrigins(this.key(key) ?? '');
    if ('fault' in parsed) throw this.unusable(`"${key}" ${parsed.fault}`);
    return parsed;
  }

  unusable(why: string): PermanentError {
    return new PermanentError('CredentialsInvalid', `The ${this.#what} is not usable: ${why}.`);
  }
}
