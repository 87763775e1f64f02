/**
 * Replaces each `oci://` layer of a job by the layers of what it names now: their digests are their checksums, so what is read later is
 * what the manifest meant, whichever mirror it comes from.
 */
import { PermanentError } from '../../../sdk/index.ts';
import { createDigest } from '../../digest.ts';
import type { Layer } from '../../job.ts';
import { fromFirstPlace } from '../first-place.ts';
import { field } from '../http/answer.ts';
import { readBytes } from '../http/read-bytes.ts';
import { defaultRetryPolicy } from '../http/retry.ts';
import { type Session, startSession, type SourceContext } from '../session.ts';
import { displayUrl, statusError } from '../source-errors.ts';
import { ACCEPTED, architectureOf, type OciLayers, parseManifest } from './manifest.ts';
import { blobAddress, DIGEST, manifestUrl, type OciReference, parseReference } from './reference.ts';
import { RegistryClient } from './registry.ts';

/** The specification's own limit. */
const MAX_MANIFEST = 4 * 1024 * 1024;
/** An index of indexes is allowed; nobody nests them deeper. */
const MAX_DEPTH = 4;

/**
 * Layers of other kinds stay as they are, and all in their order; those of an image come as `Layer.image` says.
 * A layer's `checksum` is compared with the digest of the manifest or index that it names.
 * @throws VolprimeError as `openSource`, and PermanentError `NotAnArchive`, `ChecksumMismatch`.
 */
export async function resolveLayers(layers: readonly Layer[], context: SourceContext): Promise<readonly Layer[]> {
  if (!layers.some(isOci)) return layers;
  await using session = startSession(context);
  const resolved: Layer[] = [];
  for (const layer of layers) resolved.push(...(isOci(layer) ? await resolve(layer, session, context) : [layer]));
  return resolved;
}

function isOci({ urls }: Layer): boolean {
  return urls.some((url) => url.startsWith('oci:'));
}

async function resolve(layer: Layer, session: Session, context: SourceContext): Promise<Layer[]> {
  const references = layer.urls.map(parseReference);
  const places = { ...session, retryPolicy: context.retryPolicy ?? defaultRetryPolicy };
  const { layers, isImage } = await fromFirstPlace(references, places, (reference) =>
    layersOf(reference, layer.checksum, session),
  );
  // A manifest has the lowest first.
  const found = isImage ? layers.toReversed() : layers;
  return found.map((digest) => ({
    ...layer,
    urls: references.map((mirror) => blobAddress(mirror, digest)),
    checksum: digest,
    ...(isImage && { image: layer.urls.join(' ') }),
  }));
}

async function layersOf(
  reference: OciReference,
  checksum: string | undefined,
  { client, credentials, logger }: Session,
): Promise<OciLayers> {
  const registry = new RegistryClient(reference.origin, client, credentials);
  let version = reference.version;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const bytes = await fetchManifest(registry, manifestUrl(reference, version));
    const expected = [...(DIGEST.test(version) ? [version] : []), ...(depth === 0 && checksum ? [checksum] : [])];
    for (const digest of expected) compare(digest, bytes);
    if (depth === 0) logger.info('resolved', { repository: reference.repository, digest: digestOf(bytes) });
    const manifest = parseManifest(String(bytes), architectureOf(process.arch));
    if ('layers' in manifest) return manifest;
    version = manifest.next;
  }
  throw new PermanentError('NotAnArchive', 'The OCI source is not usable: its indexes are nested too deeply.');
}

async function fetchManifest(registry: RegistryClient, url: URL): Promise<Buffer> {
  const answer = await registry.get(url, { accept: ACCEPTED });
  if (answer.status === 200) return readBytes(answer, MAX_MANIFEST);
  answer.body.cancel();
  if (answer.status === 401) {
    throw new PermanentError(
      'SourceUnauthorized',
      `${displayUrl(url)} answered with status 401: check spec.secretRef, and that the key "hosts" of that Secret lists the registry and the service that gives its tokens.`,
    );
  }
  throw statusError(answer.url, answer.status, field(answer, 'retry-after'));
}

function compare(expected: string, bytes: Buffer): void {
  const found = digestOf(bytes, expected);
  if (found === expected) return;
  throw new PermanentError(
    'ChecksumMismatch',
    `The manifest's digest was expected to be ${expected}, and is ${found}.`,
  );
}

/** @param like says which function it is, as in `createDigest`. */
function digestOf(bytes: Buffer, like?: string): string {
  const digest = createDigest(like);
  digest.update(bytes);
  return digest.result();
}
