/** What a Provider may hold and say, through a real claim: formats, layers, owners, a transfer that breaks. docs/provider.md. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { zstdCompressSync, gunzipSync } from 'node:zlib';
import { claims } from '../../src/api/resources.ts';
import { podName } from '../../src/api/names.ts';
import type { Route } from '../support/archive-server.ts';
import { tarGz } from '../support/archives.ts';
import {
  claimOf,
  expectBound,
  expectPopulated,
  SLOWLY,
  sourceName,
  statusOf,
  toldOf,
  warningsAbout,
} from './harness/claims.ts';
import { zip } from '../support/zip-archives.ts';
import { contentOf, listingOf } from './harness/content.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import { aClaimManifest, aProvider, aRootReader, providerRef } from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { printedBy } from './harness/read-back.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 8 * 60_000;

let suite: Suite;
let restricted: string;
/** Where pods may be root, as giving files away needs. */
let baseline: string;
useSuite(async (opened) => {
  suite = opened;
  [restricted, baseline] = await Promise.all([suite.namespace('formats'), suite.namespace('owners')]);
  await admit(suite.cluster, baseline, 'baseline');
  suite.controller({ name: restricted, namespaces: [restricted, baseline] }).start();
});

const { archive, files, listing } = contentOf('formats');
const plain = gunzipSync(archive);
const note = Buffer.from('a note\n');

interface Case {
  readonly name: string;
  readonly routes: Readonly<Record<string, Route>>;
  /** `url` is where a route is. */
  readonly spec: (url: (name: string) => string) => object;
  readonly listing: string;
}

const cases: readonly Case[] = [
  { name: 'tar', routes: { a: { body: plain } }, spec: (url) => ({ sourceURL: url('a') }), listing },
  { name: 'tar-gz', routes: { a: { body: archive } }, spec: (url) => ({ sourceURL: url('a') }), listing },
  {
    name: 'tar-zst',
    routes: { a: { body: zstdCompressSync(plain) } },
    spec: (url) => ({ sourceURL: url('a') }),
    listing,
  },
  ...(['xz', 'bzip2'] as const).map((program) => ({
    name: `tar-${program}`,
    routes: { a: { body: execFileSync(program, ['-c'], { input: plain }) } },
    spec: (url: (name: string) => string) => ({ sourceURL: url('a') }),
    listing,
  })),
  {
    name: 'zip',
    routes: { a: { body: zip(Object.entries(files).map(([name, data]) => ({ name, data }))) } },
    spec: (url) => ({ sourceURL: url('a') }),
    listing,
  },
  {
    name: 'file',
    routes: { 'note.txt.zst': { body: zstdCompressSync(note) } },
    spec: (url) => ({ sourceURL: url('note.txt.zst'), format: 'File' }),
    listing: listingOf({ 'note.txt': note }),
  },
  {
    name: 'layers',
    routes: { a: { body: archive }, b: { body: tarGz([{ name: 'over/README.txt', data: note }]) } },
    spec: (url) => ({
      layers: [
        { sourceURL: url('a'), exclude: ['nested'] },
        { sourceURL: url('b'), stripComponents: 1 },
      ],
    }),
    listing: listingOf({ 'README.txt': note }),
  },
  {
    name: 'mirror',
    routes: { a: { body: archive } },
    spec: (url) => ({ sourceURL: url('missing'), mirrors: [url('a')] }),
    listing,
  },
  {
    name: 'broken-transfer',
    routes: {
      a: { body: archive, headers: { etag: '"v1"' }, ranges: true, inTurn: [{ cutAfter: archive.length >> 1 }] },
    },
    spec: (url) => ({ sourceURL: url('a') }),
    listing,
  },
];

describe('a claim is populated from', () => {
  testTogether(
    cases,
    async (theCase) => {
      await begin(restricted, theCase);
      await expectPopulated(suite, { namespace: restricted }, { [theCase.name]: theCase.listing });
      expect(await statusOf(suite, restricted, theCase.name)).toMatchObject({ attempt: 1, failures: 0 });
    },
    TEST_MS,
  );

  test('and leaves nothing behind', async () => expectNothingLeft(suite.cluster, restricted), TEST_MS);
});

