/** What this plugin needs of a cluster, passed in by the composition root: a plugin knows no way to an API server of its own. */
import type { Claim, StorageClass } from '../../api/objects.ts';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';
import type { Key, LiveAccess } from '../live-access.ts';

/** From caches: costs nothing, and may be a moment old. */
export interface KnownObjects {
  snapshot(key: Key): VolumeSnapshot | undefined;
  content(name: string): VolumeSnapshotContent | undefined;
  claim(key: Key): Claim | undefined;
  grants(namespace: string): readonly ReferenceGrant[];
  storageClasses(): readonly StorageClass[];
}

export interface RestorePorts {
  readonly live: LiveAccess;
  readonly known: KnownObjects;
  /** Where data of other namespaces is restored; undefined where such claims are not served. */
  readonly populatorNamespace: string | undefined;
}
