/** Which claims that name a VolumeSnapshot are ours in any class: those of a snapshot that no CSI driver can restore. Pure look-ups in caches. */
import type { Claim } from '../api/objects.ts';
import {
  SNAPSHOT_DRIVER,
  SNAPSHOT_GROUP,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshots,
} from '../api/snapshots.ts';
import type { Store } from '../informer/index.ts';
import { sourceNamespace } from './grants.ts';

export interface SnapshotStores {
  readonly snapshots: Pick<Store<VolumeSnapshot>, 'get'>;
  readonly contents: Pick<Store<VolumeSnapshotContent>, 'get'>;
}

/** Both name each other and the content is of our driver: what a snapshot's status says alone, its owner may have forged. */
export function isOwnSnapshot({ snapshots, contents }: SnapshotStores, claim: Claim): boolean {
  const ref = claim.spec.dataSourceRef;
  if (ref?.apiGroup !== SNAPSHOT_GROUP || ref.kind !== volumeSnapshots.kind) return false;
  const snapshot = snapshots.get({ namespace: sourceNamespace(claim), name: ref.name });
  const bound = snapshot?.status?.boundVolumeSnapshotContentName;
  const content = bound === undefined ? undefined : contents.get({ name: bound });
  return content?.spec.driver === SNAPSHOT_DRIVER && content.spec.volumeSnapshotRef.uid === snapshot?.metadata.uid;
}
