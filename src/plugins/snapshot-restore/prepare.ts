/** Before the prime: the rules, the record of what will be made, the hold on the snapshot, and what CSI needs beside it; one step for each call. */
import { isDeepStrictEqual } from 'node:util';
import { SNAPSHOT_FINALIZER } from '../../api/names.ts';
import { type VolumeSnapshot, volumeSnapshotContents, volumeSnapshots } from '../../api/snapshots.ts';
import {
  type CleanupParams,
  type NotPrepared,
  PermanentError,
  type Prepared,
  type PrepareParams,
} from '../../sdk/index.ts';
import { type AliasAccess, ensureAlias, removeAlias } from './alias.ts';
import { afterWrite, preparing } from './awaited.ts';
import type { RestorePorts } from './ports.ts';
import { chooseRoute } from './route.ts';
import { judge, type Objection, type RestoreReads } from './rules.ts';
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
  const alias = needsAlias(state)
    ? await ensureAlias(aliasAccess(ports, params, state), verdict.restorable)
    : undefined;
  return alias ?? { done: true };
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
function refusal(
  { reason, message, blocked }: Objection,
  { known }: RestorePorts,
  { source, prepared }: PrepareParams<Wish>,
): NotPrepared {
  // The claim's population starts again by itself, with the snapshot that is there now.
  if (reason === 'SnapshotReplaced') throw new PermanentError(reason, message);
  const deleting = known.snapshot(snapshotOf(source))?.metadata.deletionTimestamp !== undefined;
  return {
    done: false,
    reason,
    message,
    mood: blocked ? 'blocked' : 'progressing',
    pollAfterMs: blocked ? WAIT_MS.blocked : WAIT_MS.awaited,
    ...(deleting && parseState(prepared) !== undefined && { state: null }),
  };
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
  if (needsAlias(state)) await removeAlias(aliasAccess(ports, params, state));
}

type UndoParams = Pick<CleanupParams<Wish>, 'marks' | 'claim' | 'signal'>;

function aliasAccess(ports: RestorePorts, { marks, claim, signal }: UndoParams, { home }: RestoreState): AliasAccess {
  return { live: ports.live, marks, claimUid: claim.uid, home, signal };
}
