import {
  ANNOTATION_LAST_NODE,
  ANNOTATION_POPULATION_UID,
  ANNOTATION_SELECTED_NODE,
  LABEL_BACKUP_EXCLUSION,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  primeName,
} from '../api/names.ts';
import type { Claim, NewObject } from '../api/objects.ts';
import type { Population } from '../api/population.ts';

export type OwnRole = 'prime' | 'populator';

/** Labels of everything that is made for a claim. They find, they do not prove: see ANNOTATION_POPULATION_UID. */
export function ownLabels(claimUid: string, role: OwnRole): Record<string, string> {
  return {
    [LABEL_MANAGED_BY]: MANAGED_BY,
    [LABEL_CLAIM_UID]: claimUid,
    [LABEL_ROLE]: role,
    [LABEL_BACKUP_EXCLUSION]: 'true',
  };
}

/**
 * The prime: a claim like the user's, without the data source, that an ordinary provisioner serves.
 * The user's labels are not copied: tools that prune by label (GitOps) would take the prime for theirs.
 */
export function buildPrime(claim: Claim, population: Population, node: string | undefined): NewObject {
  const { accessModes, resources, storageClassName, volumeMode, volumeAttributesClassName } = claim.spec;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: primeName(claim.metadata.uid),
      namespace: claim.metadata.namespace ?? '',
      labels: ownLabels(claim.metadata.uid, 'prime'),
      annotations: {
        [ANNOTATION_POPULATION_UID]: population.metadata.uid,
        ...(node !== undefined && { [ANNOTATION_SELECTED_NODE]: node, [ANNOTATION_LAST_NODE]: node }),
      },
      finalizers: [PROTECTION_FINALIZER],
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          name: claim.metadata.name,
          uid: claim.metadata.uid,
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
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
