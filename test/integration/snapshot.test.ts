/** VolumeSnapshots of a driver of ours, on a real API server and beside upstream's own snapshot controller. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { directorySnapshots } from '../../samples/plugins/directory-snapshots/plugin.ts';
import { CAPTURE_SOURCE_FINALIZER } from '../../src/api/names.ts';
import { claims, namespaces } from '../../src/api/resources.ts';
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_BEING_DELETED,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../src/api/snapshots.ts';
import { volumeCaptures } from '../../src/api/volume-capture.ts';
import { hasFinalizer } from '../../src/runtime/index.ts';
import { PermanentError, TemporaryError } from '../../src/sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { Faults, withFaults } from '../support/faulty-snapshots.ts';
import { done, ofThisRun } from './control-plane.ts';
import { aContent, type Controllers, DRIVER, SnapshotGround } from './snapshot-ground.ts';

jest.setTimeout(120_000);

const hostPath = { source: { hostPath: { path: '/srv/data' } }, files: { greeting: 'hello' } };

let ground: SnapshotGround;
let ours: Controllers;
let faults: Faults;

beforeAll(async () => {
  ground = await SnapshotGround.create();
  faults = new Faults();
  ours = start();
});
afterEach(() => {
  faults.before.snapshot = undefined;
  faults.before.snapshotComplete = undefined;
  faults.before.snapshotDelete = undefined;
  faults.before.snapshotCleanup = undefined;
});
afterAll(() => ground.close());

test('scenario 36: without the kinds of snapshots the controllers run and are silent; when they come, the feature is on', async () => {
  await eventually('the controllers to run', () => words().includes('controller started'));
  await ground.installCrds();
  await ground.startUpstream();
  const { namespace, asked } = await aReadySnapshot();
  expect((await ground.snapshot(namespace, 'first'))?.status).toMatchObject({
    readyToUse: true,
    restoreSize: '2Gi',
    creationTime: expect.any(String),
  });
  expect(readFileSync(dataOf(asked, 'greeting'), 'utf8')).toBe('hello');
  expect(ours.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

describe('deletion', () => {
  test('scenario 16: policy Delete: with the VolumeSnapshot go its data, its content and our hold on it', async () => {
    const { asked, content } = await aReadySnapshot();
    expect(content).toMatchObject({
      spec: { driver: DRIVER },
      status: { snapshotHandle: `directory:${asked.metadata.uid}` },
    });
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    await ground.gone(volumeSnapshotContents, content);
    expect(existsSync(dataOf(asked))).toBe(false);
  });

  test('scenario 17: policy Retain: content and data stay, also when the content is deleted later', async () => {
    const { asked, content } = await aReadySnapshot({ deletionPolicy: 'Retain' });
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    const kept = await ground.content(content.metadata.name);
    expect(kept?.metadata.annotations).toHaveProperty([ANNOTATION_BEING_DELETED]);
    expect(kept?.status?.readyToUse).toBe(true);
    await ground.delete(volumeSnapshotContents, content);
    await ground.gone(volumeSnapshotContents, content);
    expect(existsSync(dataOf(asked))).toBe(true);
  });

  test('scenario 18: a policy switched from Delete to Retain keeps the data', async () => {
    const { asked, content } = await aReadySnapshot();
    const { uid, name } = content.metadata;
    done(
      await ground.client.mergePatch(
        volumeSnapshotContents,
        { name },
        { metadata: { uid }, spec: { deletionPolicy: 'Retain' } },
      ),
    );
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    expect(existsSync(dataOf(asked))).toBe(true);
  });

  test('scenario 19: a content that is deleted alone waits, with its data, for its VolumeSnapshot', async () => {
    const { namespace, asked, content } = await aReadySnapshot();
    await ground.delete(volumeSnapshotContents, content);
    // Another snapshot from beginning to end: whatever was to be done about the first had its time.
    await aReadySnapshot();
    const waiting = await ground.content(content.metadata.name);
    expect(waiting?.metadata.deletionTimestamp).toBeDefined();
    expect(waiting?.status?.snapshotHandle).toBeDefined();
    expect(existsSync(dataOf(asked, 'greeting'))).toBe(true);
    expect(await ground.snapshot(namespace, 'first')).toBeDefined();
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    await ground.gone(volumeSnapshotContents, content);
    expect(existsSync(dataOf(asked))).toBe(false);
  });

  test.each(['Delete', 'Retain'])(
    'scenario 20: a capture that hangs is cancelled with its VolumeSnapshot (%s)',
    async (deletionPolicy) => {
      faults.before.snapshotComplete = hangs;
      const { namespace, asked } = await aSnapshot({ deletionPolicy });
      const content = await contentWith(namespace, ({ status }) => status?.snapshotHandle !== undefined);
      await ground.delete(volumeSnapshots, asked);
      await ground.gone(volumeSnapshots, asked);
      await eventually('the data to be removed', () => !existsSync(dataOf(asked)));
      await eventually('the work to be tidied up', () => faults.count('snapshotCleanup', asked.metadata.uid) > 0);
      if (deletionPolicy === 'Delete') await ground.gone(volumeSnapshotContents, content);
      else
        await eventually(
          'the content to be at rest',
          () => ground.content(content.metadata.name),
          (kept) => kept !== undefined && !isBegun(kept) && kept.status?.snapshotHandle === undefined,
        );
    },
  );

  test('scenario 20: a capture that cannot even be cancelled holds nothing for ever, and what may be left is named', async () => {
    faults.before.snapshotComplete = hangs;
    faults.before.snapshotDelete = async () => {
      throw new TemporaryError('the repository does not answer', 50);
    };
    const { namespace, asked } = await aSnapshot();
    await contentWith(namespace, ({ status }) => status?.snapshotHandle !== undefined);
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    // Upstream holds the VolumeSnapshot for its content only if it had the time to say so.
    await eventually('what is left to be told', () => notesOf(asked, 'SnapshotDataLeft').length > 0);
    expect(notesOf(asked, 'SnapshotDataLeft')).toEqual([expect.stringContaining(`directory:${asked.metadata.uid}`)]);
  });

  test('data that cannot be removed holds a ready snapshot, until its namespace ends: then a Warning names handle and Secret', async () => {
    const secret = {
      'csi.storage.k8s.io/snapshotter-secret-name': 'repository',
      'csi.storage.k8s.io/snapshotter-secret-namespace': '${volumesnapshot.namespace}',
    };
    const { namespace, asked } = await aReadySnapshot({ parameters: secret });
    faults.before.snapshotDelete = async () => {
      throw new TemporaryError('no pod can be made', 50);
    };
    await ground.delete(volumeSnapshots, asked);
    // More often than what is not ready may fail.
    await eventually('the removal to be tried again', () => faults.count('snapshotDelete', asked.metadata.uid) > 8);
    expect(await ground.snapshot(namespace, 'first')).toBeDefined();
    expect(notesOf(asked, 'SnapshotDeleteError').length).toBeGreaterThan(0);
    const ending = await ground.client.get(namespaces, { name: namespace });
    if (ending !== undefined) await ground.delete(namespaces, ending);
    await ground.gone(volumeSnapshots, asked);
    expect(notesOf(asked, 'SnapshotDataLeft')).toEqual([
      expect.stringMatching(
        new RegExp(`directory:${asked.metadata.uid}.*Secret ${namespace}/repository.*no pod can be made`),
      ),
    ]);
  });

  test('scenario 25: a class that is gone is needed by nothing that it began', async () => {
    const { asked, content, className } = await aReadySnapshot();
    const snapshotClass = await ground.client.get(volumeSnapshotClasses, { name: className });
    if (snapshotClass !== undefined) await ground.delete(volumeSnapshotClasses, snapshotClass);
    await ground.delete(volumeSnapshots, asked);
    await ground.gone(volumeSnapshots, asked);
    await ground.gone(volumeSnapshotContents, content);
    expect(existsSync(dataOf(asked))).toBe(false);
  });

  test('scenario 13: while our finalizer says that somebody reads it, the data stays', async () => {
    const { asked } = await aReadySnapshot();
    await withFinalizers(asked, (finalizers) => [...finalizers, 'volprime.dev/test-restore']);
    await ground.delete(volumeSnapshots, asked);
    await eventually('it to be told', () => notesOf(asked, 'SnapshotDeletePending').length > 0);
    expect(existsSync(dataOf(asked, 'greeting'))).toBe(true);
    await withFinalizers(asked, (finalizers) => finalizers.filter((each) => each !== 'volprime.dev/test-restore'));
    await ground.gone(volumeSnapshots, asked);
    expect(existsSync(dataOf(asked))).toBe(false);
  });
});

describe('failures', () => {
  test('scenario 21: what may get better is tried again: the annotation stays, the error goes', async () => {
    faults.before.snapshot = async () => {
      throw new TemporaryError('the repository does not answer', 50, { reason: 'RepositoryUnreachable' });
    };
    const { namespace, asked } = await aSnapshot();
    await failing(namespace, 'RepositoryUnreachable: the repository does not answer');
    expect(isBegun(await contentWith(namespace, () => true))).toBe(true);
    await eventually('it to be tried again', () => faults.count('snapshot', asked.metadata.uid) > 2);
    faults.before.snapshot = undefined;
    const ready = await ground.ready(namespace, 'first');
    expect(ready?.status?.error).toBeUndefined();
    expect(notesOf(asked, 'RepositoryUnreachable')).toHaveLength(1);
  });

  test('scenario 22: what no repetition mends ends the attempt, and its words hold no password', async () => {
    faults.before.snapshot = async () => {
      throw new PermanentError('RepositoryRefused', 'https://me:hunter2@store/ refuses the password');
    };
    const { namespace, asked } = await aSnapshot();
    await failing(namespace, 'RepositoryRefused: https://***@store/ refuses the password');
    await contentWith(namespace, (content) => !isBegun(content));
    expect(faults.count('snapshotCleanup', asked.metadata.uid)).toBeGreaterThan(0);
    expect(faults.count('snapshot', asked.metadata.uid)).toBe(1);
    expect(notesOf(asked, 'RepositoryRefused').join()).not.toContain('hunter2');
  });

  test('a controller that ends in the middle is followed by another that goes on with the same key', async () => {
    faults.before.snapshotComplete = hangs;
    const { namespace, asked } = await aSnapshot();
    await contentWith(namespace, ({ status }) => status?.snapshotHandle !== undefined);
    await eventually('the copy to be made', () => existsSync(dataOf(asked, 'greeting')));
    await ours.stop();
    const begun = faults.count('snapshot', asked.metadata.uid);
    faults.before.snapshotComplete = undefined;
    ours = start();
    await ground.ready(namespace, 'first');
    await contentWith(namespace, (content) => !isBegun(content));
    expect(faults.count('snapshot', asked.metadata.uid)).toBe(begun);
  });
});

describe('sources and classes', () => {
  test('scenario 23: an import says what it does not find, and is ready when it does', async () => {
    const { asked, namespace } = await aReadySnapshot();
    await anImport(namespace, 'wrong', 'directory:nothing');
    await failing(namespace, 'SnapshotNotFound: there is no copy with the handle directory:nothing', 'wrong');
    await anImport(namespace, 'right', `directory:${asked.metadata.uid}`);
    const imported = await ground.ready(namespace, 'right');
    const original = await ground.snapshot(namespace, 'first');
    expect(imported?.status?.creationTime).toBe(original?.status?.creationTime);
    expect(imported?.status?.restoreSize).toBeUndefined();
    const theirs = imported ?? asked;
    await ground.delete(volumeSnapshots, theirs);
    await ground.gone(volumeSnapshots, theirs);
    // Its content says Retain.
    expect(existsSync(dataOf(asked, 'greeting'))).toBe(true);
  });

  test('scenario 24: a class of ours that is marked as default is never chosen for a volume of a CSI driver', async () => {
    const namespace = await ground.newNamespace();
    await ground.aClaim(namespace, 'data', {});
    await ground.aClass({
      metadata: {
        name: `default-${namespace}`,
        labels: ofThisRun,
        annotations: { 'snapshot.storage.kubernetes.io/is-default-class': 'true' },
      },
    });
    const asked = await ground.aSnapshot(namespace, 'first', { source: { persistentVolumeClaimName: 'data' } });
    const failed = await eventually(
      'upstream to refuse it',
      () => ground.snapshot(namespace, 'first'),
      (found) => found?.status?.error !== undefined,
    );
    expect(failed?.spec.volumeSnapshotClassName).toBeUndefined();
    expect(faults.count('snapshot', asked.metadata.uid)).toBe(0);
  });

  test('scenario 26: the claim stays as long as it is captured, and no longer', async () => {
    faults.before.snapshotComplete = hangs;
    const { namespace, claim } = await aSnapshot();
    await contentWith(namespace, ({ status }) => status?.snapshotHandle !== undefined);
    await ground.delete(claims, claim);
    expect((await ground.client.get(claims, { namespace, name: 'data' }))?.metadata.deletionTimestamp).toBeDefined();
    await ours.stop();
    faults.before.snapshotComplete = undefined;
    ours = start();
    await ground.ready(namespace, 'first');
    await eventually(
      'upstream to let the claim go',
      () => ground.client.get(claims, { namespace, name: 'data' }),
      (found) => found?.metadata.finalizers?.some((each) => each.startsWith('snapshot.')) !== true,
    );
  });

  test('scenario 29: contents of other drivers are left alone', async () => {
    const namespace = await ground.newNamespace();
    await ground.aClaim(namespace, 'data', {});
    const asked = await ground.aSnapshot(namespace, 'first', {
      source: { persistentVolumeClaimName: 'data' },
      volumeSnapshotClassName: await ground.aClass({ driver: 'csi.example.com' }),
    });
    const theirs = await contentWith(namespace, ({ metadata }) => metadata.finalizers !== undefined);
    await aReadySnapshot();
    expect(await ground.content(theirs.metadata.name)).toMatchObject({
      metadata: { resourceVersion: theirs.metadata.resourceVersion },
    });
    expect(faults.count('snapshot', asked.metadata.uid)).toBe(0);
  });
});

describe('scenario 6: a volume of no CSI driver', () => {
  test("a VolumeSnapshot of it gets upstream's error, and our event that points to the VolumeCapture", async () => {
    const namespace = await ground.newNamespace();
    await ground.claimOf(namespace, 'data', hostPath);
    const asked = await ground.aSnapshot(namespace, 'first', {
      source: { persistentVolumeClaimName: 'data' },
      volumeSnapshotClassName: await ground.aClass(),
    });
    await eventually(
      'upstream to refuse it',
      () => ground.snapshot(namespace, 'first'),
      (found) => found?.status?.error !== undefined,
    );
    await eventually('our event', () => notesOf(asked, 'UseVolumeCapture').length === 1);
  });

  test('is captured by a VolumeCapture: the VolumeSnapshot stays when that goes, and takes the data with it', async () => {
    const { namespace, capture, claim } = await aCapture();
    const snapshot = await ground.ready(namespace, 'nightly');
    expect(snapshot?.status).toMatchObject({ restoreSize: '2Gi', creationTime: expect.any(String) });
    const ready = await captureWith(namespace, 'Captured');
    expect(ready?.status).toMatchObject({
      snapshotName: 'nightly',
      contentName: `volprime-capture-${capture.metadata.uid}`,
    });
    await eventually(
      'the claim to be free',
      () => ground.client.get(claims, { namespace, name: claim.metadata.name }),
      (found) => found !== undefined && !hasFinalizer(found, CAPTURE_SOURCE_FINALIZER),
    );
    await ground.delete(volumeCaptures, capture);
    await ground.gone(volumeCaptures, capture);
    // Whatever that would have set in motion had its time.
    await aReadySnapshot();
    expect((await ground.snapshot(namespace, 'nightly'))?.status?.readyToUse).toBe(true);
    expect(readFileSync(join(ground.root, 'snapshots', capture.metadata.uid, 'greeting'), 'utf8')).toBe('hello');
    if (snapshot === undefined) return;
    await ground.delete(volumeSnapshots, snapshot);
    await ground.gone(volumeSnapshots, snapshot);
    expect(existsSync(join(ground.root, 'snapshots', capture.metadata.uid))).toBe(false);
  });

  test.each(['Delete', 'Retain'])(
    'is let go when the VolumeCapture is deleted in the middle, and nothing is left (%s)',
    async (deletionPolicy) => {
      faults.before.snapshotComplete = hangs;
      const { namespace, capture } = await aCapture({ deletionPolicy });
      const content = await eventually(
        'the capture to begin',
        () => ground.content(`volprime-capture-${capture.metadata.uid}`),
        (found) => found?.status?.snapshotHandle !== undefined,
      );
      expect(
        hasFinalizer(
          (await ground.client.get(claims, { namespace, name: 'data' })) ?? capture,
          CAPTURE_SOURCE_FINALIZER,
        ),
      ).toBe(true);
      await ground.delete(volumeCaptures, capture);
      await eventually(
        'the VolumeSnapshot to be gone',
        () => ground.snapshot(namespace, 'nightly'),
        (found) => found === undefined,
      );
      if (content !== undefined) await ground.gone(volumeSnapshotContents, content);
      expect(existsSync(join(ground.root, 'snapshots', capture.metadata.uid))).toBe(false);
      await eventually(
        'the claim to be free',
        () => ground.client.get(claims, { namespace, name: 'data' }),
        (found) => found !== undefined && !hasFinalizer(found, CAPTURE_SOURCE_FINALIZER),
      );
    },
  );

  test('whose VolumeSnapshot is deleted in the middle is captured no more', async () => {
    faults.before.snapshotComplete = hangs;
    const { namespace, capture } = await aCapture();
    await eventually(
      'the capture to begin',
      () => ground.content(`volprime-capture-${capture.metadata.uid}`),
      (found) => found?.status?.snapshotHandle !== undefined && found.spec.volumeSnapshotRef.uid !== undefined,
    );
    const snapshot = await ground.snapshot(namespace, 'nightly');
    if (snapshot !== undefined) await ground.delete(volumeSnapshots, snapshot);
    const ended = await captureWith(namespace, 'SnapshotDeleted', ({ status }) => status?.completedAt !== undefined);
    expect(ended?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Stalled', status: 'True' }));
    if (snapshot !== undefined) await ground.gone(volumeSnapshots, snapshot);
  });

  test.each([
    ['before', false],
    ['after', true],
  ])(
    "somebody else's VolumeSnapshot of that name is left alone; what was made goes, %s it is captured",
    async (_, captured) => {
      if (!captured) faults.before.snapshotComplete = hangs;
      const namespace = await ground.newNamespace();
      await ground.claimOf(namespace, 'data', hostPath);
      const theirs = await ground.aSnapshot(namespace, 'nightly', {
        source: { volumeSnapshotContentName: 'elsewhere' },
      });
      const capture = await ground.aCapture(namespace, 'nightly', {
        claimName: 'data',
        volumeSnapshotClassName: await ground.aClass(),
      });
      await captureWith(namespace, 'NameTaken');
      const content = () => ground.content(`volprime-capture-${capture.metadata.uid}`);
      if (captured)
        await eventually(
          'the content to be ready',
          content,
          (found) => found?.status?.readyToUse === true && !isBegun(found),
        );
      expect((await ground.snapshot(namespace, 'nightly'))?.metadata.uid).toBe(theirs.metadata.uid);
      await ground.delete(volumeCaptures, capture);
      await eventually('the content to be gone', content, (found) => found === undefined);
      expect((await ground.snapshot(namespace, 'nightly'))?.metadata.uid).toBe(theirs.metadata.uid);
    },
  );

  test('its spec is not changed afterwards', async () => {
    const { capture } = await aCapture();
    const { namespace, name, uid } = capture.metadata;
    const outcome = await ground.client.mergePatch(
      volumeCaptures,
      { namespace, name },
      { metadata: { uid }, spec: { claimName: 'other' } },
    );
    expect(outcome).toMatchObject({ type: 'refused', message: expect.stringContaining('make another one') });
  });
});

test('scenario 37: without the snapshot controller an event says what is missing; when it is back, all goes on', async () => {
  await ground.stopUpstream();
  const { namespace, asked } = await aSnapshot();
  await eventually('our event', () => notesOf(asked, 'SnapshotControllerMissing').length === 1);
  await ground.startUpstream();
  await ground.ready(namespace, 'first');
});

function start(): Controllers {
  return ground.start(withFaults(directorySnapshots(ground.root), faults));
}

/** The call's time limit ends it. */
function hangs(): Promise<void> {
  return new Promise(() => {});
}

