/** What a registry's 401 answer asks for: a token of a service that it names (RFC 6750, the distribution project's token scheme). Pure. */

export interface TokenService {
  /** Of the service, with what the token is for. */
  readonly url: URL;
}

/** @returns undefined where the header asks for something else, or for nothing that can be understood. */
export function parseChallenge(header: string | undefined): TokenService | undefined {
  const parameters = /^bearer\s+(.+)$/is.exec(header ?? '')?.[1];
  if (parameters === undefined) return undefined;
  const values = new Map<string, string>();
  for (const [, name, quoted, bare] of parameters.matchAll(/([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))/gi)) {
    if (name !== undefined) values.set(name.toLowerCase(), quoted ?? bare ?? '');
  }
  const url = URL.parse(values.get('realm') ?? '');
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  for (const name of ['service', 'scope']) {
    const value = values.get(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return { url };
}
