/** Before the prime: the rules, the record of what will be made, the hold on the snapshot, and what CSI needs beside it; one step for each call. */
import { isDeepStrictEqual } from 'node:util';
import { joined, unwrap } from '../../api/foreign.ts';
import { ANNOTATION_SOURCE_CLASS, SNAPSHOT_FINALIZER, snapshotAliasName } from '../../api/names.ts';
import { type VolumeSnapshot, volumeSnapshotContents, volumeSnapshots } from '../../api/snapshots.ts';
import {
  AttemptFailedError,
  type CleanupParams,
  type NotPrepared,
  PermanentError,
  type Prepared,
  type PrepareParams,
} from '../../sdk/index.ts';
import type { Access } from './access.ts';
import { ensureAlias, removeAlias } from './alias.ts';
import { afterWrite, preparing } from './awaited.ts';
import { holdsUntil } from './hold.ts';
import type { RestorePorts } from './ports.ts';
import { repositoryOf } from './repository.ts';
import { chooseRoute } from './route.ts';
import { judge, type Objection, type Restorable, type RestoreReads } from './rules.ts';
import { chooseSourceClass, ensureSourceVolume, noSourceClass, removeSourceVolume } from './source-volume.ts';
import { needsAlias, parseState, type RestoreState } from './state.ts';
import { snapshotOf, type Wish } from './wish.ts';

/** Looks into caches cost nothing: what becomes ready is seen soon, what somebody has to mend a little later. */
const WAIT_MS = { awaited: 1_000, blocked: 3_000 } as const;

export async function prepare(ports: RestorePorts, params: PrepareParams<Wish>): Promise<Prepared | NotPrepared> {
  const before = parseState(params.prepared);
  const verdict = judge(readKnown(ports, params, before));
  if (verdict.objection !== undefined) return refusal(verdict.objection, ports, params);
  const { content, snapshot } = verdict.restorable;
  const route = chooseRoute({ content, storageClass: params.storageClass, subtree: params.source.spec.subtree });
  const { namespace = '', name, uid } = snapshot.metadata;
  const state: RestoreState = { route, snapshot: { namespace, name, uid }, home: params.home };
  if (!isDeepStrictEqual(before, state)) {
    if (before !== undefined) await undo(ports, params, before);
    const path = route === 'Native' ? 'podless' : 'pod';
    return { ...preparing('the restore is recorded', 0), state, path, route };
  }
  const held = await hold(ports, params, snapshot);
  return held ?? (await begin(ports, params, state));
}

/** From here on all is read live: what the caches say may be a moment old, and the snapshot is held. */
async function begin(
  ports: RestorePorts,
  params: PrepareParams<Wish>,
  state: RestoreState,
): Promise<Prepared | NotPrepared> {
  const { signal } = params;
  const snapshot = await ports.live.get(volumeSnapshots, snapshotOf(params.source), { signal });
  const bound = snapshot?.status?.boundVolumeSnapshotContentName;
  const content =
    bound === undefined ? undefined : await ports.live.get(volumeSnapshotContents, { name: bound }, { signal });
  const verdict = judge({ ...readKnown(ports, params, state), snapshot, content });
  if (verdict.objection !== undefined) return refusal(verdict.objection, ports, params);
  const { restorable } = verdict;
  if (state.route === 'Repository') {
    const { objection } = repositoryOf(restorable, state.home);
    return objection === undefined ? { done: true } : refusal(objection, ports, params);
  }
  const access = accessOf(ports, params, state);
  const alias = needsAlias(state) ? await ensureAlias(access, restorable) : undefined;
  if (alias !== undefined || state.route === 'Native') return alias ?? { done: true };
  return (await ensureSource(ports, params, { access, state, from: restorable })) ?? { done: true };
}

interface CopyFrom {
  readonly access: Access;
  readonly state: RestoreState;
  readonly from: Restorable;
}

async function ensureSource(
  { known }: RestorePorts,
  { claimObject }: PrepareParams<Wish>,
  { access, state, from }: CopyFrom,
): Promise<NotPrepared | undefined> {
  const { snapshot, content } = from;
  const { namespace = '' } = snapshot.metadata;
  const sourceName = snapshot.spec.source.persistentVolumeClaimName;
  const sourceClaim = sourceName === undefined ? undefined : known.claim({ namespace, name: sourceName });
  const storageClass = chooseSourceClass({
    driver: content.spec.driver,
    sourceClaim,
    annotated: snapshot.metadata.annotations?.[ANNOTATION_SOURCE_CLASS],
    storageClasses: known.storageClasses(),
  });
  if (storageClass === undefined) return noSourceClass(content.spec.driver);
  const sourceCapacity = sourceClaim?.status?.capacity?.storage;
  const snapshotName = snapshotNameIn(state, access.claimUid);
  return ensureSourceVolume(access, { from, snapshotName, claim: claimObject, storageClass, sourceCapacity });
}