async function aSnapshot(change: object = {}) {
  const namespace = await ground.newNamespace();
  const claim = await ground.aClaim(namespace, 'data', { greeting: 'hello' });
  const className = await ground.aClass(change);
  const source = { persistentVolumeClaimName: 'data' };
  const asked = await ground.aSnapshot(namespace, 'first', { source, volumeSnapshotClassName: className });
  return { namespace, claim, className, asked };
}

/** Ready, and tidied up after. */
async function aReadySnapshot(change: object = {}) {
  const made = await aSnapshot(change);
  await ground.ready(made.namespace, 'first');
  return { ...made, content: await contentWith(made.namespace, (content) => !isBegun(content)) };
}

async function aCapture(change: object = {}) {
  const namespace = await ground.newNamespace();
  const claim = await ground.claimOf(namespace, 'data', hostPath);
  const className = await ground.aClass(change);
  const capture = await ground.aCapture(namespace, 'nightly', {
    claimName: 'data',
    volumeSnapshotClassName: className,
  });
  return { namespace, claim, capture };
}

async function anImport(namespace: string, name: string, snapshotHandle: string): Promise<void> {
  const contentName = `${name}-${namespace}`;
  const volumeSnapshotRef = { namespace, name };
  const spec = { driver: DRIVER, deletionPolicy: 'Retain', source: { snapshotHandle }, volumeSnapshotRef };
  done(await ground.client.create(volumeSnapshotContents, aContent(contentName, spec)));
  await ground.aSnapshot(namespace, name, { source: { volumeSnapshotContentName: contentName } });
}

