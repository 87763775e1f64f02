/**
 * Lists of addresses in a Secret: `host`, `host:port`, `https://host[:port]` and `http://host[:port]`, separated by commas or white space.
 * An entry without a scheme means https: plain http shows what is sent to everybody on the way, so the Secret has to name it. Pure.
 */

export interface Origins {
  readonly size: number;
  /** Scheme, host and port of the URL are those of an entry. */
  includes(url: URL): boolean;
  /** The host and port are listed, but for https alone. */
  includesSecurely(url: URL): boolean;
}

const ADDRESS = /^(?:(https?):\/\/)?([^/?#@\s]+)\/?$/i;

export function parseOrigins(text: string): Origins | { readonly fault: string } {
  const origins = new Set<string>();
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const [, scheme = 'https', host] = ADDRESS.exec(entry) ?? [];
    const url = host === undefined ? null : URL.parse(`${scheme.toLowerCase()}://${host}`);
    if (url === null) {
      return {
        fault: `has an entry that is none of: host, host:port, https://host, http://host, each with or without a port`,
      };
    }
    origins.add(url.origin);
  }
  return {
    size: origins.size,
    includes: (url) => origins.has(url.origin),
    includesSecurely: ({ protocol, hostname, port }) =>
      protocol === 'http:' &&
      [`https://${hostname}:${port || '80'}`, `https://${hostname}`].some((origin) => origins.has(origin)),
  };
}
