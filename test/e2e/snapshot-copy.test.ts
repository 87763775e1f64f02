/**
 * SnapshotRestore by copy: what one CSI driver has taken, into volumes of a provisioner that knows no snapshots, whole or a directory of it; and
 * what stands in the way of the pod that copies. The numbers are those of docs/snapshots.md.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NewObject } from '../../src/api/objects.ts';
import { claims } from '../../src/api/resources.ts';
import { claimOf, expectAtRest, expectBound, readyOf, statusOf, toldOf, warningsAbout } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import { aClaimManifest, aConsumer, aRestore, aWrapperClass, restoreRef, snapshotRef } from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { readBack } from './harness/read-back.ts';
import { aFilledClaim, aSnapshotOf, expectNothingHeld, ready } from './harness/snapshots.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
let listing: string;
let wrapper: string;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace, controller } = await suite.lane('copy'));
  wrapper = `local-of-${namespace}`;
});
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', wrapper]);
});
beforeAll(async () => {
  await admit(suite.cluster, namespace, 'baseline');
  await suite.apply(aWrapperClass({ name: wrapper, target: 'local-path', binding: 'WaitForFirstConsumer' }));
  listing = await aFilledClaim(suite, namespace, 'original');
  await suite.apply(aSnapshotOf(namespace, 'taken', 'original'));
  await ready(suite.cluster, namespace, 'taken');
}, TEST_MS);

/** Claim, SnapshotRestore and the pod that the claim's class waits for bear one name. */
function restoreOf(name: string, where: string, spec: object = {}, size = '64Mi'): NewObject[] {
  const image = suite.cluster.toolboxImage;
  return [
    aRestore(where, name, { name: 'taken' }, spec),
    aClaimManifest({ name, namespace: where, storageClass: wrapper, source: restoreRef(name), size }),
    aConsumer({ name: `consumer-${name}`, namespace: where, image, claims: [name] }),
  ];
}

const subtreeOf = (all: string, path: string) =>
  all
    .split('\n')
    .filter((line) => line.includes(` ./${path}/`))
    .map((line) => line.replace(` ./${path}/`, ' ./'))
    .join('\n');

describe('scenario 3: a snapshot of another driver', () => {
  test(
    'is copied, whole, from a part of it into less than the whole needs, and without a SnapshotRestore',
    async () => {
      const image = suite.cluster.toolboxImage;
      await suite.apply(
        ...restoreOf('whole', namespace),
        ...restoreOf('part', namespace, { path: '/data/deep' }, '16Mi'),
        aClaimManifest({ name: 'direct', namespace, storageClass: wrapper, source: snapshotRef('taken') }),
        aConsumer({ name: 'consumer-direct', namespace, image, claims: ['direct'] }),
      );
      await expectAtRest(
        suite,
        { namespace, controller },
        { whole: listing, part: subtreeOf(listing, 'data/deep'), direct: listing },
      );
      const status = await statusOf(suite, namespace, 'whole');
      expect(status?.prepared?.route).toBe('Copy');
      expect(status?.result?.verification).toBe('manifest');
      await expectNothingHeld(suite.cluster, [namespace]);
    },
    TEST_MS,
  );
});

test(
  'scenario 5: on the bare class of local-path the empty volume is told of, and never counts as restored',
  async () => {
    const name = 'trapped';
    const image = suite.cluster.toolboxImage;
    // Whoever is first gives the claim its volume: here it must be the provisioner, so there is no snapshot yet.
    await suite.apply(
      aRestore(namespace, name, { name: 'later' }),
      aClaimManifest({ name, namespace, storageClass: 'local-path', source: restoreRef(name) }),
      aConsumer({ name: `consumer-${name}`, namespace, image, claims: [name] }),
    );
    await expectBound(suite, namespace, name);
    const { metadata, spec } = await claimOf(suite, namespace, name);
    expect(spec.volumeName).toBe(`pvc-${metadata.uid}`);
    await suite.apply(aSnapshotOf(namespace, 'later', 'original'));
    await ready(suite.cluster, namespace, 'later');
    expect(await toldOf(suite, namespace, name, 'DataSourceIgnored')).toMatch(/targetClass: local-path/);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: '' });
    const status = await statusOf(suite, namespace, name);
    expect(status).toMatchObject({ phase: 'Failed', lastError: { reason: 'DataSourceIgnored', permanent: true } });
    await expectNothingHeld(suite.cluster, [namespace]);
  },
  TEST_MS,
);

describe('scenario 38: what a namespace forbids', () => {
  async function told(where: string, name: string, reason: string): Promise<string> {
    const status = await until(
      `${name} to be told ${reason}`,
      async () => ({
        ready: readyOf(await statusOf(suite, where, name)),
        said: await warningsAbout(suite, where, name),
      }),
      ({ ready, said }) => ready?.reason === reason && said.includes(reason),
    );
    const made = (await listAll(suite.cluster, claims, where)).map(({ metadata }) => metadata.name);
    const { uid } = (await claimOf(suite, where, name)).metadata;
    expect(made.filter((made) => made.includes(uid))).toEqual([]);
    return status.ready?.message ?? '';
  }

  test(
    'is told on the claim before any volume is made, and mended by its owner',
    async () => {
      await admit(suite.cluster, namespace, 'restricted');
      await suite.apply(...restoreOf('secured', namespace));
      expect(await told(namespace, 'secured', 'PodSecurityForbidden')).toMatch(/"restricted".*"baseline"/);
      await admit(suite.cluster, namespace, 'baseline');
      await expectAtRest(suite, { namespace, controller }, { secured: listing });

      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few', namespace } };
      const count = (await listAll(suite.cluster, claims, namespace)).length + 1;
      await suite.apply({ ...quota, spec: { hard: { persistentvolumeclaims: String(count) } } });
      await suite.apply(...restoreOf('counted', namespace));
      expect(await told(namespace, 'counted', 'QuotaExceeded')).toMatch(/exceeded quota: few/);
      await suite.cluster.kubectl(['delete', 'resourcequota', 'few', `--namespace=${namespace}`]);
      await expectAtRest(suite, { namespace, controller }, { counted: listing });
    },
    TEST_MS,
  );
});
