/** The objects that a capture makes beside the snapshot: pods and a clone. What they are called, and what proves that they are its own. Pure. */
import {
  ANNOTATION_CONTENT_UID,
  LABEL_BACKUP_EXCLUSION,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  LABEL_SNAPSHOT_KEY,
  MANAGED_BY,
} from '../../api/names.ts';
import type { Claim, KubeObject, NewObject } from '../../api/objects.ts';
import type { CaptureTask } from './task.ts';

export type Work = CaptureTask['action'];

/** Whose helpers these are, and where they live: the namespace of the VolumeSnapshot. */
export interface Owner {
  readonly key: string;
  readonly contentUid: string;
  readonly namespace: string;
}

/** One pod of a kind for a key: a second one cannot be made. */
export function helperName(work: Work | 'clone', key: string): string {
  return `volprime-${work}-${key}`;
}

/** What only who reads contents can know. Names and labels find, they do not prove. */
export function isHelperOf({ metadata }: KubeObject, { contentUid }: Pick<Owner, 'contentUid'>): boolean {
  return metadata.annotations?.[ANNOTATION_CONTENT_UID] === contentUid;
}

export function isHelper({ metadata }: KubeObject): boolean {
  return metadata.labels?.[LABEL_SNAPSHOT_KEY] !== undefined;
}

/** Of whichever capture. */
export function isCapturePod({ metadata: { name, labels } }: KubeObject): boolean {
  const key = labels?.[LABEL_SNAPSHOT_KEY];
  return key !== undefined && name === helperName('capture', key);
}

export function helperMetadata(work: Work | 'clone', { key, contentUid, namespace }: Owner): NewObject['metadata'] {
  return {
    name: helperName(work, key),
    namespace,
    labels: {
      [LABEL_MANAGED_BY]: MANAGED_BY,
      [LABEL_SNAPSHOT_KEY]: key,
      [LABEL_ROLE]: work,
      [LABEL_BACKUP_EXCLUSION]: 'true',
    },
    annotations: { [ANNOTATION_CONTENT_UID]: contentUid },
  };
}

/** A claim that the source's own provisioner fills from the source: of its class and size, whatever was asked for at first. */
export function buildClone(owner: Owner, source: Claim): NewObject {
  const { accessModes, storageClassName, volumeMode, resources } = source.spec;
  const storage = source.status?.capacity?.storage ?? resources?.requests?.storage;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: helperMetadata('clone', owner),
    spec: {
      ...(accessModes && { accessModes }),
      ...(storageClassName !== undefined && { storageClassName }),
      ...(volumeMode && { volumeMode }),
      resources: { requests: { storage } },
      dataSource: { kind: 'PersistentVolumeClaim', name: source.metadata.name },
    },
  };
}
