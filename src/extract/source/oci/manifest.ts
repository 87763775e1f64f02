/** What a registry says of an image or artifact, parsed, and what of it is of use here. Pure. */
import * as z from 'zod';
import { PermanentError } from '../../../sdk/index.ts';
import { DIGEST } from './reference.ts';

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;
export const ACCEPTED = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ');

const IMAGE_LAYER =
  /^application\/vnd\.(oci\.image\.layer\.v1\.tar|docker\.image\.rootfs\.diff\.tar)(\.gzip|\+gzip|\+zstd)?$/;
/** What must be had from somewhere else than the registry. */
const FOREIGN = /nondistributable|\.foreign\./;
/** Far more than any container runtime mounts (128), and than any artifact was seen to have. */
const MAX_LAYERS = 4096;
const EMPTY = 'application/vnd.oci.empty.v1+json';

const digest = z.string().regex(DIGEST);
const descriptorSchema = z.object({ mediaType: z.string(), digest, size: z.int().min(0) });
const indexSchema = z.object({
  manifests: z.array(
    descriptorSchema.extend({
      platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
    }),
  ),
});
const manifestSchema = z.object({ layers: z.array(descriptorSchema) });

export type OciDescriptor = z.infer<typeof descriptorSchema>;

export interface OciLayers {
  /** Digests, the lowest first. */
  readonly layers: readonly string[];
  /** All of them are of a container image: their whiteouts hide what the layers below bring. */
  readonly isImage: boolean;
}

/** One more manifest is to be read, or these are the layers. */
export type Manifest = { readonly next: string } | OciLayers;

/** @throws PermanentError `NotAnArchive` with what is not understood, `LimitExceeded` for too many layers, `SourceNotFound` where the index has nothing for this machine. */
export function parseManifest(text: string, architecture: string): Manifest {
  const content = parseJson(text);
  const index = indexSchema.safeParse(content);
  if (index.success) return { next: choose(index.data.manifests, architecture) };
  const manifest = manifestSchema.safeParse(content);
  if (!manifest.success) throw notUsable('what it names is neither an image or artifact nor an index of them');
  const layers = manifest.data.layers.filter(({ mediaType }) => mediaType !== EMPTY);
  const foreign = layers.find(({ mediaType }) => FOREIGN.test(mediaType));
  if (foreign !== undefined) throw notUsable(`its layer ${foreign.digest} is not kept by the registry`);
  if (layers.length > MAX_LAYERS) {
    throw new PermanentError(
      'LimitExceeded',
      `The OCI source goes beyond a limit: what it names has ${layers.length} layers, and at most ${MAX_LAYERS} are read.`,
    );
  }
  if (layers.length === 0) throw notUsable('what it names has no layers');
  return {
    layers: layers.map(({ digest }) => digest),
    isImage: layers.every(({ mediaType }) => IMAGE_LAYER.test(mediaType)),
  };
}

/** Node's word for a processor in Go's, which platforms are told in. */
export function architectureOf(arch: string): string {
  return arch === 'x64' ? 'amd64' : arch === 'ia32' ? '386' : arch;
}

function choose(manifests: z.infer<typeof indexSchema>['manifests'], architecture: string): string {
  const [only, ...others] = manifests;
  if (only !== undefined && others.length === 0) return only.digest;
  const fitting = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture);
  if (fitting !== undefined) return fitting.digest;
  const platforms = manifests.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'any'));
  throw new PermanentError(
    'SourceNotFound',
    `The OCI index has nothing for linux/${architecture}, only for ${[...new Set(platforms)].join(', ')}: name one by its digest.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notUsable('what the registry sent is not JSON');
  }
}

function notUsable(what: string): PermanentError {
  return new PermanentError('NotAnArchive', `The OCI source is not usable: ${what}.`);
}
