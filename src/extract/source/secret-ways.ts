/**
 * What a Secret says about where its content may go, by which way, and whose certificates count on it (docs/decisions/0034).
 *
 * The object that names the Secret says the same things, and its writer may be another person: what it says counts only where the Secret
 * agrees. Keys: `hosts`, `proxies`, `ca.crt`, `caBundles`. Messages name keys, never values.
 */
import { createHash } from 'node:crypto';
import type { PermanentError } from '../../sdk/index.ts';
import type { SecretFiles } from './secret-files.ts';

export interface SecretWays {
  /** Whether the Secret lists scheme, host and port of this URL in `hosts`. */
  allows(url: URL): boolean;
  /** What to throw where it does not. */
  notListed(url: URL): PermanentError;
  /** @throws PermanentError `CredentialsInvalid` where `proxies` does not list the proxy. */
  requireProxy(proxy: URL): void;
  /** PEM: certificates that the Secret itself wants to be trusted. */
  readonly ca: string | undefined;
  /** Whether the Secret has these certificates in `ca.crt`, or their digest in `caBundles`. */
  approves(pem: string): boolean;
  /** @throws PermanentError `CredentialsInvalid` where it does not approve of a bundle that another object names. */
  requireBundle(pem: string): void;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * @param example for the message where the key `hosts` is missing.
 * @throws PermanentError `CredentialsInvalid`.
 */
export function readWays(secret: SecretFiles, example: string): SecretWays {
  const hosts = secret.origins('hosts');
  if (hosts.size === 0) {
    throw secret.unusable(
      `"hosts" is missing: list the hosts that may receive the credentials, for example "${example}"`,
    );
  }
  const proxies = secret.origins('proxies');
  const ca = readCertificates(secret);
  const digests = readDigests(secret);
  const approves = (pem: string) => pem.trim() === ca?.trim() || digests.has(digestOf(pem));
  return {
    allows: (url) => hosts.includes(url),
    notListed: (url) => secret.unusable(whyNotListed(url, hosts.includesSecurely(url))),
    requireProxy: (proxy) => {
      if (proxies.includes(proxy)) return;
      throw secret.unusable(
        `it does not list the proxy ${proxy.origin}, which the source names, in its key "proxies". Add ` +
          `"${proxy.origin}" to "proxies", or leave spec.proxy out to use the proxy of the populator pods`,
      );
    },
    ca,
    approves,
    requireBundle: (pem) => {
      if (approves(pem)) return;
      throw secret.unusable(
        'it does not approve the certificates that caBundleRef names. Put them into its key "ca.crt", or list ' +
          '"sha256:" and the SHA-256 digest of the bundle in its key "caBundles"',
      );
    },
  };
}

function whyNotListed({ origin, host }: URL, securely: boolean): string {
  const lacks = `it does not list ${host} in its key "hosts", so nothing of it is sent there`;
  if (origin.startsWith('https:')) return lacks;
  const known = securely ? `it lists ${host} for https alone` : lacks;
  return `${known}. Use https, or add "${origin}" to its key "hosts" to send the credentials over plain http`;
}

function readCertificates(secret: SecretFiles): string | undefined {
  const ca = secret.key('ca.crt');
  if (ca !== undefined && !isPem(ca)) throw secret.unusable('"ca.crt" holds no certificate in PEM form');
  return ca;
}

function readDigests(secret: SecretFiles): ReadonlySet<string> {
  const digests = (secret.key('caBundles') ?? '').split(/[\s,]+/).filter((part) => part !== '');
  if (digests.some((digest) => !DIGEST.test(digest))) {
    throw secret.unusable('"caBundles" has an entry that is not "sha256:" and 64 lower-case hexadecimal digits');
  }
  return new Set(digests);
}

export function isPem(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----');
}

function digestOf(pem: string): string {
  return `sha256:${createHash('sha256').update(pem).digest('hex')}`;
}
