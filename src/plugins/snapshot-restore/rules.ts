/**
 * Whether a snapshot may be restored into a claim: the rules of external-provisioner (`getSnapshotSource`), in its order, and those that are ours.
 * Pure; the first that does not hold is told. All are asked again later: the world can change.
 */
import { type Foreign, foreign, type Text } from '../../api/foreign.ts';
import type { Claim } from '../../api/objects.ts';
import { GROUP } from '../../api/names.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Reason } from '../../api/reasons.ts';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import { snapshotRestores } from '../../api/snapshot-restore.ts';
import {
  ANNOTATION_ALLOW_MODE_CHANGE,
  SNAPSHOT_DRIVER,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
} from '../../api/snapshots.ts';
import { keyOfHandle } from '../snapshot-capture/task.ts';
import { isSnapshotGranted } from './hold.ts';
import type { SnapshotKey } from './wish.ts';

export interface RestoreReads {
  /** As the source names it. */
  readonly wanted: SnapshotKey;
  /** Namespace of the source. */
  readonly asker: string;
  /** The source is the VolumeSnapshot itself; its UID. */
  readonly uid: string | undefined;
  readonly subtree: string | undefined;
  readonly claim: Pick<Claim, 'spec'>;
  readonly crossNamespace: boolean;
  /** Of the namespace of the snapshot. */
  readonly grants: readonly ReferenceGrant[];
  readonly snapshot: VolumeSnapshot | undefined;
  /** The one that the snapshot's status names. */
  readonly content: VolumeSnapshotContent | undefined;
  /** UID of the snapshot that this restore has begun with. */
  readonly begunWith: string | undefined;
}

export interface Objection {
  readonly reason: Reason;
  readonly message: Text;
  /** Somebody has to do something; else it is awaited. */
  readonly blocked: boolean;
}

export interface Restorable {
  readonly snapshot: VolumeSnapshot;
  readonly content: VolumeSnapshotContent;
  readonly handle: string;
}

export type Verdict =
  | { readonly objection: Objection }
  | { readonly objection?: undefined; readonly restorable: Restorable };

/** Whether a restore may go on from what was read. */
export function judge(reads: RestoreReads): Verdict {
  const early = access(reads) ?? presence(reads);
  if (early !== undefined) return { objection: early };
  const { snapshot, content } = reads;
  const it = `VolumeSnapshot ${reads.wanted.name}`;
  const bound = snapshot?.status?.boundVolumeSnapshotContentName;
  if (snapshot === undefined || bound === undefined)
    return waits('SnapshotNotReady', [`${it} is not bound to a content yet`, ...errorOf(snapshot)]);
  if (content === undefined || content.metadata.name !== bound)
    return refuses('SnapshotContentMissing', `the VolumeSnapshotContent that ${it} is bound to does not exist`);
  if (!namesBack(content, snapshot))
    return refuses(
      'SnapshotMisbound',
      `${it} says that it is bound to a VolumeSnapshotContent that is bound to another one; its data is not given away`,
    );
  if (snapshot.status?.readyToUse !== true)
    return waits('SnapshotNotReady', [`${it} is not ready to use`, ...errorOf(snapshot)]);
  const handle = content.status?.snapshotHandle ?? '';
  if (handle === '') return waits('SnapshotNotReady', `the content of ${it} has no handle yet`);
  const objection = handleShape(content, handle) ?? size(reads, snapshot, content) ?? volumeMode(reads, content);
  return objection === undefined ? { restorable: { snapshot, content, handle } } : { objection };
}

function access({ wanted, asker, crossNamespace, grants }: RestoreReads): Objection | undefined {
  if (wanted.namespace === asker) return undefined;
  if (!crossNamespace)
    return blocked(
      'CrossNamespaceNotSupported',
      'spec.snapshotRef.namespace names another namespace, and the controller runs without --cross-namespace',
    );
  const from = { group: GROUP, kind: snapshotRestores.kind };
  if (isSnapshotGranted(grants, { wanted, asker, from })) return undefined;
  return blocked(
    'ReferenceNotGranted',
    `no ReferenceGrant in namespace ${wanted.namespace} lets a SnapshotRestore of namespace ${asker} use VolumeSnapshot ${wanted.name}; waiting for one`,
  );
}

function presence({ wanted, snapshot, uid, begunWith }: RestoreReads): Objection | undefined {
  const it = `VolumeSnapshot ${wanted.name}`;
  if (snapshot === undefined)
    return blocked('SnapshotNotFound', `${it} does not exist in namespace ${wanted.namespace}; waiting for it`);
  if (uid !== undefined && uid !== snapshot.metadata.uid)
    return blocked('SnapshotReplaced', `${it} was deleted and made anew since this restore began; recreate the claim`);
  // A restore that has begun holds it: see SNAPSHOT_FINALIZER.
  if (snapshot.metadata.deletionTimestamp !== undefined && begunWith !== snapshot.metadata.uid)
    return blocked('SnapshotBeingDeleted', `${it} is being deleted; nothing is begun from it`);
  return undefined;
}

