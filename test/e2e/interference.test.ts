/**
 * Other hands on what a population needs, in the middle of its work: users, administrators, other controllers.
 * docs/hazards.md, cases 8, 9, 16, 36 and 64.
 */
import { describe, expect, test } from '@jest/globals';
import { primeName } from '../../src/api/names.ts';
import type { Claim, KubeObject } from '../../src/api/objects.ts';
import { claims, type Resource } from '../../src/api/resources.ts';
import { expectPopulated, podAtWork, readyOf } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, leftovers, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aPlainClaim, aProvider, providerRef } from './harness/manifests.ts';
import { read as readObject, recordOf } from './harness/objects.ts';
import { providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('hands'));
});

describe('a source', () => {
  test(
    'case 9: that is edited during the download is used as it was, and as it is by the next claim',
    async () => {
      const work = await podAtWork(suite, namespace, 'edited', { source: 'edited' });
      const content = serve(suite, 'edited-later');
      const sourceURL = `${suite.archives.url}/edited-later`;
      await suite.apply(
        aProvider(namespace, 'edited', { sourceURL }),
        aClaimManifest({ name: 'edited-later', namespace, storageClass: 'imm-del', source: providerRef('edited') }),
      );
      await expectPopulated(suite, { namespace, controller }, { 'edited-later': content.listing });
      work.gate.open();
      await expectPopulated(suite, { namespace, controller }, { edited: work.listing });
    },
    TEST_MS,
  );

  test(
    'case 8: that is deleted during the download is used as it was',
    async () => {
      const work = await podAtWork(suite, namespace, 'deleted', { source: 'deleted' });
      await suite.cluster.kubectl(['delete', 'provider.provider.example.com/deleted', `--namespace=${namespace}`]);
      work.gate.open();
      await expectPopulated(suite, { namespace, controller }, { deleted: work.listing });
    },
    TEST_MS,
  );
});

test(
  'case 16: a claim that somebody binds to another volume during the download keeps that one, and ours is removed',
  async () => {
    const work = await podAtWork(suite, namespace, 'grabbed', { storageClass: 'imm-ret' });
    const other = `${namespace}-static`;
    await suite.apply(staticVolume(other, work.claim));
    await until('the claim to be bound to the other volume', () => read(claims, 'grabbed'), isFullyBound);
    const record = await until(
      'the record to say so',
      () => recordOf(suite.cluster, work.claim),
      (found) => found?.status?.phase === 'Failed',
    );
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect(record?.status?.lastError).toMatchObject({ reason: 'BoundElsewhere', permanent: true });
    expect((await read(claims, 'grabbed')).spec.volumeName).toBe(other);
  },
  TEST_MS,
);

test(
  'case 64: a foreign claim that has the name of the prime is left alone, and told of',
  async () => {
    const content = serve(suite, 'taken');
    const { source, ref } = providerOf(suite, namespace, 'taken', content.checksum);
    await suite.apply(aClaimManifest({ name: 'taken', namespace, storageClass: 'imm-del', source: ref }));
    const claim = await read(claims, 'taken');
    const foreign = primeName(claim.metadata.uid);
    await suite.apply(aPlainClaim(namespace, foreign, 'imm-del'));
    const before = await until('the foreign claim to be bound', () => read(claims, foreign), isFullyBound);
    await suite.apply(source);
    const record = await until(
      'the record to name the foreign claim',
      () => recordOf(suite.cluster, claim),
      (found) => readyOf(found?.status)?.reason === 'NameTaken',
    );
    expect(readyOf(record?.status)?.message).toContain(foreign);
    expect(written(await read(claims, foreign))).toEqual(written(before));

    await suite.cluster.kubectl(['delete', 'pvc', foreign, `--namespace=${namespace}`]);
    await expectPopulated(suite, { namespace, controller }, { taken: content.listing });
  },
  TEST_MS,
);

test(
  'case 36: a class that is missing is waited for',
  async () => {
    const storageClass = `${namespace}-late`;
    const content = serve(suite, 'early');
    const { source, ref } = providerOf(suite, namespace, 'early', content.checksum);
    await suite.apply(source, aClaimManifest({ name: 'early', namespace, storageClass, source: ref }));
    const claim = await read(claims, 'early');
    await until(
      'the record to say what is missing',
      () => recordOf(suite.cluster, claim),
      (found) => readyOf(found?.status)?.reason === 'StorageClassNotFound',
    );
    expect(leftovers(await readNamespace(suite.cluster, namespace))).toEqual([]);
    await suite.copyClass('imm-del', storageClass);
    await expectPopulated(suite, { namespace, controller }, { early: content.listing });
    await suite.cluster.kubectl(['delete', 'storageclass', storageClass]);
  },
  TEST_MS,
);

function staticVolume(name: string, { metadata }: Claim) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '64Mi' },
      storageClassName: 'imm-ret',
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: metadata.namespace, name: metadata.name },
      hostPath: { path: '/tmp' },
    },
  };
}

/** Without what Kubernetes itself keeps up to date. */
function written({ metadata, spec }: Claim) {
  const { uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp } = metadata;
  return { uid, labels, annotations, finalizers, ownerReferences, deletionTimestamp, spec };
}

function read<T extends KubeObject>(resource: Resource<T>, name: string): Promise<T> {
  return readObject(suite.cluster, resource, { namespace, name });
}
