/** `oci://registry/repository:tag` and `oci://registry/repository@sha256:…`, and where the registry has what they name. Pure. */
import { PermanentError } from '../../../sdk/index.ts';

export interface OciReference {
  /** Of the registry; plain http for loopback addresses alone. */
  readonly origin: string;
  readonly repository: string;
  /** A tag, or a digest. */
  readonly version: string;
}

/** Digests that can be computed here. */
export const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

const REFERENCE =
  /^oci:\/\/([a-z0-9.-]+(?::\d{1,5})?|\[[0-9a-f:]+\](?::\d{1,5})?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@([a-z0-9]+:[0-9a-f]+))?$/;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;
/** Where Docker Hub really is. */
const ALIASES: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };
const DEFAULT_TAG = 'latest';

/** @throws PermanentError `InvalidSource`. */
export function parseReference(text: string): OciReference {
  const [, host, repository, tag, digest] = REFERENCE.exec(text) ?? [];
  if (host === undefined || repository === undefined || (digest !== undefined && !DIGEST.test(digest))) {
    throw new PermanentError(
      'InvalidSource',
      'The source is not usable: an OCI source is of the form oci://registry/repository:tag or oci://registry/repository@sha256:digest.',
    );
  }
  const origin = `${LOOPBACK.test(host) ? 'http' : 'https'}://${ALIASES[host] ?? host}`;
  return { origin, repository, version: digest ?? tag ?? DEFAULT_TAG };
}

export function manifestUrl({ origin, repository }: OciReference, version: string): URL {
  return new URL(`${origin}/v2/${repository}/manifests/${version}`);
}

/** The layer's own address, for `Layer.urls`: only `resolveLayers` makes such, and only `openSource` reads them. */
export function blobAddress({ origin, repository }: OciReference, digest: string): string {
  return `oci+blob:${origin}/v2/${repository}/blobs/${digest}`;
}

/** Undefined where the address is of another kind. */
export function parseBlobAddress(address: string): URL | undefined {
  return address.startsWith('oci+blob:') ? new URL(address.slice('oci+blob:'.length)) : undefined;
}
