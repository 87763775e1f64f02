import { captureContentName } from '../../api/names.ts';
import { isOurs, type RecordIdentity } from '../../api/proof.ts';
import type { VolumeCapture } from '../../api/volume-capture.ts';
import type { Store } from '../../informer/index.ts';
import { volumeOf } from '../observe.ts';
import type { Stores } from '../context.ts';
import type { SnapshotPluginRegistry } from '../plugin-registry.ts';
import { namesOf } from './objects.ts';
import type { Observation } from './observation.ts';

export interface CaptureStores extends Stores {
  readonly captures: Store<VolumeCapture>;
}

export interface CaptureGround {
  readonly stores: CaptureStores;
  readonly plugins: SnapshotPluginRegistry;
  /** Those that the controller is confined to. */
  readonly namespaces?: readonly string[] | undefined;
}

/** Gathers what is known of the VolumeCapture with this UID, or of what it has left. Reads caches only, writes nothing. */
export function observe({ stores, plugins, namespaces }: CaptureGround, uid: string): Observation {
  const capture = stores.captures.byUid(uid);
  const namedContent = stores.contents.get({ name: captureContentName(uid) });
  // Contents are of no namespace: one may be of a capture that another controller serves, and this one cannot see.
  const served = namespaces?.includes(namedContent?.spec.volumeSnapshotRef.namespace ?? '') !== false;
  const record: RecordIdentity = { kind: 'VolumeCapture', uid, createdAt: capture?.metadata.creationTimestamp };
  const made = { namespace: undefined, name: captureContentName(uid), record, owner: 'none' } as const;
  const content = served && isOurs(namedContent, made) ? namedContent : undefined;
  const namespace = capture?.metadata.namespace ?? content?.spec.volumeSnapshotRef.namespace;
  const snapshotName = capture === undefined ? content?.spec.volumeSnapshotRef.name : namesOf(capture).snapshotName;
  const named = snapshotName === undefined ? undefined : stores.snapshots.get({ namespace, name: snapshotName });
  const ours =
    isOurs(named, { namespace, name: snapshotName ?? '', record, owner: 'any' }) &&
    named?.spec.source.volumeSnapshotContentName === captureContentName(uid);
  const claim = capture && stores.claims.get({ namespace, name: capture.spec.claimName });
  const snapshotClass = capture && stores.snapshotClasses.get({ name: capture.spec.volumeSnapshotClassName });
  return Object.freeze({
    uid,
    capture,
    content,
    snapshot: ours ? named : undefined,
    taken: named !== undefined && !ours,
    claim,
    volume: claim && volumeOf(stores, claim),
    snapshotClass,
    plugin: snapshotClass && plugins.of(snapshotClass.driver)?.facts,
  });
}
