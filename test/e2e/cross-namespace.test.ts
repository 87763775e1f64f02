/**
 * Sources of another namespace, with the rights and the flag of deploy/components/cross-namespace. docs/hazards.md, cases 7, 60, 61, 62 and 70.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { podName, primeName } from '../../src/api/names.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { claims, events, pods, volumes } from '../../src/api/resources.ts';
import { readyOf } from './harness/claims.ts';
import { projectDir } from './harness/cluster.ts';
import { sampleImage } from './harness/deployment.ts';
import { listAll } from './harness/invariants.ts';
import { aClaimManifest, aConsumer, aTransfer, providerRef, transferRef } from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { broken, downloads, hold, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import {
  aForeignClaim,
  aGrant,
  claimOf,
  expectAllClean,
  openTenancy,
  populated,
  readable,
  recordOf,
  revoke,
  sharedProvider,
  type Tenancy,
  told,
} from './harness/tenancy.ts';
import { podSettings } from './harness/text-files.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('a source that may be used', () => {
  let tenancy: Tenancy;
  beforeAll(async () => {
    tenancy = await openTenancy(suite, 'grant');
  }, TEST_MS);

  test(
    'case 7, case 60: grant and source come after the claim; the work is done apart, and its details stay there',
    async () => {
      const content = hold(suite, 'late');
      await suite.apply(aForeignClaim(tenancy, 'late'));
      await told(tenancy, 'late', 'ReferenceNotGranted');
      await suite.apply(aGrant(tenancy));
      await told(tenancy, 'late', 'PopulatorDataSourceNotFound');
      await suite.apply(sharedProvider(tenancy, 'late', { checksum: content.checksum }));
      await until('the download to begin', () => downloads(suite, 'late') > 0);

      const { uid } = (await claimOf(tenancy, 'late')).metadata;
      const { client } = suite.cluster;
      const namespace = tenancy.populators;
      expect(await client.get(claims, { namespace, name: primeName(uid) })).toMatchObject({
        metadata: { annotations: { 'volprime.dev/pinned-source': expect.stringContaining(suite.archives.url) } },
      });
      expect(await client.get(pods, { namespace, name: podName(uid, 1) })).toBeDefined();
      expect(await listAll(suite.cluster, pods, tenancy.app)).toEqual([]);

      content.gate.open();
      await populated(tenancy, 'late', content.listing);
      await expectAllClean(tenancy);
      expect(await readable(tenancy)).not.toContain(suite.archives.url);
      const record = await recordOf(tenancy, 'late');
      expect(record?.spec.pinned).toEqual({ namespace: tenancy.lib, uid: expect.any(String), generation: 1 });
      const [volume] = (await listAll(suite.cluster, volumes)).filter(({ spec }) => spec.claimRef?.uid === uid);
      expect(JSON.stringify(volume)).not.toContain(suite.archives.url);
    },
    TEST_MS,
  );

  test(
    'is used without a pod as well',
    async () => {
      await suite.apply(
        aGrant(tenancy, { name: 'transfers', to: { group: 'transfer.example.com', kind: 'Transfer' } }),
        aTransfer(tenancy.lib, 'shared', 'shared'),
        aForeignClaim(tenancy, 'transferred', { source: transferRef('shared') }),
      );
      await told(tenancy, 'transferred', 'Populated');
      await expectAllClean(tenancy);
      expect(JSON.stringify(await recordOf(tenancy, 'transferred'))).not.toContain('dataset');
    },
    TEST_MS,
  );

  test(
    'case 62: and fails: the reason is for the owner of the claim, the address for the owner of the source',
    async () => {
      await suite.apply(aGrant(tenancy), sharedProvider(tenancy, 'absent'), aForeignClaim(tenancy, 'absent'));
      await told(tenancy, 'absent', 'SourceNotFound');
      await expectAllClean(tenancy);
      const detail = `${suite.archives.url}/absent`;
      expect(await readable(tenancy)).not.toContain(suite.archives.url);
      const there = await until(
        'the event on the source',
        () => listAll(suite.cluster, events, tenancy.lib),
        (list) => JSON.stringify(list).includes(detail),
      );
      expect(there).toContainEqual(
        expect.objectContaining({
          reason: 'SourceNotFound',
          regarding: expect.objectContaining({ kind: 'Provider', name: 'absent' }),
        }),
      );
      expect(tenancy.controller.log().includes(detail)).toBe(true);
    },
    TEST_MS,
  );

  test(
    'case 62: but needs a Secret is refused before any volume is made',
    async () => {
      serve(suite, 'secret');
      await suite.apply(
        aGrant(tenancy),
        sharedProvider(tenancy, 'secret', { secretRef: { name: 'credentials' } }),
        aForeignClaim(tenancy, 'secret'),
      );
      const record = await told(tenancy, 'secret', 'SecretAcrossNamespaces');
      expect(record.status).toMatchObject({ phase: 'Failed' });
      expect(record.status?.attempt).toBeUndefined();
      await expectAllClean(tenancy);
      expect(downloads(suite, 'secret')).toBe(0);
    },
    TEST_MS,
  );
});

test(
  'an address inside of the cluster is not dialled unless the operator allows it',
  async () => {
    const tenancy = await openTenancy(suite, 'inside', { env: podSettings(suite, {}) });
    serve(suite, 'inside');
    const { port } = new URL(suite.archives.url);
    const sources = { inside: `${suite.archives.url}/inside`, mapped: `http://[::ffff:127.0.0.1]:${port}/inside` };
    await suite.apply(
      aGrant(tenancy),
      ...Object.entries(sources).flatMap(([name, sourceURL]) => [
        sharedProvider(tenancy, name, { sourceURL }),
        aForeignClaim(tenancy, name),
      ]),
    );
    for (const name of Object.keys(sources)) {
      const record = await told(tenancy, name, 'AddressNotAllowed');
      expect(record.status).toMatchObject({ phase: 'Failed' });
    }
    expect(downloads(suite, 'inside')).toBe(0);
    await expectAllClean(tenancy);
  },
  TEST_MS,
);

test(
  'case 62: a grant for something else, and a source of the same name beside the claim, are of no use',
  async () => {
    const tenancy = await openTenancy(suite, 'narrow');
    serve(suite, 'theirs');
    serve(suite, 'ours');
    await suite.apply(
      aGrant(tenancy, { name: 'other-kind', to: { kind: 'Archive' } }),
      aGrant(tenancy, { name: 'other-name', to: { name: 'public' } }),
      aGrant(tenancy, { name: 'other-namespace', from: { namespace: 'elsewhere' } }),
      aGrant(tenancy, { name: 'other-user', from: { kind: 'Pod' } }),
      sharedProvider(tenancy, 'theirs'),
      {
        ...sharedProvider({ ...tenancy, lib: tenancy.app }, 'theirs'),
        spec: { sourceURL: `${suite.archives.url}/ours` },
      },
      aForeignClaim(tenancy, 'theirs'),
    );
    const record = await told(tenancy, 'theirs', 'ReferenceNotGranted');
    expect(readyOf(record?.status)?.message).not.toContain('theirs');
    await suite.cluster.kubectl(['delete', 'pvc', 'theirs', `--namespace=${tenancy.app}`, '--timeout=60s']);
    await expectAllClean(tenancy);
    expect([downloads(suite, 'theirs'), downloads(suite, 'ours')]).toEqual([0, 0]);
  },
  TEST_MS,
);

describe('case 61: a grant is taken back', () => {
  testTogether(
    [
      {
        name: 'before the work begins: the claim waits, and can be deleted',
        play: async () => {
          const tenancy = await openTenancy(suite, 'early');
          serve(suite, 'early');
          const claim = aForeignClaim(tenancy, 'early', { storageClass: 'wffc-del' });
          await suite.apply(aGrant(tenancy), sharedProvider(tenancy, 'early'), claim);
          await told(tenancy, 'early', 'WaitingForFirstConsumer');
          await revoke(tenancy);
          await told(tenancy, 'early', 'ReferenceNotGranted');
          const image = suite.cluster.toolboxImage;
          await suite.apply(aConsumer({ name: 'consumer', namespace: tenancy.app, image, claims: ['early'] }));
          await until(
            'a node to be chosen',
            async () => (await claimOf(tenancy, 'early')).metadata.annotations?.['volume.kubernetes.io/selected-node'],
          );
          expect(readyOf((await recordOf(tenancy, 'early'))?.status)?.reason).toBe('ReferenceNotGranted');
          await suite.cluster.kubectl(['delete', 'pod', 'consumer', `--namespace=${tenancy.app}`, '--grace-period=1']);
          await suite.cluster.kubectl(['delete', 'pvc', 'early', `--namespace=${tenancy.app}`, '--timeout=60s']);
          await expectAllClean(tenancy);
          expect(downloads(suite, 'early')).toBe(0);
        },
      },
      {
        name: 'during the work: what runs is finished, and the next claim waits',
        play: async () => {
          const tenancy = await openTenancy(suite, 'midway');
          const content = hold(suite, 'midway');
          await suite.apply(aGrant(tenancy), sharedProvider(tenancy, 'midway'), aForeignClaim(tenancy, 'midway'));
          await until('the download to begin', () => downloads(suite, 'midway') > 0);
          await revoke(tenancy);
          await suite.apply(aForeignClaim(tenancy, 'next', { source: providerRef('midway') }));
          await told(tenancy, 'next', 'ReferenceNotGranted');
          content.gate.open();
          await populated(tenancy, 'midway', content.listing);
          await expectAllClean(tenancy);
        },
      },
      {
        name: 'and the work fails: it is not tried again before there is a grant, and the claim can be deleted',
        play: async () => {
          const tenancy = await openTenancy(suite, 'retry');
          const gate = suite.archives.gate();
          const content = serve(suite, 'retry', { ...broken('retry', 1), gate });
          serve(suite, 'given-up', { ...broken('given-up', 1), gate });
          const names = ['retry', 'given-up'];
          await suite.apply(
            aGrant(tenancy),
            ...names.flatMap((name) => [sharedProvider(tenancy, name), aForeignClaim(tenancy, name)]),
          );
          await until('the downloads to begin', () => names.every((name) => downloads(suite, name) > 0));
          await revoke(tenancy);
          gate.open();
          await Promise.all(names.map((name) => told(tenancy, name, 'ReferenceNotGranted')));
          await suite.cluster.kubectl(['delete', 'pvc', 'given-up', `--namespace=${tenancy.app}`, '--timeout=90s']);
          expect(names.map((name) => downloads(suite, name))).toEqual([1, 1]);
          await suite.apply(aGrant(tenancy));
          await populated(tenancy, 'retry', content.listing);
          await expectAllClean(tenancy);
        },
      },
    ],
    ({ play }) => play(),
    TEST_MS,
  );
});

describe('case 70: a namespace is deleted during the work', () => {
  testTogether(
    [
      {
        name: 'that of the claim: prime and pod go, though they are elsewhere',
        play: async () => {
          const tenancy = await openTenancy(suite, 'gone-claim');
          const content = await atWork(tenancy, 'gone-claim');
          await removed(tenancy.app);
          await expectAllClean(tenancy);
          content.gate.open();
        },
      },
      {
        name: 'that of the source: the work is finished',
        play: async () => {
          const tenancy = await openTenancy(suite, 'gone-source');
          const content = await atWork(tenancy, 'gone-source');
          await removed(tenancy.lib);
          content.gate.open();
          await populated(tenancy, 'gone-source', content.listing);
          await expectAllClean(tenancy);
        },
      },
      {
        name: 'that of the prime: it goes, the claim tells of it and can be deleted, and another is populated when the namespace is back',
        play: async () => {
          const tenancy = await openTenancy(suite, 'gone-prime');
          const content = await atWork(tenancy, 'gone-prime');
          await removed(tenancy.populators);
          content.gate.open();
          const record = await told(tenancy, 'gone-prime', 'PopulatorNamespaceNotFound');
          expect(readyOf(record?.status)?.message).not.toContain(tenancy.populators);
          await suite.cluster.kubectl(['delete', 'pvc', 'gone-prime', `--namespace=${tenancy.app}`, '--timeout=60s']);
          await suite.cluster.kubectl(['create', 'namespace', tenancy.populators]);
          await suite.apply(aForeignClaim(tenancy, 'after', { source: providerRef('gone-prime') }));
          await populated(tenancy, 'after', content.listing);
          await expectAllClean(tenancy);
        },
      },
    ],
    ({ play }) => play(),
    TEST_MS,
  );

  async function atWork(tenancy: Tenancy, name: string) {
    const held = hold(suite, name);
    await suite.apply(aGrant(tenancy), sharedProvider(tenancy, name), aForeignClaim(tenancy, name));
    await until(`the download of ${name} to begin`, () => downloads(suite, name) > 0);
    return held;
  }

  async function removed(namespace: string): Promise<void> {
    await suite.cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await suite.cluster.kubectl(['wait', '--for=delete', `namespace/${namespace}`, '--timeout=90s']);
  }
});

describe('the controller dies while prime and pod are in another namespace than their claim', () => {
  const beforeHandOver = ['RecordPopulation', 'CreatePrime', 'StartAttempt', 'CreatePod', 'RecordResult'] as const;
  const points = [...beforeHandOver, 'Rebind', 'ReleasePrime', 'DeletePrime', 'ReleaseClaim'] as const;

  testTogether(
    [
      {
        name: 'case 1: and the next one goes on from there',
        play: async () => {
          const tenancy = await openTenancy(suite, 'crash');
          const contents = await dieAt(tenancy, 'crash', points);
          await Promise.all(Object.keys(contents).map((name) => told(tenancy, name, 'Populated')));
          expect(await readBack(suite.cluster, tenancy.app, Object.keys(contents))).toEqual(contents);
          await expectAllClean(tenancy);
        },
      },
      {
        name: 'case 3: and the claim is deleted before the next one starts, also where the class retains volumes',
        play: async () => {
          let doomed = '';
          const onCrash = async () => {
            await suite.cluster.kubectl(['delete', 'pvc', doomed, '--wait=false', `--namespace=${tenancy.app}`]);
          };
          const tenancy = await openTenancy(suite, 'doomed', { onCrash });
          const begin = (name: string) => {
            doomed = name;
          };
          await dieAt(tenancy, 'doomed', beforeHandOver, { storageClass: 'imm-ret', begin });
          await until(
            'the claims to be gone',
            async () => (await listAll(suite.cluster, claims, tenancy.app)).length === 0,
          );
          await expectAllClean(tenancy);
        },
      },
    ],
    ({ play }) => play(),
    TEST_MS,
  );

  /** One claim for each point, the next as soon as the point of the one before was hit. @returns what each claim should hold. */
  async function dieAt(
    tenancy: Tenancy,
    label: string,
    steps: readonly string[],
    { storageClass = 'imm-del', begin }: { storageClass?: string; begin?: (name: string) => void } = {},
  ): Promise<Readonly<Record<string, string>>> {
    await suite.apply(aGrant(tenancy));
    const contents: Record<string, string> = {};
    for (const step of steps) {
      const name = `${label}-${step}`.toLowerCase();
      contents[name] = serve(suite, name).listing;
      begin?.(name);
      const died = tenancy.controller.exits.length;
      await suite.apply(
        sharedProvider(tenancy, name),
        aForeignClaim(tenancy, name, { storageClass, crashAt: `after-${step}` }),
      );
      await until(
        `the controller to die after ${step}`,
        () => {
          tenancy.controller.check();
          return { marks: tenancy.controller.marks(), exits: tenancy.controller.exits.length };
        },
        ({ marks, exits }) => exits > died && marks.some(({ point }) => point === `after-${step}`),
      );
    }
    return contents;
  }
});

