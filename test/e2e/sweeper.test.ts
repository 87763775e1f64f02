/** What no event leads back to: records, primes, pods, volumes and finalizers whose other half is gone. */
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import {
  ANNOTATION_POPULATION_UID,
  CLAIM_FINALIZER,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  MANAGED_BY,
  populationName,
  primeName,
} from '../../src/api/names.ts';
import type { Claim, NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, events, volumes } from '../../src/api/resources.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, leftovers, listAll, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim } from './harness/manifests.ts';
import { read, remove, stripFinalizers } from './harness/objects.ts';
import { downloads, hold, providerOf } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
}, CLUSTER_UP_MS);
afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);

const cases: readonly { readonly name: string; readonly play: () => Promise<void> }[] = [
  {
    name: 'case 59: a claim whose record was taken away by force leaves nothing when it is deleted',
    play: async () => {
      const { namespace, controller } = await stage('robbed');
      const claim = await podAtWork(namespace, 'data');
      const record = { namespace, name: populationName(claim.metadata.uid) };
      await remove(suite.cluster, populations, record);
      await stripFinalizers(suite.cluster, populations, record);
      await suite.cluster.kubectl(['delete', 'pvc', 'data', `--namespace=${namespace}`, '--timeout=90s']);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'a claim that is deleted with --cascade=orphan takes its record along all the same',
    play: async () => {
      const { namespace, controller } = await stage('orphaned');
      await podAtWork(namespace, 'data');
      const orphan = ['delete', 'pvc', 'data', '--cascade=orphan', `--namespace=${namespace}`, '--timeout=90s'];
      await suite.cluster.kubectl(orphan);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'a claim that has our finalizer by a copied manifest can be deleted',
    play: async () => {
      const { namespace, controller } = await stage('copied');
      await suite.apply(heldForNothing(namespace));
      await suite.cluster.kubectl(['delete', 'pvc', 'copied', `--namespace=${namespace}`, '--timeout=90s']);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'case 64: what only looks like ours is told of once and left alone',
    play: async () => {
      const { namespace, controller } = await stage('lookalikes');
      const uid = '00000000-0000-4000-8000-000000000001';
      const { metadata, ...plain } = aPlainClaim(namespace, primeName(uid), 'imm-ret');
      const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_ROLE]: 'prime' };
      const annotations = { [ANNOTATION_POPULATION_UID]: uid };
      await suite.apply({ ...plain, metadata: { ...metadata, labels, annotations } });
      const told = async () =>
        (await listAll(suite.cluster, events, namespace)).filter(
          (event) => 'reason' in event && event.reason === 'NotProvenOurs',
        );
      const [first] = await until('the sweeper to tell of it', told, (found) => found.length > 0);
      expect(first).toMatchObject({ type: 'Warning', regarding: { name: primeName(uid) } });
      await controller.logged('NotProvenOurs', primeName(uid));
      const { spec, metadata: now } = await read(suite.cluster, claims, { namespace, name: primeName(uid) });
      expect(now.deletionTimestamp).toBeUndefined();

      // Its own claim gone, its retained volume is one that a prime could have left.
      await suite.cluster.kubectl(['delete', 'pvc', primeName(uid), `--namespace=${namespace}`, '--timeout=60s']);
      const volume = spec.volumeName ?? '';
      await controller.logged('VolumeOfNoPrime', volume);
      const kept = await read(suite.cluster, volumes, { name: volume });
      expect(kept.spec.persistentVolumeReclaimPolicy).toBe('Retain');
      expect(kept.metadata.deletionTimestamp).toBeUndefined();
      expect(await told()).toHaveLength(1);
      expect(
        controller
          .log()
          .split('\n')
          .filter((line) => line.includes('VolumeOfNoPrime')),
      ).toHaveLength(1);
      await suite.cluster.client.mergePatch(volumes, kept.metadata, {
        spec: { persistentVolumeReclaimPolicy: 'Delete' },
      });
    },
  },
  {
    name: 'in a dry run everything is told and nothing is done',
    play: async () => {
      const { namespace, controller } = await stage('dry', { 'sweep-dry-run': '' });
      await suite.apply(heldForNothing(namespace));
      await suite.cluster.kubectl(['delete', 'pvc', 'copied', `--namespace=${namespace}`, '--wait=false']);
      await controller.logged('HeldForNothing', 'dry run');
      expect(leftovers(await readNamespace(suite.cluster, namespace))).toEqual(['finalizer on claim copied']);
      await stripFinalizers(suite.cluster, claims, { namespace, name: 'copied' });
    },
  },
];

describe('the sweeper', () => testTogether(cases, ({ play }) => play(), TEST_MS));

/** A claim of a kind that nobody populates from. */
function heldForNothing(namespace: string): NewObject {
  const source = { apiGroup: 'other.example.com', kind: 'Other', name: 'other' };
  const { metadata, ...claim } = aClaimManifest({ name: 'copied', namespace, storageClass: 'imm-del', source });
  return { ...claim, metadata: { ...metadata, finalizers: [CLAIM_FINALIZER] } };
}

async function stage(label: string, flags = {}): Promise<{ namespace: string; controller: ControllerProcess }> {
  const namespace = await suite.namespace(label);
  const own = { 'sweep-interval-ms': '1000', ...flags };
  const controller = suite.controller({ name: namespace, namespaces: [namespace], flags: own });
  controller.start();
  return { namespace, controller };
}

/** A claim of a class that retains, whose populator pod is held in the middle of its download. */
async function podAtWork(namespace: string, name: string): Promise<Claim> {
  const path = `${namespace}-${name}`;
  hold(suite, path);
  const { source, ref } = providerOf(suite, namespace, path);
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-ret', source: ref }));
  await until(`the download of ${path} to begin`, () => downloads(suite, path) > 0);
  return read(suite.cluster, claims, { namespace, name });
}
