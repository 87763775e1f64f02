/**
 * VolumeSnapshots of snapshot.volprime.dev: volumes captured into a repository, beside upstream's snapshot controller; commands around it, what
 * deletion leaves, and repositories that do not answer, refuse or are damaged. The numbers are those of docs/snapshot-capture.md.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ANNOTATION_BEING_CREATED,
  ANNOTATION_BEING_DELETED,
  SNAPSHOT_DRIVER,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../src/api/snapshots.ts';
import { claims, pods } from '../../src/api/resources.ts';
import { verify, verifyExitCodes } from '../../src/cli/verify/verify.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { claimOf, expectPopulated, readyOf, statusOf } from './harness/claims.ts';
import { controllerImage, systemNamespace } from './harness/cluster.ts';
import { listAll } from './harness/invariants.ts';
import { aClaimManifest, aDevicePod, aPlainClaim, aRestore, aWriter, restoreRef } from './harness/manifests.ts';
import { takeMixed } from './harness/mixed-snapshots.ts';
import { admit } from './harness/namespaces.ts';
import { read, remove } from './harness/objects.ts';
import { printedBy } from './harness/read-back.ts';
import {
  aFilledClaim,
  anImport,
  aRepositoryClass,
  aRepositorySecret,
  aSnapshotOf,
  ready,
  reasonsAbout,
  REPOSITORY_SECRET,
} from './harness/snapshots.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
let listing: string;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('capture'));
});
const classes = () => ({ clone: `clone-${namespace}`, live: `live-${namespace}`, retain: `retain-${namespace}` });
beforeAll(async () => {
  await admit(suite.cluster, namespace, 'baseline');
  const { clone, live, retain } = classes();
  await suite.apply(
    aRepositoryClass(clone, { clone: 'require' }),
    aRepositoryClass(live, { clone: 'never' }),
    aRepositoryClass(retain, { clone: 'never', deletionPolicy: 'Retain' }),
    aPlainClaim(namespace, 'repository', 'imm-del', '256Mi'),
    aRepositorySecret(namespace),
  );
  listing = await aFilledClaim(suite, namespace, 'original');
}, TEST_MS);
afterAll(async () => {
  const names = Object.values(classes());
  await suite?.cluster.kubectl(['delete', 'volumesnapshotclass', '--ignore-not-found', ...names]);
});

function aSecret(changed: Parameters<typeof aRepositorySecret>[1] = {}): Promise<void> {
  return suite.apply(aRepositorySecret(namespace, changed));
}

const take = (name: string, className: string, claim = 'original') =>
  suite.apply(aSnapshotOf(namespace, name, claim, className));

/** The error of a VolumeSnapshot, once it has these words. */
async function told(name: string, words: string): Promise<string> {
  const { status } = await until(
    `VolumeSnapshot ${name} to be told ${words}`,
    () => read(suite.cluster, volumeSnapshots, { namespace, name }),
    (found) => found.status?.error?.message?.includes(words) === true,
  );
  expect(status?.readyToUse).not.toBe(true);
  return status?.error?.message ?? '';
}

async function contentOf(name: string) {
  const { metadata } = await read(suite.cluster, volumeSnapshots, { namespace, name });
  return read(suite.cluster, volumeSnapshotContents, { name: `snapcontent-${metadata.uid}` });
}

async function deleted(name: string): Promise<void> {
  await remove(suite.cluster, volumeSnapshots, { namespace, name });
  await until(
    `VolumeSnapshot ${name} to be gone`,
    async () => (await suite.cluster.client.get(volumeSnapshots, { namespace, name }))?.metadata,
    (found) => found === undefined,
  );
}

/** Neither pods nor clones of captures. */
async function nothingLeft(): Promise<void> {
  await until(
    'pods and clones of captures to be gone',
    async () =>
      [...(await listAll(suite.cluster, pods, namespace)), ...(await listAll(suite.cluster, claims, namespace))]
        .filter(({ metadata }) => metadata.labels?.['volprime.dev/snapshot-key'] !== undefined)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    (left) => left.length === 0,
  );
}

