/** What a Provider says about the way to its source: whom to trust, and by which proxy. */
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { PermanentError } from '../../../sdk/index.ts';

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

/** @throws PermanentError `InvalidSource`. */
export function parseProxy(proxy: string | undefined): URL | undefined {
  if (proxy === undefined) return undefined;
  const url = URL.parse(proxy);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PermanentError('InvalidSource', 'proxy must be an absolute http or https URL.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PermanentError('InvalidSource', 'proxy must not hold a user name or password.');
  }
  return url;
}
