/** Where the data of a snapshot of our driver is, for the pod that reads it: which Secret names the repository, and which claim holds it. Pure. */
import {
  ANNOTATION_REPOSITORY_CLAIM,
  ANNOTATION_SECRET_NAME,
  ANNOTATION_SECRET_NAMESPACE,
  type VolumeSnapshotContent,
} from '../../api/snapshots.ts';
import { keyOfHandle } from '../snapshot-capture/task.ts';
import type { Objection, Restorable } from './rules.ts';

export interface Repository {
  readonly key: string;
  /** In the namespace of the pod. */
  readonly secret: string;
  /** The Secret is one that the operator put into the populator namespace: tenants' Secrets never leave their namespace. */
  readonly ofOperator: boolean;
  /** A claim of the pod's namespace that holds the repository. */
  readonly claim: string | undefined;
}

export type RepositoryAnswer =
  | { readonly objection: Objection }
  | { readonly objection?: undefined; readonly repository: Repository };

/** @param home namespace of the pod. */
export function repositoryOf({ snapshot, content, handle }: Restorable, home: string): RepositoryAnswer {
  const { namespace = '', name } = snapshot.metadata;
  const key = keyOfHandle(handle);
  if (key === undefined) return refused('SnapshotContentMissing', `the handle of VolumeSnapshot ${name} is not ours`);
  const annotations: VolumeSnapshotContent['metadata']['annotations'] = content.metadata.annotations ?? {};
  const secret = annotations[ANNOTATION_SECRET_NAME];
  if (secret === undefined)
    return refused(
      'RepositorySecretInvalid',
      `the content of VolumeSnapshot ${name} names no Secret of its repository; its class needs csi.storage.k8s.io/snapshotter-secret-name and -namespace`,
    );
  if (annotations[ANNOTATION_SECRET_NAMESPACE] !== namespace)
    return refused(
      'RepositorySecretInvalid',
      `the content of VolumeSnapshot ${name} names a Secret of another namespace; a repository is that of the snapshot's own namespace`,
    );
  const claim = annotations[ANNOTATION_REPOSITORY_CLAIM];
  if (namespace === home) return { repository: { key, secret, ofOperator: false, claim } };
  if (claim !== undefined)
    return refused(
      'RepositoryOutOfReach',
      'the repository of the snapshot is in a claim of its own namespace, and no other namespace can mount that; restore there, or keep the repository in a store',
    );
  return { repository: { key, secret: operatorSecretName(namespace, secret), ofOperator: true, claim } };
}

/** What an operator calls the copy of a namespace's repository Secret, who puts it into the populator namespace. */
function operatorSecretName(namespace: string, secret: string): string {
  return `${namespace}.${secret}`;
}

function refused(reason: Objection['reason'], message: string): RepositoryAnswer {
  return { objection: { reason, message, blocked: true } };
}