test(
  'a pod that is deleted at half of its work is replaced by one that begins on an empty volume',
  async () => {
    const [before, after] = [contentOf('before', 2 * 1024 * 1024), contentOf('after')];
    const path = `/${sourceName(restricted, 'killed')}/a`;
    const gate = suite.archives.gate();
    const body = tarGz(Object.entries(before.files).map(([name, data]) => ({ name: `old/${name}`, data })));
    const half = { body, gate, gateAfter: body.length >> 1 };
    await begin(restricted, {
      name: 'killed',
      routes: { a: half },
      spec: (url) => ({ sourceURL: url('a') }),
      listing: '',
    });
    const record = () => statusOf(suite, restricted, 'killed');
    await until('half of it to be there', record, (status) => (status?.progress?.percent ?? 0) >= 45, SLOWLY);
    const { uid } = (await claimOf(suite, restricted, 'killed')).metadata;
    // What the first attempt has written must not be among this.
    suite.archives.set(path, { body: after.archive });
    await suite.cluster.kubectl(['delete', 'pod', podName(uid, 1), `--namespace=${restricted}`, '--wait=false']);
    await expectPopulated(suite, { namespace: restricted }, { killed: after.listing });
    expect(await record()).toMatchObject({ attempt: 2 });
    expect(await warningsAbout(suite, restricted, 'killed')).toEqual(['PodDeleted']);
    gate.open();
  },
  TEST_MS,
);

describe('owners', () => {
  const owned = { ownership: { uid: 999, gid: 998 }, mode: { files: '0644', directories: '0755' } };
  const ofArchive = (name: string): Case => ({
    name,
    routes: { a: { body: archive } },
    spec: (url) => ({ sourceURL: url('a'), ...owned }),
    listing,
  });

  test(
    'are refused by name, before a volume is made, where the namespace admits no root',
    async () => {
      await begin(restricted, ofArchive('owners'));
      expect(await toldOf(suite, restricted, 'owners', 'PodSecurityForbidden')).toMatch(
        /enforces Pod Security level "restricted".*securityProfile privileged-data/,
      );
      const made = await listAll(suite.cluster, claims, restricted);
      const uid = made.find(({ metadata: { name } }) => name === 'owners')?.metadata.uid;
      expect(made.map(({ metadata: { name } }) => name)).not.toContain(`volprime-${uid}`);
      await suite.cluster.kubectl(['delete', 'pvc', 'owners', `--namespace=${restricted}`]);
    },
    TEST_MS,
  );

  test(
    'are those of the Provider where it does',
    async () => {
      await begin(baseline, ofArchive('owners'));
      await expectBound(suite, baseline, 'owners');
      await expectNothingLeft(suite.cluster, baseline);
      const found = await printed(
        baseline,
        'owners',
        'find . -path ./lost+found -prune -o -type f -print | xargs stat -c %u:%g',
      );
      expect(found.trim().split('\n')).toEqual(Object.keys(files).map(() => '999:998'));
    },
    TEST_MS,
  );
});

describe('a volume whose root only root may write to', () => {
  /** By a reader that changes nothing: a group of its own would be given to the volume. */
  async function filled(namespace: string, spec: object): Promise<readonly string[]> {
    const name = 'root-owned';
    await begin(
      namespace,
      { name, routes: { a: { body: archive } }, spec: (url) => ({ sourceURL: url('a'), ...spec }), listing },
      name,
    );
    await expectBound(suite, namespace, name);
    const files = 'find . -path ./lost+found -prune -o -type f -print | sort | xargs sha256sum';
    const lines = (await printed(namespace, name, `stat -c %a . && stat -c %u:%g README.txt && ${files}`))
      .trim()
      .split('\n');
    expect(lines.slice(2).join('\n')).toBe(listing);
    return lines.slice(0, 2);
  }

  test(
    'is filled in the profile restricted, by the group that the kubelet gives it',
    async () => {
      // For the reader, which is root; the populator's profile stays what it is.
      await admit(suite.cluster, restricted, 'baseline');
      expect(await filled(restricted, {})).toEqual(['2775', '65532:65532']);
    },
    TEST_MS,
  );

  test(
    'is filled in the profile privileged-data, and stays as its driver made it',
    async () => {
      expect(await filled(baseline, { ownership: { preserve: true } })).toEqual(['755', '0:0']);
    },
    TEST_MS,
  );
});

async function begin(namespace: string, { name, routes, spec }: Case, storageClass = 'imm-del'): Promise<void> {
  const path = (file: string) => `/${sourceName(namespace, name)}/${file}`;
  for (const [file, route] of Object.entries(routes)) suite.archives.set(path(file), route);
  const source = aProvider(
    namespace,
    name,
    spec((file) => `${suite.archives.url}${path(file)}`),
  );
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass, source: providerRef(name) }));
}

/** What a script says that runs in the volume. */
async function printed(namespace: string, claim: string, script: string): Promise<string> {
  const reader = aRootReader({
    name: `reader-${claim}`,
    namespace,
    image: suite.cluster.toolboxImage,
    claims: [claim],
    script: `cd /volumes/${claim}; ${script}`,
  });
  return printedBy(suite.cluster, reader, SLOWLY);
}
