import {
  ANNOTATION_LAST_NODE,
  ANNOTATION_SELECTED_NODE,
  LABEL_BACKUP_EXCLUSION,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  primeName,
} from '../api/names.ts';
import type { AccessMode, Claim, KubeObject, NewObject, OwnerReference } from '../api/objects.ts';
import type { PinnedSource, Population } from '../api/population.ts';
import { proofFor } from '../api/proof.ts';
import { isReadOnly } from './facts.ts';
import { forPrime } from './pinned-source.ts';
import { identityOf } from './proof.ts';

/** First, since a node mounts a volume for the first of its modes. */
const FOR_WRITING: readonly AccessMode[] = ['ReadWriteOnce'];

/** `auxiliary`: made by a plugin beside the prime. */
export type OwnRole = 'prime' | 'populator' | 'auxiliary';

/** Labels of everything that is made for a claim. They find, they do not prove: see proof.ts. */
export function ownLabels(claimUid: string, role: OwnRole): Record<string, string> {
  return {
    [LABEL_MANAGED_BY]: MANAGED_BY,
    [LABEL_CLAIM_UID]: claimUid,
    [LABEL_ROLE]: role,
    [LABEL_BACKUP_EXCLUSION]: 'true',
  };
}

export interface PrimeInputs {
  readonly claim: Claim;
  readonly population: Population;
  readonly pinned: PinnedSource;
  /** Namespace of the prime. */
  readonly home: string;
  readonly node: string | undefined;
  /** Annotations of the claim that the parameters of the class read. */
  readonly copied?: Readonly<Record<string, string>>;
}

/**
 * The prime: a claim like the user's, without the data source, that an ordinary provisioner serves: where the claim's class is a wrapper, the
 * provisioner of its target.
 * For a claim that only reads, the provisioner is asked for a volume that can be written, too; the hand-over takes that mode away.
 * The user's labels are not copied: tools that prune by label (GitOps) would take the prime for theirs.
 */
export function buildPrime({ claim, population, pinned, home, node, copied }: PrimeInputs): NewObject {
  const { resources, volumeMode, volumeAttributesClassName } = claim.spec;
  const accessModes = isReadOnly(claim) ? [...FOR_WRITING, ...(claim.spec.accessModes ?? [])] : claim.spec.accessModes;
  const storageClassName = population.spec.target?.storageClass ?? claim.spec.storageClassName;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: primeName(claim.metadata.uid),
      namespace: home,
      labels: ownLabels(claim.metadata.uid, 'prime'),
      annotations: {
        ...copied,
        ...proofFor(identityOf(population)),
        ...forPrime(pinned, population.metadata.namespace ?? ''),
        ...(node !== undefined && { [ANNOTATION_SELECTED_NODE]: node, [ANNOTATION_LAST_NODE]: node }),
      },
      finalizers: [PROTECTION_FINALIZER],
      ...(home === claim.metadata.namespace && { ownerReferences: [ownerOf(claim, 'v1')] }),
    },
    spec: {
      ...(accessModes !== undefined && { accessModes }),
      ...(resources !== undefined && { resources }),
      ...(storageClassName !== undefined && { storageClassName }),
      ...(volumeMode !== undefined && { volumeMode }),
      ...(volumeAttributesClassName !== undefined && { volumeAttributesClassName }),
    },
  };
}

/** Only inside one namespace: an owner elsewhere counts as gone, and what it owns is collected. */
export function ownerOf({ kind, metadata }: KubeObject, apiVersion: string): OwnerReference {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: false };
}

/** What a plugin's `mutatePrime` may not change: name, place, protection, owner and proof. */
export function keepIdentity(mutated: NewObject, original: NewObject): NewObject {
  return {
    ...mutated,
    apiVersion: original.apiVersion,
    kind: original.kind,
    metadata: {
      ...original.metadata,
      labels: { ...mutated.metadata.labels, ...original.metadata.labels },
      annotations: { ...mutated.metadata.annotations, ...original.metadata.annotations },
    },
  };
}