/** Upstream writes to the same list at the same time. */
async function withFinalizers(
  { metadata }: VolumeSnapshot,
  change: (known: readonly string[]) => string[],
): Promise<void> {
  const { namespace = '', name, uid } = metadata;
  await eventually('the finalizers to be written', async () => {
    const live = (await ground.snapshot(namespace, name))?.metadata;
    const body = { uid, resourceVersion: live?.resourceVersion, finalizers: change(live?.finalizers ?? []) };
    const outcome = await ground.client.mergePatch(volumeSnapshots, { namespace, name }, { metadata: body });
    return outcome.type === 'done';
  });
}

async function contentWith(
  namespace: string,
  wanted: (content: VolumeSnapshotContent) => boolean,
): Promise<VolumeSnapshotContent> {
  const found = await eventually(
    `the content of ${namespace}/first`,
    async () => {
      const asked = await ground.snapshot(namespace, 'first');
      return asked && ground.content(`snapcontent-${asked.metadata.uid}`);
    },
    (content) => content !== undefined && wanted(content),
  );
  if (found === undefined) throw new Error('unreachable');
  return found;
}

function failing(namespace: string, message: string, name = 'first'): Promise<VolumeSnapshot | undefined> {
  return eventually(
    `VolumeSnapshot ${namespace}/${name} to tell its error`,
    () => ground.snapshot(namespace, name),
    (snapshot) => snapshot?.status?.error?.message === message && snapshot.status.readyToUse === false,
  );
}

function captureWith(
  namespace: string,
  reason: string,
  wanted: (capture: NonNullable<Awaited<ReturnType<typeof readCapture>>>) => boolean = () => true,
) {
  return eventually(
    `the VolumeCapture to tell ${reason}`,
    () => readCapture(namespace),
    (found) =>
      found !== undefined &&
      found.status?.conditions?.find(({ type }) => type === 'Ready')?.reason === reason &&
      wanted(found),
  );
}

function readCapture(namespace: string) {
  return ground.client.get(volumeCaptures, { namespace, name: 'nightly' });
}

function isBegun({ metadata }: VolumeSnapshotContent): boolean {
  return metadata.annotations?.[ANNOTATION_BEING_CREATED] !== undefined;
}

function dataOf({ metadata }: VolumeSnapshot, ...file: string[]): string {
  return join(ground.root, 'snapshots', metadata.uid, ...file);
}

function notesOf({ metadata }: VolumeSnapshot, reason: string): string[] {
  return ours.drafts
    .filter((draft) => draft.reason === reason && draft.regarding.metadata.uid === metadata.uid)
    .map(({ note }) => note);
}

function words(): string[] {
  return ours.logger.lines.map(({ message }) => message);
}
