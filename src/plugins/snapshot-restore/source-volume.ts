/**
 * A volume that the snapshot's own driver makes from it, beside the prime: what the pod of a `Copy` reads. It is of a class of that driver, and goes
 * with the restore, whatever its class says.
 */
import { foreign } from '../../api/foreign.ts';
import {
  ANNOTATION_RECLAIM_POLICY,
  ANNOTATION_SELECTED_NODE,
  PROTECTION_FINALIZER,
  sourceVolumeClaimName,
} from '../../api/names.ts';
import type { Claim, NewObject, StorageClass } from '../../api/objects.ts';
import { isProvisionedFor } from '../../api/proof.ts';
import { claims, volumes } from '../../api/resources.ts';
import { SNAPSHOT_GROUP, volumeSnapshots } from '../../api/snapshots.ts';
import { isMarked, type NotPrepared } from '../../sdk/index.ts';
import type { Access } from './access.ts';
import { afterWrite, blocked, preparing } from './awaited.ts';
import { nameTaken } from './name-taken.ts';
import type { LiveAccess } from '../live-access.ts';
import { quantityOf, type Restorable, restoreSizeOf } from './rules.ts';

const ANNOTATION_DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const POLL_MS = 500;

export interface SourceVolumeWish {
  readonly from: Restorable;
  /** VolumeSnapshot in the home: the snapshot itself or its alias. */
  readonly snapshotName: string;
  /** The user's. */
  readonly claim: Claim;
  /** Of a class of the snapshot's driver. */
  readonly storageClass: StorageClass;
  /** What the volume of the snapshot's source holds, where it still exists. */
  readonly sourceCapacity: string | undefined;
}

/** @returns what is awaited; undefined when a pod can mount the volume, or is what it waits for. */
export async function ensureSourceVolume(access: Access, wish: SourceVolumeWish): Promise<NotPrepared | undefined> {
  const { live, marks, claimUid, home, signal } = access;
  const key = { namespace: home, name: sourceVolumeClaimName(claimUid) };
  const found = await live.get(claims, key, { signal });
  if (found === undefined) {
    const made = await live.create(claims, claimFor(access, wish), { signal });
    return afterWrite(made, `temporary claim ${key.name}`) ?? preparing('a volume is made from the snapshot', POLL_MS);
  }
  if (!isMarked(found, key, marks)) return nameTaken(found);
  if (found.metadata.deletionTimestamp !== undefined || found.spec.dataSource?.name !== wish.snapshotName) {
    await removeSourceVolume(access);
    return preparing('waiting for the volume of another attempt to be gone', POLL_MS);
  }
  if (found.spec.volumeName === undefined) return isConsumedFirst(found, wish) ? undefined : provisioning(key.name);
  return found.status?.phase === 'Bound' ? undefined : provisioning(key.name);
}

/** The class waits for a node and none was chosen yet: the pod that reads it will be the first to use it. */
function isConsumedFirst({ metadata }: Claim, { storageClass }: SourceVolumeWish): boolean {
  const waits = storageClass.volumeBindingMode === 'WaitForFirstConsumer';
  return waits && metadata.annotations?.[ANNOTATION_SELECTED_NODE] === undefined;
}

function provisioning(name: string): NotPrepared {
  const message = `a volume is made from the snapshot; if it lasts, see the events of the claim ${name}`;
  return { ...preparing(message, POLL_MS), mood: 'routine' };
}

function claimFor({ marks, claimUid, home }: Access, wish: SourceVolumeWish): NewObject {
  const { claim, storageClass, snapshotName } = wish;
  const { volumeMode } = claim.spec;
  const node = claim.metadata.annotations?.[ANNOTATION_SELECTED_NODE];
  const placed = storageClass.volumeBindingMode === 'WaitForFirstConsumer' && node !== undefined;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: sourceVolumeClaimName(claimUid),
      namespace: home,
      labels: marks.labels,
      annotations: { ...marks.annotations, ...(placed && { [ANNOTATION_SELECTED_NODE]: node }) },
      finalizers: [PROTECTION_FINALIZER],
      ownerReferences: marks.ownerReferences,
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: sizeFor(wish) } },
      storageClassName: storageClass.metadata.name,
      ...(volumeMode !== undefined && { volumeMode }),
      dataSource: { apiGroup: SNAPSHOT_GROUP, kind: volumeSnapshots.kind, name: snapshotName },
    },
  };
}