/** Name, namespace and UID: whoever may write a snapshot's status could otherwise read the data of others. */
function namesBack({ spec: { volumeSnapshotRef: ref } }: VolumeSnapshotContent, { metadata }: VolumeSnapshot): boolean {
  return ref.name === metadata.name && ref.namespace === metadata.namespace && ref.uid === metadata.uid;
}

function handleShape({ spec }: VolumeSnapshotContent, handle: string): Objection | undefined {
  if (spec.driver !== SNAPSHOT_DRIVER || keyOfHandle(handle) !== undefined) return undefined;
  return blocked(
    'SnapshotContentMissing',
    'the handle of the VolumeSnapshotContent is none that this version of Volprime knows',
  );
}

/** Bytes that a volume needs at least to take the whole snapshot; undefined where nobody has said: absent and 0 mean unknown. */
export function restoreSizeOf(snapshot: VolumeSnapshot, content: VolumeSnapshotContent): bigint | undefined {
  const told = parseQuantity(snapshot.status?.restoreSize ?? '0') ?? 0n;
  const size = told > 0n ? told : BigInt(Math.max(0, content.status?.restoreSize ?? 0));
  return size > 0n ? size : undefined;
}

/** Of a part of a snapshot nobody knows the size: if it does not fit, the restore says so. */
function size(reads: RestoreReads, snapshot: VolumeSnapshot, content: VolumeSnapshotContent): Objection | undefined {
  const needed = restoreSizeOf(snapshot, content);
  const request = reads.claim.spec.resources?.requests?.storage ?? '0';
  if (reads.subtree !== undefined || needed === undefined || (parseQuantity(request) ?? 0n) >= needed) return undefined;
  return blocked(
    'ClaimSmallerThanSnapshot',
    `the claim asks for ${request}, and VolumeSnapshot ${reads.wanted.name} needs ${quantityOf(needed)}; recreate the claim with at least that`,
  );
}

function volumeMode(
  { claim, subtree }: RestoreReads,
  { spec, metadata }: VolumeSnapshotContent,
): Objection | undefined {
  const wanted = claim.spec.volumeMode ?? 'Filesystem';
  if (subtree !== undefined && wanted === 'Block')
    return blocked(
      'VolumeModeChangeNotAllowed',
      'spec.path names a directory, and the claim is for a raw block volume',
    );
  if (spec.sourceVolumeMode === undefined || spec.sourceVolumeMode === wanted) return undefined;
  // There are two; the content's own word stays where it is.
  const source = wanted === 'Block' ? 'Filesystem' : 'Block';
  const change = `the snapshot is of a volume with volumeMode ${source}, the claim asks for ${wanted}`;
  if (spec.driver === SNAPSHOT_DRIVER)
    return blocked('VolumeModeChangeNotAllowed', `${change}; a snapshot in a repository keeps its mode`);
  const told = metadata.annotations?.[ANNOTATION_ALLOW_MODE_CHANGE];
  const allowed = parseBoolean(told ?? 'false');
  if (allowed === true) return undefined;
  const it = `annotation ${ANNOTATION_ALLOW_MODE_CHANGE}`;
  if (allowed === false)
    return blocked('VolumeModeChangeNotAllowed', `${change}; its content does not allow that (${it})`);
  const value = foreign(` (${JSON.stringify(told)})`);
  return blocked('VolumeModeChangeNotAllowed', [`${change}; the ${it} of its content`, value, ' is not a boolean']);
}

/** As Go's strconv.ParseBool, by which upstream reads the annotation; undefined for nonsense. */
export function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

export function quantityOf(bytes: bigint): string {
  const units = ['Ki', 'Mi', 'Gi', 'Ti'] as const;
  let [size, unit] = [bytes, ''];
  for (const next of units) {
    if (size === 0n || size % 1024n !== 0n) break;
    [size, unit] = [size / 1024n, next];
  }
  return `${size}${unit}`;
}

function errorOf(snapshot: VolumeSnapshot | undefined): readonly Foreign<string>[] {
  const message = snapshot?.status?.error?.message;
  return message === undefined ? [] : [foreign(`: ${message}`)];
}

function blocked(reason: Reason, message: Text): Objection {
  return { reason, message, blocked: true };
}

function refuses(reason: Reason, message: Text): Verdict {
  return { objection: blocked(reason, message) };
}

function waits(reason: Reason, message: Text): Verdict {
  return { objection: { reason, message, blocked: false } };
}
