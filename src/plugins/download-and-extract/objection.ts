/** What a Provider and a claim cannot do together, said before a volume is made. Pure. */
import { POPULATOR_ID } from '../../api/pod-settings.ts';
import type { ProviderSpec } from '../../api/provider.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Reason } from '../../api/reasons.ts';
import { PermanentError, type PrepareParams, type SecurityProfile } from '../../sdk/index.ts';
import { holdsImage } from './job-of.ts';

type Params = Pick<PrepareParams<ProviderSpec>, 'claim' | 'claimObject' | 'source'>;

/** The first objection, or undefined. */
export function objectionTo(params: Params): PermanentError | undefined {
  return acrossNamespaces(params) ?? unfitVolumeMode(params) ?? tooSmall(params);
}

/** Other owners than the populator's own can only be given by root, and only root may open a block device. */
export function profileFor({ claimObject, source }: Params): SecurityProfile {
  const { preserve, uid, gid } = source.spec.ownership ?? {};
  const foreign = [uid, gid].some((id) => id !== undefined && id !== POPULATOR_ID);
  return preserve === true || foreign || isBlock(claimObject) ? 'privileged-data' : 'restricted';
}

export function isBlock({ spec }: Params['claimObject']): boolean {
  return spec.volumeMode === 'Block';
}

function acrossNamespaces({ claim, source }: Params): PermanentError | undefined {
  if (source.namespace === claim.namespace) return undefined;
  const name = `Provider ${source.namespace}/${source.name}`;
  if (source.spec.secretRef !== undefined || source.spec.proxySecretRef !== undefined) {
    return refuse('SecretAcrossNamespaces', `${name} names a Secret, which claims of other namespaces cannot use.`);
  }
  if (source.spec.caBundleRef !== undefined) {
    return refuse(
      'ConfigMapAcrossNamespaces',
      `${name} names a ConfigMap, which claims of other namespaces cannot use.`,
    );
  }
  return undefined;
}

function unfitVolumeMode({ claim, claimObject, source }: Params): PermanentError | undefined {
  const image = holdsImage(source.spec);
  if (isBlock(claimObject) && !image) {
    return refuse(
      'BlockVolumeNotSupported',
      `Claim ${claim.name} has volumeMode Block, and Provider ${source.name} has files of an archive for a file system: use volumeMode Filesystem, or say format: Raw in the Provider where the source is the image of a disk.`,
    );
  }
  if (!isBlock(claimObject) && image) {
    return refuse(
      'RawNeedsBlockVolume',
      `Provider ${source.name} has the image of a disk (format Raw), and claim ${claim.name} is for a file system: use volumeMode Block in the claim, or format: File in the Provider to have the image as a file.`,
    );
  }
  return undefined;
}

function tooSmall({ claim, claimObject, source }: Params): PermanentError | undefined {
  const limit = source.spec.limits?.bytes;
  const request = claimObject.spec.resources?.requests?.storage;
  if (limit === undefined || request === undefined) return undefined;
  const [needs, has] = [parseQuantity(limit), parseQuantity(request)];
  if (needs === undefined || has === undefined || needs <= has) return undefined;
  return refuse(
    'ClaimTooSmall',
    `Claim ${claim.name} asks for ${request}, and Provider ${source.name} may bring up to ${limit} (limits.bytes): ask for more storage in the claim, or lower the limit.`,
  );
}

function refuse(reason: Reason, message: string): PermanentError {
  return new PermanentError(reason, message);
}
