import { PermanentError, type SnapshotParams } from '../../sdk/index.ts';
import type { CloneMemory } from './clone-memory.ts';
import type { Owner } from './helper-objects.ts';
import type { CapturePorts } from './ports.ts';
import type { RepositoryTurns } from './repository-turns.ts';

/** What all functions of the plugin share. */
export interface CaptureContext {
  readonly ports: CapturePorts;
  readonly cloneMemory: CloneMemory;
  readonly repositoryTurns: RepositoryTurns;
  readonly now: () => number;
}

export function ownerOf({
  key,
  content,
  snapshot,
}: Pick<SnapshotParams<unknown>, 'key' | 'content' | 'snapshot'>): Owner {
  return { key, content, namespace: snapshot.namespace };
}

/**
 * Name of the repository's Secret, which lies in the namespace of the VolumeSnapshot: nobody's pods get another's.
 *
 * @throws PermanentError `RepositorySecretMissing`, `SecretAcrossNamespaces`.
 */
export function secretOf({ secret, snapshot }: Pick<SnapshotParams<unknown>, 'secret' | 'snapshot'>): string {
  if (secret === undefined)
    throw new PermanentError(
      'RepositorySecretMissing',
      'no Secret is named for the repository: give the VolumeSnapshotClass csi.storage.k8s.io/snapshotter-secret-name and -namespace, or an imported content the annotations snapshot.storage.kubernetes.io/deletion-secret-name and -namespace',
    );
  if (secret.namespace !== snapshot.namespace)
    throw new PermanentError(
      'SecretAcrossNamespaces',
      `the repository's Secret must be in the namespace of the VolumeSnapshot, ${snapshot.namespace}: let the class say csi.storage.k8s.io/snapshotter-secret-namespace: \${volumesnapshot.namespace}`,
    );
  return secret.name;
}
