import { captureContentName } from '../../api/names.ts';
import type { KubeObject } from '../../api/objects.ts';
import { ANNOTATION_VOLUME_CAPTURE } from '../../api/snapshots.ts';
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
  const content = namedContent !== undefined && served && isOf(namedContent, uid) ? namedContent : undefined;
  const namespace = capture?.metadata.namespace ?? content?.spec.volumeSnapshotRef.namespace;
  const snapshotName = capture === undefined ? content?.spec.volumeSnapshotRef.name : namesOf(capture).snapshotName;
  const named = snapshotName === undefined ? undefined : stores.snapshots.get({ namespace, name: snapshotName });
  const ours = named !== undefined && isOf(named, uid) && named.spec.source.volumeSnapshotContentName !== undefined;
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

function isOf({ metadata }: KubeObject, uid: string): boolean {
  return metadata.annotations?.[ANNOTATION_VOLUME_CAPTURE] === uid;
}
