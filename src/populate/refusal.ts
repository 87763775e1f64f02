/** Why a volume must not be filled for a claim: the PV controller would refuse it, or it is not what the claim asks for. Pure. */
import { ANNOTATION_PROVISIONER, WRAPPER_PROVISIONER } from '../api/names.ts';
import type { Claim, Volume } from '../api/objects.ts';
import { parseQuantity } from '../api/quantity.ts';
import type { Reason } from '../api/reasons.ts';

export interface Refusal {
  readonly reason: Extract<Reason, 'VolumeRefused' | 'DataSourceIgnored'>;
  readonly message: string;
}

/** The first objection, or undefined. The rules are those of pkg/controller/volume/persistentvolume (checkVolumeSatisfyClaim). */
export function refusalOf(volume: Volume, claim: Claim): Refusal | undefined {
  const { name } = volume.metadata;
  const refused = (what: string): Refusal => ({
    reason: 'VolumeRefused',
    message: `the provisioned volume ${name} ${what}; use a class whose volumes fit`,
  });
  const missing = (claim.spec.accessModes ?? []).filter((mode) => !(volume.spec.accessModes ?? []).includes(mode));
  if (missing.length > 0) return refused(`lacks the access mode ${missing.join(', ')} that the claim asks for`);
  const [mode, wanted] = [volume.spec.volumeMode ?? 'Filesystem', claim.spec.volumeMode ?? 'Filesystem'];
  if (mode !== wanted) return refused(`has volumeMode ${mode}, the claim asks for ${wanted}`);
  const size = volume.spec.capacity?.storage;
  const request = claim.spec.resources?.requests?.storage;
  if (isLess(size, request)) return refused(`holds ${size}, the claim asks for ${request}`);
  const attributes = volume.spec.volumeAttributesClassName ?? '';
  const wantedAttributes = claim.spec.volumeAttributesClassName ?? '';
  if (attributes !== wantedAttributes)
    return refused(
      `has the VolumeAttributesClass ${JSON.stringify(attributes)}, the claim asks for ${JSON.stringify(wantedAttributes)}`,
    );
  return undefined;
}

/** For claims whose data the provisioner is to bring: only a CSI driver's is known to do so, or to refuse. */
export function ignoredSource(volume: Volume, claim: Claim): Refusal | undefined {
  const ref = claim.spec.dataSourceRef ?? claim.spec.dataSource;
  if (ref === undefined || volume.spec.csi !== undefined) return undefined;
  const message =
    `the provisioner of volume ${volume.metadata.name} is no CSI driver and cannot bring the data of ${ref.kind} ${ref.name}: the volume is empty ` +
    'and is thrown away; use a class of a CSI driver';
  return { reason: 'DataSourceIgnored', message };
}

/**
 * Whether a provisioner made the claim's volume for the claim itself, by its name: provisioners name a volume after the UID of the claim that
 * they serve, and what we hand over was made for a prime.
 */
export function isProvisionedFor({ metadata, spec }: Claim): boolean {
  return spec.volumeName?.endsWith(metadata.uid) === true;
}

/** The same trap, sprung behind our back: what happened, and the way out. */
export function ignoredBy({ metadata, spec }: Claim): Refusal {
  const provisioner = metadata.annotations?.[ANNOTATION_PROVISIONER];
  const name = spec.storageClassName ?? '';
  const message =
    `the provisioner ${provisioner === undefined ? '' : `${provisioner} `}of StorageClass ${name} ignores data sources and bound the claim to volume ` +
    `${spec.volumeName}, which is empty: the claim is not populated. Make a class with provisioner ${WRAPPER_PROVISIONER} and parameters ` +
    `{targetClass: ${name}} (docs/any-provisioner.md), and recreate the claim with that class`;
  return { reason: 'DataSourceIgnored', message };
}

function isLess(size: string | undefined, request: string | undefined): boolean {
  const [has, wants] = [size, request].map((text) => (text === undefined ? undefined : parseQuantity(text)));
  return has !== undefined && wants !== undefined && has < wants;
}