/** What the snapshot needs; where nobody has said, what its source had, and else what the claim asks for. */
function sizeFor({ from: { snapshot, content }, sourceCapacity, claim }: SourceVolumeWish): string {
  const needed = restoreSizeOf(snapshot, content);
  if (needed !== undefined) return quantityOf(needed);
  return sourceCapacity ?? claim.spec.resources?.requests?.storage ?? '1Gi';
}

export interface ClassChoice {
  readonly driver: string;
  /** Of the claim that the snapshot was taken of, where it still exists. */
  readonly sourceClaim: Claim | undefined;
  /** As the snapshot's owner says. */
  readonly annotated: string | undefined;
  readonly storageClasses: readonly StorageClass[];
}

/** The class of the snapshot's driver that is nearest to the snapshot: the source's own, the annotated one, the default, the first by name. Pure. */
export function chooseSourceClass(choice: ClassChoice): StorageClass | undefined {
  const { driver, sourceClaim, annotated, storageClasses } = choice;
  const able = storageClasses
    .filter(({ provisioner, metadata }) => provisioner === driver && metadata.deletionTimestamp === undefined)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const named = (name: string | undefined) => able.find(({ metadata }) => metadata.name === name);
  return (
    named(annotated) ??
    named(sourceClaim?.spec.storageClassName) ??
    able.find(({ metadata }) => metadata.annotations?.[ANNOTATION_DEFAULT_CLASS] === 'true') ??
    able[0]
  );
}

export function noSourceClass(driver: string): NotPrepared {
  return blocked('NoClassOfSnapshotDriver', [
    "the data has to be read from a volume of the snapshot's own driver",
    foreign(` (${driver})`),
    ', and no StorageClass has that provisioner; create one, or use a class of that driver',
  ]);
}

/**
 * Lets a volume that was provisioned for this claim go with it, even under Retain: nobody was ever given it. Called when no pod uses it any more.
 *
 * @throws where somebody else wrote to it meanwhile: to be called again.
 */
export async function removeSourceVolume({ live, marks, claimUid, home, signal }: Access): Promise<void> {
  const key = { namespace: home, name: sourceVolumeClaimName(claimUid) };
  const found = await live.get(claims, key, { signal });
  if (found === undefined || !isMarked(found, key, marks)) return;
  await suspendRetain(live, found, signal);
  const { uid } = found.metadata;
  await live.delete(claims, key, { uid, signal });
  const left = await live.get(claims, key, { signal });
  if (left?.metadata.uid !== uid) return;
  const { resourceVersion, finalizers = [] } = left.metadata;
  const body = {
    metadata: { uid, resourceVersion, finalizers: finalizers.filter((it) => it !== PROTECTION_FINALIZER) },
  };
  const released = await live.mergePatch(claims, key, body, { signal });
  if (released.type === 'conflict') throw new Error(`claim ${key.name} has changed meanwhile`);
}

async function suspendRetain(live: LiveAccess, claim: Claim, signal: AbortSignal): Promise<void> {
  const name = claim.spec.volumeName;
  const volume = name === undefined ? undefined : await live.get(volumes, { name }, { signal });
  // A volume that was there before this claim is somebody's data, whatever the claim says of itself.
  if (volume === undefined || !isProvisionedFor(volume, claim)) return;
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Retain') return;
  const { uid, resourceVersion } = volume.metadata;
  const annotations = { [ANNOTATION_RECLAIM_POLICY]: 'Retain' };
  const body = {
    metadata: { uid, resourceVersion, annotations },
    spec: { persistentVolumeReclaimPolicy: 'Delete' },
  };
  const written = await live.mergePatch(volumes, { name: volume.metadata.name }, body, { signal });
  if (written.type === 'conflict') throw new Error(`volume ${volume.metadata.name} has changed meanwhile`);
}