async function verdictOn(name: string): Promise<{ readonly code: number; readonly words: string }> {
  const lines: string[] = [];
  const code = await verify({
    client: suite.cluster.client,
    namespace,
    name,
    given: {},
    image: controllerImage,
    restricted: false,
    say: (line) => void lines.push(line),
    progress: () => undefined,
    signal: new AbortController().signal,
  });
  return { code, words: lines.join('\n') };
}

/** Bytes of the files in the claim that holds the repository. */
async function stored(name: string): Promise<number> {
  const image = suite.cluster.toolboxImage;
  const script = 'cd /volumes/repository; find . -type f -exec cat {} + | wc -c';
  const said = await printedBy(suite.cluster, aWriter({ name, namespace, image, claims: ['repository'], script }));
  return Number(said);
}

/** What a script prints that has the claim as a device, `/dev/CLAIM`. */
function printedBeside(claim: string, script: string): Promise<string> {
  const image = suite.cluster.toolboxImage;
  return printedBy(suite.cluster, aDevicePod({ name: `device-${claim}`, namespace, image, claims: [claim], script }));
}

describe('a volume is captured', () => {
  test.each(['clone', 'live'] as const)(
    'scenario 1: from a %s, told of by upstream, and comes back the same',
    async (route) => {
      const name = `tree-${route}`;
      await take(name, classes()[route]);
      const { snapshot, content } = await ready(suite.cluster, namespace, name);
      expect(snapshot.status).toMatchObject({ restoreSize: '64Mi', creationTime: expect.any(String) });
      expect(snapshot.status?.error).toBeUndefined();
      expect(content.metadata.annotations).toMatchObject({ 'volprime.dev/consistency': route });
      const said = await until(
        'the events of the snapshot controller',
        () => reasonsAbout(suite.cluster, { namespace, name }),
        (reasons) => reasons.includes('SnapshotReady'),
      );
      expect(said).toContain('SnapshotCreated');
      expect(await verdictOn(name)).toMatchObject({ code: verifyExitCodes.good });
      await suite.apply(
        aRestore(namespace, name, { name }),
        aClaimManifest({ name, namespace, storageClass: 'imm-del', source: restoreRef(name) }),
      );
      await expectPopulated(suite, { namespace, controller }, { [name]: listing });
      expect((await statusOf(suite, namespace, name))?.result?.verification).toBe('manifest');
      await nothingLeft();
    },
    TEST_MS,
  );

  test(
    'scenario 40: a raw block volume, nine tenths of it zeros: told of with its size, stored small, and restored into a larger one',
    async () => {
      const MIB = 1024 * 1024;
      const claim = aPlainClaim(namespace, 'raw', 'imm-del', '20Mi');
      await suite.apply({ ...claim, spec: { ...(claim['spec'] as object), volumeMode: 'Block' } });
      const pattern = 'dd if=/dev/urandom of=/dev/raw bs=1M count=1 conv=notrunc';
      const digest = (name: string) => `head -c ${20 * MIB} /dev/${name} | sha256sum`;
      const script = `(${pattern}; ${pattern} seek=19; sync) 2>/dev/null; ${digest('raw')}`;
      const written = await printedBeside('raw', script);
      const before = await stored('weighs-before-raw');
      await take('raw', classes().live, 'raw');
      const { snapshot } = await ready(suite.cluster, namespace, 'raw');
      expect(snapshot.status?.restoreSize).toBe('20Mi');
      const added = (await stored('weighs-with-raw')) - before;
      expect(added).toBeGreaterThan(2 * MIB);
      expect(added).toBeLessThan(2.5 * MIB);
      expect(await verdictOn('raw')).toMatchObject({ code: verifyExitCodes.good });
      const options = { storageClass: 'imm-del', source: restoreRef('larger'), size: '32Mi' } as const;
      await suite.apply(
        aRestore(namespace, 'larger', { name: 'raw' }),
        aClaimManifest({ name: 'larger', namespace, ...options, volumeMode: 'Block' }),
      );
      await until(
        'the restore to have succeeded',
        () => statusOf(suite, namespace, 'larger'),
        (status) => status?.phase === 'Succeeded',
      );
      const tail = `tail -c +${20 * MIB + 1} /dev/larger`;
      const look = `${digest('larger')}; ${tail} | wc -c; ${tail} | tr -d '\\0' | wc -c`;
      const seen = await printedBeside('larger', look);
      expect(seen).toBe(`${written}${12 * MIB}\n0\n`);
    },
    TEST_MS,
  );

  test(
    'scenario 30: beside a csi-snapshotter each content is written by its own side',
    () => takeMixed({ suite, namespace, controller }, { claim: 'original', className: classes().live, count: 4 }),
    TEST_MS,
  );
});

