/** A claim's life beside the population: deleted at once, its source made anew, its volume deleted, a backup, a newer and an older controller. */
import { describe, expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CLAIM_FINALIZER,
  LABEL_BACKUP_EXCLUSION,
  PROTECTION_FINALIZER,
  populationName,
  primeName,
} from '../../src/api/names.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, events, pods, volumes } from '../../src/api/resources.ts';
import { claimOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, listAll, readNamespace } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { read, recordOf } from './harness/objects.ts';
import { changedProgram } from './harness/program.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, hold, providerOf, type SourceAndRef, serve, transferOf } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

const cases: readonly { readonly name: string; readonly play: () => Promise<void> }[] = [
  {
    name: 'case 4: 200 claims that are deleted within 50 ms leave nothing',
    play: async () => {
      const { namespace, controller } = await suite.lane('hasty');
      const { source, ref } = transferOf(namespace, namespace);
      suite.transfers.hold(namespace);
      await suite.apply(source);
      const names = Array.from({ length: 200 }, (_, index) => `claim-${index}`);
      await Promise.all(
        names.map(async (name, index) => {
          const manifest = aClaimManifest({ name, namespace, storageClass: 'imm-ret', source: ref });
          const made = await suite.cluster.client.create(claims, manifest);
          if (made.type !== 'done') throw new Error(`${name}: ${made.type}`);
          await sleep(index % 51);
          await suite.cluster.client.delete(claims, { namespace, name }, { uid: made.object.metadata.uid });
        }),
      );
      // Kubernetes takes its time over its own finalizer on so many.
      await until(
        'all claims to be gone',
        async () => (await readNamespace(suite.cluster, namespace)).claims.map(({ metadata }) => metadata.name),
        (left) => left.length === 0,
      );
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect(suite.transfers.remembered(namespace)).toEqual([]);
      controller.check();
    },
  },
  {
    name: 'case 11: a source that is made anew means nothing to a claim that is bound',
    play: async () => {
      const { namespace, controller } = await suite.lane('anew');
      const content = serve(suite, `${namespace}-first`);
      const first = providerOf(suite, namespace, `${namespace}-first`);
      await applyClaim(namespace, 'data', first);
      await succeeded(controller, namespace, 'data');
      const before = await all(namespace);
      serve(suite, `${namespace}-second`);
      const second = providerOf(suite, namespace, `${namespace}-second`);
      const provider = `provider.provider.example.com/${namespace}-first`;
      await suite.cluster.kubectl(['delete', provider, `--namespace=${namespace}`]);
      await suite.apply({ ...second.source, metadata: { ...second.source.metadata, name: `${namespace}-first` } });
      await controller.stop();
      controller.start();
      await suite.cluster.kubectl(['annotate', 'pvc', 'data', 'example.com/touched=yes', `--namespace=${namespace}`]);
      // What comes later is done: the claim was looked at.
      await applyClaim(namespace, 'later', second);
      await succeeded(controller, namespace, 'later');

      expect(downloads(suite, `${namespace}-first`)).toBe(1);
      const after = await all(namespace);
      // The claim itself was touched by this test.
      const theirs = ([id]: readonly [string, string]) => id !== 'PersistentVolumeClaim/data' && !id.includes('later');
      const known = new Map([...before].filter(theirs));
      for (const [id, version] of known) expect([id, after.get(id)]).toEqual([id, version]);
      const told = (ids: Iterable<string>) => [...ids].filter((id) => id.startsWith('Event/data.'));
      expect(told(after.keys())).toEqual(told(before.keys()));
      expect(await readBack(suite.cluster, namespace, ['data'])).toEqual({ data: content.listing });
    },
  },
  {
    name: 'case 27: the hand-over keeps the finalizers of the volume; deleted before its claim, it goes with it',
    play: async () => {
      const { namespace, controller } = await suite.lane('finalizers');
      serve(suite, namespace);
      const { source, ref } = providerOf(suite, namespace, namespace);
      const crashAt = 'before-Rebind';
      await suite.apply(
        source,
        aClaimManifest({ name: 'data', namespace, storageClass: 'imm-del', source: ref, crashAt }),
      );
      await until('the hand-over to be near', () => controller.marks().length > 0);
      const prime = await read(suite.cluster, claims, {
        namespace,
        name: primeName((await claimOf(suite, namespace, 'data')).metadata.uid),
      });
      const before = (await read(suite.cluster, volumes, { name: prime.spec.volumeName ?? '' })).metadata.finalizers;
      await succeeded(controller, namespace, 'data');
      const { volumeName: name = '' } = (await claimOf(suite, namespace, 'data')).spec;
      expect((await read(suite.cluster, volumes, { name })).metadata.finalizers).toEqual(before);
      expect(before).toEqual(expect.arrayContaining([expect.stringContaining('external-provisioner')]));

      await suite.cluster.kubectl(['delete', 'pv', name, '--wait=false']);
      await suite.cluster.kubectl(['delete', 'pvc', 'data', `--namespace=${namespace}`, '--timeout=60s']);
      await until(
        'the volume to be gone',
        async () => (await suite.cluster.client.get(volumes, { name })) === undefined,
      );
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'case 73: a new version takes over half-way; an old one leaves the records of the new one alone',
    play: async () => {
      const namespace = await suite.namespace('upgrade');
      using newer = await changedProgram([
        { file: 'api/population.ts', from: 'export const RECORD_FORMAT = 1;', to: 'export const RECORD_FORMAT = 2;' },
      ]);
      const common = { namespaces: [namespace], leaseName: namespace, flags: { 'sweep-interval-ms': '1000' } };
      const old = suite.controller({ ...common, name: `${namespace}-old` });
      const next = suite.controller({ ...common, name: `${namespace}-next`, program: newer });
      const [first, second] = [hold(suite, `${namespace}-first`), hold(suite, `${namespace}-second`)];
      old.start();
      await applyClaim(namespace, 'first', providerOf(suite, namespace, `${namespace}-first`));
      await until('the first download', () => downloads(suite, `${namespace}-first`) > 0);
      await old.stop();
      next.start();
      await applyClaim(namespace, 'second', providerOf(suite, namespace, `${namespace}-second`));
      await until('the second download', () => downloads(suite, `${namespace}-second`) > 0);
      await until(
        'its record to be of the new kind',
        async () => (await record(namespace, 'second'))?.status?.format === 2,
      );
      await next.stop();

      second.gate.open();
      old.start();
      await old.logged('RecordTooNew');
      const waiting = await record(namespace, 'second');
      expect(waiting?.status).toMatchObject({ format: 2, phase: 'Populating' });
      expect((await claimOf(suite, namespace, 'second')).spec.volumeName).toBeUndefined();
      await old.stop();

      next.start();
      first.gate.open();
      await succeeded(next, namespace, 'first');
      await succeeded(next, namespace, 'second');
      expect(downloads(suite, `${namespace}-first`)).toBe(1);
      expect(downloads(suite, `${namespace}-second`)).toBe(1);
      const listings = { first: first.listing, second: second.listing };
      expect(await readBack(suite.cluster, namespace, ['first', 'second'])).toEqual(listings);
      await expectNothingLeft(suite.cluster, namespace, () => next.check());
    },
  },
  {
    name: 'case 76: what a backup would hold in the middle of the work can be restored without its source',
    play: async () => {
      const { namespace, controller } = await suite.lane('backup');
      const held = hold(suite, namespace);
      const source = providerOf(suite, namespace, namespace);
      await applyClaim(namespace, 'data', source);
      await until('the download to begin', () => downloads(suite, namespace) > 0);
      const claim = await claimOf(suite, namespace, 'data');
      const kept = await recordOf(suite.cluster, claim);
      const own = [
        ...(await listAll(suite.cluster, claims, namespace)).filter(({ metadata }) => metadata.name !== 'data'),
        ...(await listAll(suite.cluster, pods, namespace)),
        ...(await listAll(suite.cluster, populations, namespace)),
      ];
      expect(own.map(({ kind }) => kind).sort()).toEqual(['PersistentVolumeClaim', 'Pod', 'Population']);
      for (const { metadata } of own) expect(metadata.labels).toMatchObject({ [LABEL_BACKUP_EXCLUSION]: 'true' });

      // A tool that knows no exclusion and keeps finalizers and owners restores the claim, and the record of a claim that is no more.
      const restored = await suite.lane('restored');
      const name = populationName(claim.metadata.uid);
      await suite.apply(asRestored(restored.namespace, claim), {
        ...asRestored(restored.namespace, kept ?? claim),
        spec: kept?.spec,
      });
      await until('the record of nobody to be gone', async () => {
        restored.controller.check();
        return (await suite.cluster.client.get(populations, { namespace: restored.namespace, name })) === undefined;
      });
      await until(
        'the claim to say what it waits for',
        async () => JSON.stringify(await listAll(suite.cluster, events, restored.namespace)),
        (text) => text.includes('PopulatorDataSourceNotFound'),
      );
      held.gate.open();
      await suite.apply({ ...source.source, metadata: { ...source.source.metadata, namespace: restored.namespace } });
      await succeeded(restored.controller, restored.namespace, 'data');
      expect(await readBack(suite.cluster, restored.namespace, ['data'])).toEqual({ data: held.listing });
      await succeeded(controller, namespace, 'data');
      await expectNothingLeft(suite.cluster, restored.namespace, () => restored.controller.check());
    },
  },
];

describe('a claim and its population', () => testTogether(cases, ({ play }) => play(), TEST_MS));

async function applyClaim(namespace: string, name: string, { source, ref }: SourceAndRef): Promise<void> {
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
}

async function record(namespace: string, name: string) {
  return recordOf(suite.cluster, await claimOf(suite, namespace, name));
}

async function succeeded(controller: ControllerProcess, namespace: string, name: string): Promise<void> {
  await until(
    `the record of ${namespace}/${name} to succeed`,
    async () => {
      controller.check();
      return (await record(namespace, name))?.status?.phase;
    },
    (phase) => phase === 'Succeeded',
  );
  expect(isFullyBound(await claimOf(suite, namespace, name))).toBe(true);
}

/** Everything in the namespace that is ours or that we could have changed, by kind, name and version. */
async function all(namespace: string): Promise<ReadonlyMap<string, string>> {
  const lists: readonly KubeObject[] = [
    ...(await listAll(suite.cluster, claims, namespace)),
    ...(await listAll(suite.cluster, populations, namespace)),
    ...(await listAll(suite.cluster, events, namespace)).filter(
      (event) => 'reportingController' in event && event.reportingController === 'volprime.dev/controller',
    ),
    ...(await listAll(suite.cluster, pods, namespace)),
  ];
  return new Map(lists.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion]));
}

function asRestored(namespace: string, { apiVersion, kind, metadata, ...rest }: KubeObject) {
  const { name, labels = {}, finalizers = [], ownerReferences = [] } = metadata;
  const ours = finalizers.filter((finalizer) => [CLAIM_FINALIZER, PROTECTION_FINALIZER].includes(finalizer));
  const spec = 'spec' in rest ? rest.spec : undefined;
  return { apiVersion, kind, metadata: { name, namespace, labels, finalizers: ours, ownerReferences }, spec };
}
