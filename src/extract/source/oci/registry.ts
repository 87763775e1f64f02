/**
 * The way to a registry: http, with a token where the registry asks for one.
 *
 * The token goes to the registry that asked for it, and to no other host. The Secret's user name and password go to the registry, and to
 * the service that gives the tokens where the Secret lists that host too; without that the token is one that everybody gets.
 *
 * The registry's answer names the service, and a hostile registry may name a server that it cannot reach itself, to have the answer handed
 * on. So a service on another host than the registry must be listed in the Secret, or have public addresses; and its redirects are not
 * followed.
 */
import * as z from 'zod';
import { AttemptFailedError, PermanentError } from '../../../sdk/index.ts';
import type { Credentials } from '../credentials.ts';
import { field, type Answer } from '../http/answer.ts';
import type { Connection, HttpClient } from '../http/client.ts';
import { readBytes } from '../http/read-bytes.ts';
import { displayUrl, statusError } from '../source-errors.ts';
import { parseChallenge } from './challenge.ts';

type Headers = Readonly<Record<string, string>>;

const tokenSchema = z.union([z.object({ token: z.string().min(1) }), z.object({ access_token: z.string().min(1) })]);
const MAX_TOKEN_ANSWER = 1024 * 1024;

export class RegistryClient {
  readonly #client: HttpClient;
  readonly #credentials: Credentials | undefined;
  /** Of the registry. */
  readonly #origin: string;
  #token: string | undefined;

  constructor(origin: string, client: HttpClient, credentials: Credentials | undefined) {
    this.#origin = new URL(origin).origin;
    this.#client = client;
    this.#credentials = credentials;
  }

  /** As `HttpClient.get`, asked again with a new token where the registry wants one: the last may have run out. */
  async get(url: URL, headers: Headers): Promise<Answer> {
    const answer = await this.#client.get(url, headers, this.#authorization());
    // Another host, to which the registry redirects, asks for a token of its own: the registry has not asked for that one.
    const asked = answer.status === 401 && answer.url.origin === this.#origin;
    const challenge = asked ? parseChallenge(field(answer, 'www-authenticate')) : undefined;
    if (challenge === undefined) return answer;
    answer.body.cancel();
    this.#token = await this.#fetchToken(url, challenge.url);
    return this.#client.get(url, headers, this.#authorization());
  }

  connect(url: URL): Connection | undefined {
    const connection = this.#client.connect(url);
    if (connection === undefined || url.origin !== this.#origin) return connection;
    return {
      get: (headers) => connection.get({ ...headers, ...this.#authorization() }),
      close: () => connection.close(),
    };
  }

  #authorization(): Headers {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async #fetchToken(registry: URL, service: URL): Promise<string> {
    if (registry.protocol === 'https:' && service.protocol === 'http:') {
      throw new PermanentError(
        'RedirectRefused',
        `${registry.origin} sends to ${service.origin}, from https to plain http.`,
      );
    }
    const known = service.origin === this.#origin || this.#credentials?.ways.allows(service) === true;
    const answer = await this.#client.getOnce(service, known ? 'any' : 'public');
    if (answer.status !== 200) {
      answer.body.cancel();
      throw statusError(answer.url, answer.status, field(answer, 'retry-after'));
    }
    const token = tokenSchema.safeParse(parseJson(String(await readBytes(answer, MAX_TOKEN_ANSWER))));
    if (!token.success) {
      throw new AttemptFailedError('SourceUnreachable', `${displayUrl(service)} gave no token that can be understood.`);
    }
    return 'token' in token.data ? token.data.token : token.data.access_token;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