describe('commands before and after', () => {
  const annotations = (pre: string, post: string) => ({
    'pre.hook.snapshot.volprime.dev/command': JSON.stringify(['sh', '-c', pre]),
    'post.hook.snapshot.volprime.dev/command': JSON.stringify(['sh', '-c', post]),
  });

  /** A pod that runs on with the claim. */
  async function anApplication(name: string, hooks: Readonly<Record<string, string>>): Promise<void> {
    await suite.apply(aPlainClaim(namespace, name, 'imm-del'));
    const image = suite.cluster.toolboxImage;
    const pod = aWriter({ name, namespace, image, claims: [name], script: 'exec sleep 100000' });
    await suite.apply({ ...pod, metadata: { ...pod.metadata, annotations: hooks } });
    await until(
      `pod ${name} to run`,
      async () => (await read(suite.cluster, pods, { namespace, name })).status?.phase,
      (phase) => phase === 'Running',
    );
  }

  const journal = (name: string) =>
    suite.cluster.kubectl(['exec', `--namespace=${namespace}`, name, '--', 'cat', `/volumes/${name}/journal`]);

  test(
    'scenario 32: without the right to run commands nothing is captured, and the message says what to add',
    async () => {
      await anApplication('unheard', annotations('true', 'true'));
      await take('unheard', classes().live, 'unheard');
      expect(await told('unheard', 'PreHookFailed')).toContain('deploy/components/snapshot-hooks');
      await deleted('unheard');
    },
    TEST_MS,
  );

  test(
    'scenario 32: with it: a failed command before ends the capture, one after is an alarm, and the one after always runs',
    async () => {
      await suite.cluster.kubectl([
        'create',
        'role',
        'hooks',
        '--verb=get,create',
        '--resource=pods/exec',
        `-n=${namespace}`,
      ]);
      const account = `--serviceaccount=${systemNamespace}:volprime-controller`;
      await suite.cluster.kubectl(['create', 'rolebinding', 'hooks', '--role=hooks', account, `-n=${namespace}`]);
      const write = (name: string, word: string) => `echo ${word} >> /volumes/${name}/journal`;
      await anApplication('fails', annotations(`${write('fails', 'pre')}; exit 3`, write('fails', 'post')));
      await anApplication('alarms', annotations(write('alarms', 'pre'), `${write('alarms', 'post')}; exit 4`));
      await take('fails', classes().live, 'fails');
      await take('alarms', classes().clone, 'alarms');

      expect(await told('fails', 'PreHookFailed')).toContain('exit code 3');
      await until(
        'the command after to have run',
        () => journal('fails'),
        (text) => text.startsWith('pre\npost\n'),
      );
      expect((await contentOf('fails')).status?.creationTime).toBeUndefined();
      await ready(suite.cluster, namespace, 'alarms');
      expect(await journal('alarms')).toBe('pre\npost\n');
      await until(
        'the alarm',
        () => reasonsAbout(suite.cluster, { namespace, name: 'alarms' }),
        (reasons) => reasons.includes('PostHookFailed'),
      );
      await deleted('fails');
    },
    TEST_MS,
  );
});

describe('deletion', () => {
  test(
    'scenarios 16 and 23: Delete takes the data, so that its handle names nothing any more',
    async () => {
      await take('doomed', classes().live);
      const { handle } = await ready(suite.cluster, namespace, 'doomed');
      await deleted('doomed');
      await suite.apply(...anImport({ ...ours('lost'), handle }));
      await told('lost', 'SnapshotNotFound');
      await deleted('lost');
      await nothingLeft();
    },
    TEST_MS,
  );

  test(
    'scenarios 17 and 23: Retain keeps content and data, which can be imported',
    async () => {
      await take('kept', classes().retain);
      const { content, handle } = await ready(suite.cluster, namespace, 'kept');
      await deleted('kept');
      const left = await read(suite.cluster, volumeSnapshotContents, { name: content.metadata.name });
      expect(left.metadata.annotations).toHaveProperty([ANNOTATION_BEING_DELETED], 'yes');
      await remove(suite.cluster, volumeSnapshotContents, { name: content.metadata.name });
      await suite.apply(...anImport({ ...ours('back'), handle }));
      await ready(suite.cluster, namespace, 'back');
      expect(await verdictOn('back')).toMatchObject({ code: verifyExitCodes.good });
    },
    TEST_MS,
  );

  const ours = (name: string) => ({
    name,
    namespace,
    driver: SNAPSHOT_DRIVER,
    annotations: {
      'snapshot.storage.kubernetes.io/deletion-secret-name': REPOSITORY_SECRET,
      'snapshot.storage.kubernetes.io/deletion-secret-namespace': namespace,
      'volprime.dev/repository-claim': 'repository',
    },
  });
});

