/**
 * A second VolumeSnapshot with one handle, where the prime is: CSI drivers restore within one namespace. Its content is static and always under
 * Retain, so that the handle is never deleted twice; the original stays as it is (moving it, as backup tools do, would take it from its owner).
 */
import { foreign } from '../../api/foreign.ts';
import { snapshotAliasName } from '../../api/names.ts';
import type { NewObject } from '../../api/objects.ts';
import { apiVersionOf } from '../../api/resources.ts';
import {
  ANNOTATION_ALLOW_MODE_CHANGE,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../api/snapshots.ts';
import { isMarked, type NotPrepared, type Place } from '../../sdk/index.ts';
import type { Access } from './access.ts';
import { afterWrite, preparing } from './awaited.ts';
import { nameTaken } from './name-taken.ts';
import type { Restorable } from './rules.ts';

/** By the snapshot controller where each node has a sidecar of its own, which serves only contents with its node's name. */
const LABEL_NODE = 'snapshot.storage.kubernetes.io/managed-by';
const POLL_MS = 500;

/** @returns what is awaited; undefined when the alias can be restored from. */
export async function ensureAlias(access: Access, original: Restorable): Promise<NotPrepared | undefined> {
  return (await ensureContent(access, original)) ?? (await ensureSnapshot(access));
}

async function ensureContent(access: Access, original: Restorable): Promise<NotPrepared | undefined> {
  const { live, marks, signal } = access;
  const name = snapshotAliasName(access.claimUid);
  const found = await live.get(volumeSnapshotContents, { name }, { signal });
  if (found === undefined) {
    const made = await live.create(volumeSnapshotContents, contentFor(access, original), { signal });
    return afterWrite(made, `VolumeSnapshotContent ${name}`);
  }
  if (!isMarked(found, contentPlace(access), marks)) return nameTaken(found);
  const { metadata, spec } = found;
  const fits = spec.source.snapshotHandle === original.handle && spec.driver === original.content.spec.driver;
  if (fits && metadata.deletionTimestamp === undefined) return undefined;
  await removeAlias(access);
  return preparing('waiting for the alias of another snapshot to be gone', POLL_MS);
}

function contentFor({ marks, claimUid, home }: Access, { content, handle }: Restorable): NewObject {
  const { driver, sourceVolumeMode } = content.spec;
  const allowed = content.metadata.annotations?.[ANNOTATION_ALLOW_MODE_CHANGE];
  const node = content.metadata.labels?.[LABEL_NODE];
  const name = snapshotAliasName(claimUid);
  const spec: VolumeSnapshotContent['spec'] = {
    driver,
    deletionPolicy: 'Retain',
    source: { snapshotHandle: handle },
    ...(sourceVolumeMode !== undefined && { sourceVolumeMode }),
    volumeSnapshotRef: { namespace: home, name },
  };
  return {
    apiVersion: apiVersionOf(volumeSnapshotContents),
    kind: volumeSnapshotContents.kind,
    metadata: {
      name,
      labels: { ...marks.labels, ...(node !== undefined && { [LABEL_NODE]: node }) },
      annotations: { ...marks.annotations, ...(allowed !== undefined && { [ANNOTATION_ALLOW_MODE_CHANGE]: allowed }) },
    },
    spec,
  };
}

async function ensureSnapshot(access: Access): Promise<NotPrepared | undefined> {
  const { live, marks, signal, home, claimUid } = access;
  const { labels, annotations, ownerReferences } = marks;
  const name = snapshotAliasName(claimUid);
  const found = await live.get(volumeSnapshots, { namespace: home, name }, { signal });
  if (found === undefined) {
    const made = await live.create(
      volumeSnapshots,
      {
        apiVersion: apiVersionOf(volumeSnapshots),
        kind: volumeSnapshots.kind,
        metadata: { name, namespace: home, labels, annotations, ownerReferences },
        spec: { source: { volumeSnapshotContentName: name } },
      },
      { signal },
    );
    return afterWrite(made, `VolumeSnapshot ${home}/${name}`) ?? preparing('the alias is being bound', POLL_MS);
  }
  if (!isMarked(found, snapshotPlace(access), marks)) return nameTaken(found);
  if (found.metadata.deletionTimestamp !== undefined)
    return preparing('waiting for the alias of another attempt to be gone', POLL_MS);
  if (found.status?.readyToUse === true) return undefined;
  const why = found.status?.error?.message;
  const message = [
    'waiting for the alias of the snapshot to be ready',
    ...(why === undefined ? [] : [foreign(`: ${why}`)]),
  ];
  return { ...preparing(message, POLL_MS), ...(why !== undefined && { mood: 'progressing' as const }) };
}

/** Asks for both to go; what the snapshot controller still needs for that, it waits for without us (a prime that is provisioned from it). */
export async function removeAlias(access: Access): Promise<void> {
  const { live, marks, signal } = access;
  const [ofSnapshot, ofContent] = [snapshotPlace(access), contentPlace(access)];
  const snapshot = await live.get(volumeSnapshots, ofSnapshot, { signal });
  if (snapshot !== undefined && isMarked(snapshot, ofSnapshot, marks))
    await live.delete(volumeSnapshots, ofSnapshot, { uid: snapshot.metadata.uid, signal });
  const content = await live.get(volumeSnapshotContents, ofContent, { signal });
  if (content !== undefined && isMarked(content, ofContent, marks))
    await live.delete(volumeSnapshotContents, ofContent, { uid: content.metadata.uid, signal });
}

function snapshotPlace({ home, claimUid }: Access): Place {
  return { namespace: home, name: snapshotAliasName(claimUid) };
}

function contentPlace({ claimUid }: Access): Place {
  return { namespace: undefined, name: snapshotAliasName(claimUid) };
}
