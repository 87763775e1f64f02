/** What no event leads back to: records, primes, pods, volumes and finalizers whose other half is gone. */
import { describe, expect } from '@jest/globals';
import {
  CLAIM_FINALIZER,
  LABEL_MANAGED_BY,
  LABEL_ROLE,
  MANAGED_BY,
  populationName,
  primeName,
} from '../../src/api/names.ts';
import { proofFor } from '../../src/api/proof.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, events, volumes } from '../../src/api/resources.ts';
import { podAtWork } from './harness/claims.ts';
import { expectNothingLeft, leftovers, listAll, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim } from './harness/manifests.ts';
import { read, remove, stripFinalizers } from './harness/objects.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

const cases: readonly { readonly name: string; readonly play: () => Promise<void> }[] = [
  {
    name: 'case 59: a claim whose record was taken away by force leaves nothing when it is deleted',
    play: async () => {
      const { namespace, controller } = await lane('robbed');
      const { claim } = await podAtWork(suite, namespace, 'data', { storageClass: 'imm-ret' });
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
      const { namespace, controller } = await lane('orphaned');
      await podAtWork(suite, namespace, 'data', { storageClass: 'imm-ret' });
      const orphan = ['delete', 'pvc', 'data', '--cascade=orphan', `--namespace=${namespace}`, '--timeout=90s'];
      await suite.cluster.kubectl(orphan);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'a claim that has our finalizer by a copied manifest can be deleted',
    play: async () => {
      const { namespace, controller } = await lane('copied');
      await suite.apply(heldForNothing(namespace));
      await suite.cluster.kubectl(['delete', 'pvc', 'copied', `--namespace=${namespace}`, '--timeout=90s']);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    },
  },
  {
    name: 'case 64: what only looks like ours is told of once and left alone',
    play: async () => {
      const { namespace, controller } = await lane('lookalikes');
      const uid = '00000000-0000-4000-8000-000000000001';
      const { metadata, ...plain } = aPlainClaim(namespace, primeName(uid), 'imm-ret');
      const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_ROLE]: 'prime' };
      const annotations = proofFor({ kind: 'Population', uid });
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
      const { namespace, controller } = await lane('dry', { 'sweep-dry-run': '' });
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

function lane(label: string, flags = {}): Promise<Lane> {
  return suite.lane(label, { flags: { 'sweep-interval-ms': '1000', ...flags } });
}