/** Name of the VolumeSnapshot, in the namespace of the prime, that CSI restores from. */
export function snapshotNameIn(state: RestoreState, claimUid: string): string {
  return needsAlias(state) ? snapshotAliasName(claimUid) : state.snapshot.name;
}

function readKnown(
  { known, populatorNamespace }: RestorePorts,
  { source, claimObject }: PrepareParams<Wish>,
  before: RestoreState | undefined,
): RestoreReads {
  const wanted = snapshotOf(source);
  const snapshot = known.snapshot(wanted);
  const bound = snapshot?.status?.boundVolumeSnapshotContentName;
  const held = snapshot?.metadata.finalizers?.includes(SNAPSHOT_FINALIZER) === true;
  return {
    wanted,
    asker: source.namespace,
    uid: source.spec.name === undefined ? source.uid : undefined,
    subtree: source.spec.subtree,
    claim: claimObject,
    crossNamespace: populatorNamespace !== undefined,
    grants: known.grants(wanted.namespace),
    snapshot,
    content: bound === undefined ? undefined : known.content(bound),
    begunWith: held ? before?.snapshot.uid : undefined,
  };
}

/** A restore that cannot go on lets a snapshot go that is being deleted: it would hold it, and its namespace, for nothing. */
async function refusal(
  { reason, message, blocked }: Objection,
  ports: RestorePorts,
  params: PrepareParams<Wish>,
): Promise<NotPrepared> {
  // The claim's population starts again by itself, with the snapshot that is there now.
  if (reason === 'SnapshotReplaced') throw new PermanentError(reason, unwrap(message));
  const before = parseState(params.prepared);
  const deleting = ports.known.snapshot(snapshotOf(params.source))?.metadata.deletionTimestamp !== undefined;
  const forget = deleting && before !== undefined;
  // The state is all that tells of the alias and the source volume: they go first.
  if (forget) await undo(ports, params, before);
  return {
    done: false,
    reason,
    message: joined(message),
    mood: blocked ? 'blocked' : 'progressing',
    pollAfterMs: blocked ? WAIT_MS.blocked : WAIT_MS.awaited,
    ...(forget && { state: null }),
  };
}

/**
 * While the prime waits for its volume. A grant that is taken back ends nothing by itself; but the owner who deletes his snapshot gets it back.
 *
 * @throws AttemptFailedError `SnapshotBeingDeleted`
 */
export async function renew({ known }: RestorePorts, { source, claim, prepared }: PrepareParams<Wish>): Promise<void> {
  const state = parseState(prepared);
  if (state === undefined) return;
  const snapshot = known.snapshot(state.snapshot);
  const restoring = { namespace: claim.namespace, direct: source.spec.name === undefined, hasVolume: false };
  if (snapshot?.metadata.uid === state.snapshot.uid) {
    const { deletionTimestamp } = snapshot.metadata;
    if (deletionTimestamp === undefined) return;
    if (holdsUntil(snapshot, restoring, known.grants(state.snapshot.namespace)) > Date.now()) return;
  }
  const message = `VolumeSnapshot ${state.snapshot.name} is being deleted, or is gone, and no volume was made from it; name another snapshot`;
  throw new AttemptFailedError('SnapshotBeingDeleted', message);
}

/** Puts our finalizer on the snapshot, which must be the one that the record tells of. */
async function hold(
  { live }: RestorePorts,
  { source, signal }: PrepareParams<Wish>,
  { metadata: known }: VolumeSnapshot,
): Promise<NotPrepared | undefined> {
  if (known.finalizers?.includes(SNAPSHOT_FINALIZER) === true) return undefined;
  const key = snapshotOf(source);
  const found = await live.get(volumeSnapshots, key, { signal });
  if (found === undefined || found.metadata.uid !== known.uid) return preparing('the snapshot has changed', 100);
  const { uid, resourceVersion, finalizers = [], deletionTimestamp } = found.metadata;
  if (finalizers.includes(SNAPSHOT_FINALIZER) || deletionTimestamp !== undefined) return undefined;
  const body = { metadata: { uid, resourceVersion, finalizers: [...finalizers, SNAPSHOT_FINALIZER] } };
  return afterWrite(await live.mergePatch(volumeSnapshots, key, body, { signal }), `VolumeSnapshot ${key.name}`);
}

/** Removes what the state tells of, but for the hold on the snapshot: that goes when no living Population tells of it any more. */
export async function undo(ports: RestorePorts, params: UndoParams, state: RestoreState): Promise<void> {
  const access = accessOf(ports, params, state);
  if (state.route === 'Copy') await removeSourceVolume(access);
  if (needsAlias(state)) await removeAlias(access);
}

type UndoParams = Pick<CleanupParams<Wish>, 'marks' | 'claim' | 'signal'>;

function accessOf(ports: RestorePorts, { marks, claim, signal }: UndoParams, { home }: RestoreState): Access {
  return { live: ports.live, marks, claimUid: claim.uid, home, signal };
}
