/** What a Provider says about the way to its source: whom to trust, and by which proxy; as far as the Secrets that go along agree. */
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { PermanentError } from '../../../sdk/index.ts';
import { SecretFiles } from '../secret-files.ts';
import { isPem, readWays, type SecretWays } from '../secret-ways.ts';

export interface WaySettings {
  /** A PEM file with certificates that are trusted beside the system's. */
  readonly caBundle: string | undefined;
  /** URL of the proxy. */
  readonly proxy: string | undefined;
  /** The files of the Secret with "username" and "password" for the proxy, and "hosts", which lists the proxy. */
  readonly proxyCredentialsDir: string | undefined;
}

export interface Way {
  /** PEM: all certificates that are trusted. Undefined: the system's. */
  readonly trusted: readonly string[] | undefined;
  /** Undefined: as HTTP_PROXY and HTTPS_PROXY say. */
  readonly proxy: Proxy | undefined;
}

export interface Proxy {
  readonly url: URL;
  /** Value of the header Proxy-Authorization. Undefined: none is sent. */
  readonly authorization: string | undefined;
  /** PEM: all certificates that are trusted on the connection to the proxy. Undefined: the system's. */
  readonly trusted: readonly string[] | undefined;
  /** The environment names it as well: it is the operator's. */
  readonly ofOperator: boolean;
}

/** Both spellings, as undici reads them. */
export const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];

/**
 * @param source of the Secret with the credentials for the source. Undefined: none are sent.
 * @throws PermanentError `InvalidSource`; `CredentialsInvalid` where a Secret does not agree with proxy or bundle.
 */
export function readWay(settings: WaySettings, source: SecretWays | undefined): Way {
  const bundle = readBundle(settings.caBundle);
  if (bundle !== undefined) source?.requireBundle(bundle);
  return {
    trusted: withSystem([bundle, source?.ca]),
    proxy: readProxy(settings, bundle, source),
  };
}

function readBundle(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PermanentError('InvalidSource', 'The CA bundle that caBundleRef names cannot be read.', { cause });
  }
  if (!isPem(pem)) {
    throw new PermanentError('InvalidSource', 'The CA bundle that caBundleRef names holds no certificate in PEM form.');
  }
  return pem;
}

function readProxy(
  { proxy, proxyCredentialsDir: secretDir }: WaySettings,
  bundle: string | undefined,
  source: SecretWays | undefined,
): Proxy | undefined {
  if (proxy === undefined) {
    if (secretDir === undefined) return undefined;
    throw new PermanentError(
      'InvalidSource',
      'proxySecretRef needs proxy, the one that may receive what is in the Secret.',
    );
  }
  const url = parseProxy(proxy);
  const ofOperator = isOfOperator(url);
  if (!ofOperator) source?.requireProxy(url);
  const own = secretDir === undefined ? undefined : readProxySecret(secretDir, url);
  // A connection without TLS trusts no certificate.
  if (bundle !== undefined && url.protocol === 'https:') own?.ways.requireBundle(bundle);
  const parties = [source, own?.ways].filter((ways) => ways !== undefined);
  const agreed = [bundle, ...parties.map(({ ca }) => ca)].filter(
    (pem) => pem !== undefined && parties.every((ways) => ways.approves(pem)),
  );
  return { url, authorization: own?.authorization, trusted: withSystem(agreed), ofOperator };
}

/** The writer of a Provider could else have any Secret with a password sent to a proxy of their own. */
function readProxySecret(dir: string, proxy: URL): { readonly authorization: string; readonly ways: SecretWays } {
  const secret = new SecretFiles(dir, 'Secret that proxySecretRef names');
  const ways = readWays(secret, 'http://proxy.example.com:3128');
  if (!ways.allows(proxy)) throw ways.notListed(proxy);
  const authorization = secret.basic();
  if (authorization === undefined) throw secret.unusable('it needs "username" and "password"');
  return { authorization, ways };
}

function isOfOperator(proxy: URL): boolean {
  return PROXY_VARIABLES.some((name) => URL.parse(process.env[name] ?? '')?.origin === proxy.origin);
}

function withSystem(bundles: readonly (string | undefined)[]): readonly string[] | undefined {
  const pems = bundles.filter((pem) => pem !== undefined);
  return pems.length === 0 ? undefined : [...getCACertificates('default'), ...pems];
}

function parseProxy(proxy: string): URL {
  const url = URL.parse(proxy);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PermanentError('InvalidSource', 'proxy must be an absolute http or https URL.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PermanentError(
      'InvalidSource',
      'proxy must not hold a user name or password; name a Secret with them in proxySecretRef.',
    );
  }
  return url;
}