describe('a store that does not do', () => {
  test(
    'scenario 22: a wrong password ends the attempt; the message holds no secret',
    async () => {
      await aSecret({ password: 'falsch-2' });
      await take('wrong', classes().live);
      const message = await told('wrong', 'RepositoryPasswordWrong');
      expect(message).not.toMatch(/falsch|geheim/);
      await until(
        'the attempt to be over',
        () => contentOf('wrong'),
        ({ metadata }) => metadata.annotations?.[ANNOTATION_BEING_CREATED] === undefined,
      );
      await aSecret();
      await deleted('wrong');
    },
    TEST_MS,
  );

  test(
    'scenario 21: a repository that does not answer is waited for, and the capture goes on when it does',
    async () => {
      await aSecret({ repository: `rest:http://${suite.cluster.hostAddress}:9/` });
      await take('patient', classes().live);
      await told('patient', 'RepositoryUnreachable');
      expect((await contentOf('patient')).metadata.annotations).toHaveProperty([ANNOTATION_BEING_CREATED]);
      await aSecret();
      const { snapshot } = await ready(suite.cluster, namespace, 'patient');
      expect(snapshot.status?.error).toBeUndefined();
    },
    TEST_MS,
  );

  test(
    'scenario 20: a capture that hangs is cancelled with its VolumeSnapshot',
    async () => {
      await suite.cluster.kubectl(['delete', 'secret', REPOSITORY_SECRET, `--namespace=${namespace}`]);
      await take('hangs', classes().live);
      await told('hangs', 'ContainerNotStarted');
      await remove(suite.cluster, volumeSnapshots, { namespace, name: 'hangs' });
      await aSecret();
      await until(
        'VolumeSnapshot hangs to be gone',
        async () => (await suite.cluster.client.get(volumeSnapshots, { namespace, name: 'hangs' }))?.metadata,
        (found) => found === undefined,
        { limitMs: TEST_MS },
      );
      await nothingLeft();
    },
    TEST_MS,
  );

  test(
    'scenario 33: a damaged pack is found by verify, and never bound by a restore',
    async () => {
      await take('damaged', classes().live);
      await ready(suite.cluster, namespace, 'damaged');
      const script =
        'cd /volumes/repository; for f in $(find data -type f -size +100k); do' +
        ' printf 0123456789abcdef | dd of=$f bs=1 seek=50000 conv=notrunc 2>/dev/null; done; echo spoilt';
      const image = suite.cluster.toolboxImage;
      const spoiler = aWriter({ name: 'spoiler', namespace, image, claims: ['repository'], script });
      expect(await printedBy(suite.cluster, spoiler)).toBe('spoilt\n');
      const { code, words } = await verdictOn('damaged');
      expect({ code, words }).toMatchObject({
        code: verifyExitCodes.damaged,
        words: expect.stringContaining('damaged:'),
      });
      await suite.apply(
        aRestore(namespace, 'damaged', { name: 'damaged' }),
        aClaimManifest({ name: 'damaged', namespace, storageClass: 'imm-del', source: restoreRef('damaged') }),
      );
      await until(
        'the restore to say why',
        () => statusOf(suite, namespace, 'damaged'),
        (status) => ['RepositoryDamaged', 'DataMismatch'].includes(readyOf(status)?.reason ?? ''),
      );
      expect((await claimOf(suite, namespace, 'damaged')).spec.volumeName).toBeUndefined();
    },
    TEST_MS,
  );
});
