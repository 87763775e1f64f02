/** What proves who we are, read anew as it rotates: tokens and certificates come from files, commands or an identity provider. */
import { readFile } from 'node:fs/promises';
import { KubeError } from './errors.ts';

/** A secret or certificate as it is now. With `fresh`, what was read before is not trusted: the server refused it. */
export type Source = (fresh: boolean) => Promise<string>;

export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What a command or an identity provider issues. */
export interface Issued {
  readonly headers: Readonly<Record<string, string>>;
  readonly cert?: string;
  readonly key?: string;
}

export type Issuer = (fresh: boolean) => Promise<Issued>;

export interface CredentialSources {
  readonly ca?: Source;
  readonly cert?: Source;
  readonly key?: Source;
  readonly token?: Source;
  readonly issuer?: Issuer;
  /** Fixed ones: basic authentication, impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly servername?: string;
  readonly insecure: boolean;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

export async function currentCredentials(sources: CredentialSources, fresh: boolean): Promise<Credentials> {
  const issued = await sources.issuer?.(fresh);
  const [ca, cert, key, token] = await Promise.all([
    sources.ca?.(fresh),
    issued?.cert ?? sources.cert?.(fresh),
    issued?.key ?? sources.key?.(fresh),
    sources.token?.(fresh),
  ]);
  return {
    headers: {
      ...sources.headers,
      ...issued?.headers,
      ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }),
    },
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(sources.servername !== undefined && { servername: sources.servername }),
      ...(sources.insecure && { rejectUnauthorized: false }),
    },
  };
}

export function sameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

export function constantSource(text: string): Source {
  return () => Promise.resolve(text);
}

/** client-go's period: the kubelet replaces a token long before it ends. */
const fileMaxAgeMs = 60_000;

/** A file's text, read at most once a minute. While it cannot be read, what it held last stands. */
export function fileSource(path: string, maxAgeMs: number = fileMaxAgeMs): Source {
  let known: { readonly text: string; readonly readAt: number } | undefined;
  return async (fresh) => {
    const readAt = performance.now();
    if (known !== undefined && !fresh && readAt - known.readAt < maxAgeMs) return known.text;
    try {
      known = { text: await readFile(path, 'utf8'), readAt };
    } catch (error) {
      if (known === undefined) throw new KubeError('KUBE_CONFIG', `cannot read ${path}`, { cause: error });
      known = { ...known, readAt };
    }
    return known.text;
  };
}
