/** What a Provider says about the way to its source: whom to trust, and by which proxy. */
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { PermanentError } from '../../../sdk/index.ts';
import { SecretFiles } from '../secret-files.ts';

/**
 * The certificates of the PEM file, and the system's.
 * @throws PermanentError `InvalidSource` where the file cannot be read or holds none.
 */
export function readTrusted(file: string | undefined): readonly string[] | undefined {
  if (file === undefined) return undefined;
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PermanentError('InvalidSource', 'The CA bundle that caBundleRef names cannot be read.', { cause });
  }
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new PermanentError('InvalidSource', 'The CA bundle that caBundleRef names holds no certificate in PEM form.');
  }
  return [...getCACertificates('default'), pem];
}

export interface Proxy {
  readonly url: URL;
  /** Value of the header Proxy-Authorization. Undefined: none is sent. */
  readonly authorization: string | undefined;
}

/**
 * @param secretDir the files of the Secret with "username" and "password" for the proxy, and "hosts", which lists the proxy. Undefined: it
 * asks for none.
 * @throws PermanentError `InvalidSource`, `CredentialsInvalid`.
 */
export function readProxy(proxy: string | undefined, secretDir: string | undefined): Proxy | undefined {
  if (proxy === undefined) {
    if (secretDir === undefined) return undefined;
    throw new PermanentError(
      'InvalidSource',
      'proxySecretRef needs proxy, the one that may receive what is in the Secret.',
    );
  }
  const url = parseProxy(proxy);
  return { url, authorization: secretDir === undefined ? undefined : readProxyAuthorization(secretDir, url) };
}

/** Whoever may create a Provider could else have any Secret with a password sent to a proxy of their own. */
function readProxyAuthorization(secretDir: string, proxy: URL): string {
  const secret = new SecretFiles(secretDir, 'Secret that proxySecretRef names');
  const allows = secret.hosts('proxy.example.com:3128');
  if (!allows(proxy)) throw secret.unusable(`its key "hosts" does not list ${proxy.host}, so they are not sent there`);
  const basic = secret.basic();
  if (basic === undefined) throw secret.unusable('it needs "username" and "password"');
  return basic;
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
