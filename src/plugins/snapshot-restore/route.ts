/** Which way the data of a snapshot takes into a claim: the cheapest that is right. Pure. */
import { SNAPSHOT_DRIVER, type VolumeSnapshotContent } from '../../api/snapshots.ts';
import type { StorageClass } from '../../api/objects.ts';
import type { Route } from './state.ts';

export interface RouteInputs {
  readonly content: VolumeSnapshotContent;
  /** Whose provisioner makes the volume. */
  readonly storageClass: Pick<StorageClass, 'provisioner'> | undefined;
  readonly subtree: string | undefined;
}

/**
 * A driver restores its own snapshots, whole, and converts their volume mode where the content allows that. Everything else is read from a
 * volume and written to another: what one driver made, no other can.
 */
export function chooseRoute({ content, storageClass, subtree }: RouteInputs): Route {
  const { driver } = content.spec;
  if (driver === SNAPSHOT_DRIVER) return 'Repository';
  return driver === storageClass?.provisioner && subtree === undefined ? 'Native' : 'Copy';
}
