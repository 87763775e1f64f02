/** From a VolumeSnapshot's name to what a pod needs to check its data, with the rights of whoever asks. */
import { VolprimeError } from '../../api/errors.ts';
import {
  ANNOTATION_REPOSITORY_CLAIM,
  ANNOTATION_SECRET_NAME,
  ANNOTATION_SECRET_NAMESPACE,
  SNAPSHOT_DRIVER,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../api/snapshots.ts';
import { isKubeError, type KubeClient } from '../../kube/index.ts';
import { keyOfHandle } from '../../plugins/snapshot-capture/index.ts';

export interface Verifiable {
  readonly key: string;
  readonly secret: string;
  readonly repositoryClaim: string | undefined;
}

/** Contents belong to the whole cluster, and not everybody may read them: what they would say may be given instead. */
export interface Given {
  readonly secret?: string | undefined;
  readonly repositoryClaim?: string | undefined;
}

/** @throws VolprimeError that says what can be done. */
export async function findSnapshot(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  given: Given,
): Promise<Verifiable> {
  const snapshot = await client.get(volumeSnapshots, { namespace, name });
  if (snapshot === undefined) throw refused('SnapshotNotFound', `there is no VolumeSnapshot ${namespace}/${name}`);
  if (snapshot.status?.readyToUse !== true) throw notReady(snapshot);
  const content = await contentOf(client, snapshot, given);
  return content === undefined ? ofSnapshot(snapshot, given) : verifiable(snapshot, content, given);
}

async function contentOf(
  client: KubeClient,
  snapshot: VolumeSnapshot,
  { secret }: Given,
): Promise<VolumeSnapshotContent | undefined> {
  const name = snapshot.status?.boundVolumeSnapshotContentName ?? '';
  try {
    return await client.get(volumeSnapshotContents, { name });
  } catch (error) {
    if (!isKubeError(error, 'KUBE_FORBIDDEN')) throw error;
    if (secret !== undefined) return undefined;
    throw refused(
      'Forbidden',
      `you may not read VolumeSnapshotContent ${name}, which names the Secret of the repository; give it by --secret, and --repository-claim where there is one`,
    );
  }
}

/** A dynamic snapshot of ours is known in its repository by its UID. */
function ofSnapshot({ metadata }: VolumeSnapshot, { secret = '', repositoryClaim }: Given): Verifiable {
  return { key: metadata.uid, secret, repositoryClaim };
}

/** Pure. */
export function verifiable(
  { metadata: { namespace = '', name, uid } }: VolumeSnapshot,
  { spec, status, metadata: { annotations } }: VolumeSnapshotContent,
  given: Given,
): Verifiable {
  const { driver, volumeSnapshotRef: ref } = spec;
  if (ref.namespace !== namespace || ref.name !== name || ref.uid !== uid)
    throw refused(
      'SnapshotMisbound',
      `VolumeSnapshot ${namespace}/${name} names a content that does not name it in return`,
    );
  if (driver !== SNAPSHOT_DRIVER)
    throw refused(
      'NoManifest',
      `the snapshot is one of ${driver}: a CSI driver stores no manifest, so there is nothing to hold its data against. ` +
        `Restore it into a claim and look (a SnapshotRestore), or take another one with a class of ${SNAPSHOT_DRIVER}`,
    );
  const handle = status?.snapshotHandle ?? '';
  const key = keyOfHandle(handle);
  if (key === undefined) throw refused('SnapshotNotFound', `the handle "${handle}" is none of ${SNAPSHOT_DRIVER}`);
  const secret = given.secret ?? annotations?.[ANNOTATION_SECRET_NAME];
  if (secret === undefined)
    throw refused('RepositorySecretMissing', 'the content names no Secret of a repository; give it by --secret');
  const elsewhere = given.secret === undefined && annotations?.[ANNOTATION_SECRET_NAMESPACE] !== namespace;
  if (elsewhere)
    throw refused('SecretAcrossNamespaces', `the Secret of the repository is not in namespace ${namespace}`);
  return { key, secret, repositoryClaim: given.repositoryClaim ?? annotations?.[ANNOTATION_REPOSITORY_CLAIM] };
}

function notReady({ metadata: { namespace, name }, status }: VolumeSnapshot): VolprimeError {
  const why = status?.error?.message;
  return refused(
    'SnapshotNotReady',
    `VolumeSnapshot ${namespace}/${name} is not ready to use${why === undefined ? '' : `: ${why}`}`,
  );
}

function refused(code: string, message: string): VolprimeError {
  return new VolprimeError(code, message, { retry: { type: 'never' } });
}
