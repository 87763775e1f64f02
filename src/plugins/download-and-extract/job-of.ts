/** From what a Provider says to what the data path does. Pure. */
import type { LayerSpec, ProviderSpec } from '../../api/provider.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Format, Job, Layer, Limits, OnExisting, Ownership, Prior } from '../../extract/job.ts';
import { PermanentError } from '../../sdk/index.ts';
import type { Target } from './task.ts';

/** Each costs an inode, and the populator memory for a directory or link. */
const DEFAULT_FILES = 10_000_000;
/** No honest archive comes near; nothing but zeros does. */
const DEFAULT_RATIO = 1000;

const FORMATS = { Tar: 'tar', Zip: 'zip', File: 'file', Raw: 'raw' } as const satisfies Record<string, Format>;
const ON_EXISTING = { Clean: 'clean', Fail: 'fail', Merge: 'merge' } as const satisfies Record<string, OnExisting>;

export function jobOf({ path, kind, spec }: Target, prior?: Prior): Job {
  return {
    target: kind === 'device' ? { kind, path } : { kind, path, extractPath: spec.extractPath, ...(prior && { prior }) },
    layers: layersOf(spec).map((layer) => layerOf(layer, spec.s3)),
    limits: limitsOf(spec.limits),
    ownership: ownershipOf(spec.ownership),
    modes: { files: octal(spec.mode?.files), directories: octal(spec.mode?.directories) },
    onExisting: ON_EXISTING[spec.onExisting ?? 'Clean'],
  };
}

/** @throws PermanentError `InvalidSource` where there is no source at all: the schema refuses that before. */
export function layersOf(spec: ProviderSpec): readonly LayerSpec[] {
  const { layers, sourceURL, mirrors, checksum, format, stripComponents, include, exclude } = spec;
  if (layers !== undefined) return layers;
  if (sourceURL === undefined) throw new PermanentError('InvalidSource', 'spec.sourceURL is missing.');
  return [{ sourceURL, mirrors, checksum, format, stripComponents, include, exclude }];
}

/** An image is told by the Provider and not by its content: nothing marks the first bytes of a disk. */
export function holdsImage(spec: ProviderSpec): boolean {
  return layersOf(spec).some(({ format }) => format === 'Raw');
}

function layerOf(layer: LayerSpec, s3: ProviderSpec['s3']): Layer {
  const { sourceURL, mirrors = [], checksum, format, stripComponents = 0, include = [], exclude = [] } = layer;
  return {
    urls: [sourceURL, ...mirrors],
    checksum,
    format: format && FORMATS[format],
    stripComponents,
    include,
    exclude,
    s3: s3 && { endpoint: s3.endpoint, region: s3.region },
  };
}

function limitsOf({ bytes, files, ratio, bandwidth }: NonNullable<ProviderSpec['limits']> = {}): Limits {
  return {
    bytes: count(bytes),
    files: files ?? DEFAULT_FILES,
    ratio: ratio ?? DEFAULT_RATIO,
    bandwidth: count(bandwidth),
  };
}

function ownershipOf({ preserve = false, uid, gid }: NonNullable<ProviderSpec['ownership']> = {}): Ownership {
  return { preserve, uid, gid };
}

function count(quantity: string | undefined): number | undefined {
  const bytes = quantity === undefined ? undefined : parseQuantity(quantity);
  return bytes === undefined ? undefined : Number(bytes);
}

function octal(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}
