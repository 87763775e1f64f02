/** The objects that a capture makes beside the snapshot: pods and a clone. What they are called, and what proves that they are its own. Pure. */
import {
  LABEL_BACKUP_EXCLUSION,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  LABEL_SNAPSHOT_KEY,
  MANAGED_BY,
} from '../../api/names.ts';
import type { Claim, KubeObject, NewObject } from '../../api/objects.ts';
import { isOurs, proofFor, type RecordIdentity } from '../../api/proof.ts';
import { apiVersionOf } from '../../api/resources.ts';
import { volumeSnapshotContents } from '../../api/snapshots.ts';
import type { SnapshotParams } from '../../sdk/index.ts';
import type { CaptureTask } from './task.ts';

export type Work = CaptureTask['action'];

/** Whose helpers these are, and where they live: the namespace of the VolumeSnapshot. */
export interface Owner {
  readonly key: string;
  readonly content: SnapshotParams<unknown>['content'];
  readonly namespace: string;
}

/** One pod of a kind for a key: a second one cannot be made. */
export function helperName(work: Work | 'clone', key: string): string {
  return `volprime-${work}-${key}`;
}

/** Whether an object is the helper of this kind for this capture. Names and labels find, they do not prove. */
export function isHelperOf(object: KubeObject, work: Work | 'clone', owner: Owner): boolean {
  const { namespace, content } = owner;
  return isOurs(object, {
    namespace,
    name: helperName(work, owner.key),
    record: recordOf(owner),
    owner: { kind: volumeSnapshotContents.kind, name: content.name, uid: content.uid },
  });
}

function recordOf({ content: { uid, createdAt } }: Owner): RecordIdentity {
  return { kind: 'VolumeSnapshotContent', uid, createdAt };
}

/** Whether a pod looks like a helper of any capture, by name and label: good enough to leave it out of the users of a volume, no proof. */
export function isHelper({ metadata: { name, labels } }: KubeObject): boolean {
  const key = labels?.[LABEL_SNAPSHOT_KEY];
  return key !== undefined && name.startsWith('volprime-') && name.endsWith(`-${key}`);
}

/** Of whichever capture. */
export function isCapturePod({ metadata: { name, labels } }: KubeObject): boolean {
  const key = labels?.[LABEL_SNAPSHOT_KEY];
  return key !== undefined && name === helperName('capture', key);
}

export function helperMetadata(work: Work | 'clone', owner: Owner): NewObject['metadata'] {
  const { key, namespace, content } = owner;
  return {
    name: helperName(work, key),
    namespace,
    labels: {
      [LABEL_MANAGED_BY]: MANAGED_BY,
      [LABEL_SNAPSHOT_KEY]: key,
      [LABEL_ROLE]: work,
      [LABEL_BACKUP_EXCLUSION]: 'true',
    },
    annotations: proofFor(recordOf(owner)),
    ownerReferences: [
      {
        apiVersion: apiVersionOf(volumeSnapshotContents),
        kind: volumeSnapshotContents.kind,
        name: content.name,
        uid: content.uid,
        controller: true,
        blockOwnerDeletion: false,
      },
    ],
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