describe('what a cluster operator applies', () => {
  test(
    'the sample: one team offers data, another team uses it',
    async () => {
      const tenancy = await openTenancy(suite, 'sample');
      const content = serve(suite, 'library/reference-data.tar.gz');
      const sample = readFileSync(join(projectDir, 'samples/cross-namespace/cross-namespace.yaml'), 'utf8')
        .replaceAll('https://archives.example.com', suite.archives.url)
        .replaceAll(sampleImage, suite.cluster.toolboxImage)
        .replaceAll('data-library', tenancy.lib)
        .replaceAll('team-a', tenancy.app);
      const { kubectl } = suite.cluster;
      await kubectl(['apply', '--filename=-'], sample);
      const inApp = `--namespace=${tenancy.app}`;
      await kubectl(['wait', 'job/use-reference-data', '--for=condition=Complete', '--timeout=180s', inApp]);
      expect((await kubectl(['logs', 'job/use-reference-data', inApp])).trim()).toBe(content.listing);
      await expectAllClean(tenancy);
    },
    TEST_MS,
  );

  test(
    'the component: settings, rights, namespace and egress policy, as the API server takes them',
    async () => {
      const { kubectl } = suite.cluster;
      const path = (to: string) => relative(suite.directory, join(projectDir, to));
      const overlay = { resources: [path('deploy')], components: [path('deploy/components/cross-namespace')] };
      writeFileSync(join(suite.directory, 'kustomization.yaml'), JSON.stringify(overlay));
      const objects = parseAllDocuments(await kubectl(['kustomize', suite.directory])).map(
        (document) => document.toJS() as NewObject,
      );
      const deployment = objects.find(({ kind }) => kind === 'Deployment');
      const settings = ['VOLPRIME_CROSS_NAMESPACE', 'VOLPRIME_POPULATOR_NAMESPACE', 'VOLPRIME_POPULATOR_IMAGE'];
      for (const name of settings) expect(JSON.stringify(deployment)).toContain(name);
      const own = objects.filter(({ metadata }) => metadata.name === 'volprime-populators');
      expect(own.map(({ kind }) => kind).sort()).toEqual(['Namespace', 'NetworkPolicy']);
      await suite.apply(...own);
      await kubectl(['delete', 'namespace', 'volprime-populators', '--timeout=60s']);
    },
    TEST_MS,
  );
});

