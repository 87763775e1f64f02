import type { Claim, Volume } from '../api/objects.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../api/snapshots.ts';
import type { SnapshotContext } from './context.ts';
import { isBound, isServed } from './facts.ts';
import type { Observation } from './observation.ts';
import { captureRecordOf } from './record.ts';

type ObserveContext = Pick<SnapshotContext, 'stores' | 'plugins' | 'memory' | 'namespaces'>;

/** Gathers what is known of the content with this UID. Reads caches only, writes nothing. */
export function observe({ stores, plugins, memory, namespaces }: ObserveContext, uid: string): Observation {
  const known = stores.contents.byUid(uid);
  // Another controller's, which works on it at this moment.
  const found = namespaces?.includes(known?.spec.volumeSnapshotRef.namespace ?? '') === false ? undefined : known;
  const plugin = found && plugins.of(found.spec.driver)?.facts;
  const className = found?.spec.volumeSnapshotClassName;
  const snapshotClass = className === undefined ? undefined : stores.snapshotClasses.get({ name: className });
  const content = found && plugin && isServed(found, plugin.driver, snapshotClass) ? found : undefined;
  const snapshot = content && snapshotOf(stores, content);
  const claim = snapshot && claimOf(stores, snapshot);
  return Object.freeze({
    uid,
    content,
    plugin,
    record: content && captureRecordOf(content),
    snapshot,
    snapshotClass,
    claim,
    volume: claim && volumeOf(stores, claim),
    local: memory.localOf(uid),
  });
}

/** By its UID, where the content knows it; a content that is made before its VolumeSnapshot has the name alone, and takes any of it. */
function snapshotOf(
  { snapshots }: ObserveContext['stores'],
  content: VolumeSnapshotContent,
): VolumeSnapshot | undefined {
  const { namespace, name = '', uid } = content.spec.volumeSnapshotRef;
  const named = snapshots.get({ namespace, name });
  return !isBound(content) || named?.metadata.uid === uid ? named : undefined;
}

/** The claim that the VolumeSnapshot is taken of. */
export function claimOf(
  { claims }: Pick<ObserveContext['stores'], 'claims'>,
  { metadata, spec }: VolumeSnapshot,
): Claim | undefined {
  const name = spec.source.persistentVolumeClaimName;
  return name === undefined ? undefined : claims.get({ namespace: metadata.namespace, name });
}

/** The volume that the claim names, if it is the claim's. */
export function volumeOf(
  { volumes }: Pick<ObserveContext['stores'], 'volumes'>,
  { metadata, spec }: Claim,
): Volume | undefined {
  const volume = spec.volumeName === undefined ? undefined : volumes.get({ name: spec.volumeName });
  // Both ways: a claim may name a volume that belongs to another one.
  return volume?.spec.claimRef?.uid === metadata.uid ? volume : undefined;
}