test(
  'case 65: names as long as they may be, and a label that we could not copy',
  async () => {
    const namespace = await suite.namespace('long');
    const controller = suite.controller({ name: namespace, namespaces: [namespace] });
    controller.start();
    const name = Array.from({ length: 5 }, (_, index) => `${index}`.repeat(50))
      .join('.')
      .slice(0, 253);
    const source = `s${name.slice(1)}`;
    const content = serve(suite, 'long');
    const claim = aClaimManifest({ name, namespace, storageClass: 'imm-del', source: providerRef(source) });
    const labels = { [`${'p'.repeat(63)}.${'d'.repeat(63)}/${'n'.repeat(63)}`]: 'v'.repeat(63) };
    await suite.apply(
      sharedProvider({ suite, app: namespace, lib: namespace, populators: namespace, controller }, source, {
        sourceURL: `${suite.archives.url}/long`,
      }),
      { ...claim, metadata: { ...claim.metadata, labels } },
    );
    const tenancy = { suite, app: namespace, lib: namespace, populators: namespace, controller };
    await populated(tenancy, name, content.listing);
    const list = await until(
      'the events on the claim',
      () => listAll(suite.cluster, events, namespace),
      (all) => JSON.stringify(all).includes('PopulatorFinished'),
    );
    expect(list.map(({ metadata }) => metadata.name.length)).toEqual(list.map(() => expect.any(Number)));
  },
  TEST_MS,
);
