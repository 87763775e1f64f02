/**
 * A provisioner that is no CSI driver and ignores data sources: rancher's local-path-provisioner, as k3s and kind bring it. Through a wrapper
 * class its volumes are populated like any others; on its bare class the trap is told of.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Claim } from '../../src/api/objects.ts';
import { claimOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, readNamespace } from './harness/invariants.ts';
import { aClaimManifest, aConsumer, aPlainClaim, aWrapperClass } from './harness/manifests.ts';
import { recordOf } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { hold, providerOf, serve } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
let wrapper: string;
let wrapperAsTarget: string;
beforeAll(async () => {
  suite = await openSuite();
  ({ namespace, controller } = await suite.lane('local'));
  [wrapper, wrapperAsTarget] = [`${namespace}-wrapper`, `${namespace}-as-target`];
  await suite.apply(
    aWrapperClass({ name: wrapper, target: 'local-path', binding: 'WaitForFirstConsumer' }),
    aWrapperClass({
      name: wrapperAsTarget,
      target: 'local-path',
      binding: 'WaitForFirstConsumer',
      volumeClass: 'target',
    }),
  );
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', wrapper, wrapperAsTarget]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

describe('through a wrapper class', () => {
  test(
    'claims hold their data, and nothing is left of them when they are deleted',
    async () => {
      const [one, two] = [serve(suite, 'one'), serve(suite, 'two')];
      const [first, second] = [providerOf(suite, namespace, 'one', one.checksum), providerOf(suite, namespace, 'two')];
      await suite.apply(
        first.source,
        second.source,
        aClaimManifest({ name: 'one', namespace, storageClass: wrapper, source: first.ref }),
        aClaimManifest({ name: 'two', namespace, storageClass: wrapperAsTarget, source: second.ref }),
        aPlainClaim(namespace, 'plain', wrapper),
      );
      expect(await readBack(suite.cluster, namespace, ['one', 'two', 'plain'])).toEqual({
        one: one.listing,
        two: two.listing,
        plain: '',
      });
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      const { volumes } = await readNamespace(suite.cluster, namespace);
      const classes = volumes.map(({ spec }) => [spec.claimRef?.name, spec.storageClassName]);
      expect(Object.fromEntries(classes)).toEqual({ one: wrapper, plain: wrapper, two: 'local-path' });
      await suite.cluster.kubectl(['delete', 'pvc', 'one', 'two', 'plain', `--namespace=${namespace}`]);
      await until(
        'the storage to be empty',
        () => readNamespace(suite.cluster, namespace),
        (state) => state.volumes.length === 0 && state.stored?.length === 0,
      );
    },
    TEST_MS,
  );

  test(
    'a clone that the provisioner would leave empty is never handed over',
    async () => {
      await suite.apply(aPlainClaim(namespace, 'golden', wrapper));
      await readBack(suite.cluster, namespace, ['golden']);
      const plain = aPlainClaim(namespace, 'cloned', wrapper);
      const dataSource = { kind: 'PersistentVolumeClaim', name: 'golden' };
      await suite.apply(
        { ...plain, spec: { ...(plain['spec'] as object), dataSource } },
        aConsumer({ name: 'of-cloned', namespace, image: suite.cluster.toolboxImage, claims: ['cloned'] }),
      );
      const record = await until(
        'the clone to be refused',
        async () => recordOf(suite.cluster, await readClaim('cloned')),
        (found) => found?.status?.phase === 'Failed',
      );
      expect(record?.status?.lastError).toMatchObject({ reason: 'DataSourceIgnored', permanent: true });
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect((await readClaim('cloned')).spec.volumeName).toBeUndefined();
      await suite.cluster.kubectl(['delete', 'pod', 'of-cloned', `--namespace=${namespace}`, '--grace-period=0']);
      await suite.cluster.kubectl(['delete', 'pvc', 'cloned', `--namespace=${namespace}`, '--timeout=60s']);
    },
    TEST_MS,
  );

  test(
    'what it does not repeat from its target is told on the class',
    async () => {
      const told = await until(
        'the events on the class',
        () => suite.cluster.kubectl(['events', '--namespace=default', `--for=storageclass/${wrapper}`]),
        (text) => text.includes('WrapperClassMismatch'),
      );
      expect(told).toContain('allowVolumeExpansion is true, that of local-path is false');
    },
    TEST_MS,
  );
});

test(
  'on the bare class the empty volume is told of with the way out, and never counts as populated',
  async () => {
    // Whoever is first gives the claim its volume: here it must be the provisioner.
    const { gate } = hold(suite, 'trapped');
    const { source, ref } = providerOf(suite, namespace, 'trapped');
    await suite.apply(
      source,
      aClaimManifest({ name: 'trapped', namespace, storageClass: 'local-path', source: ref }),
      aConsumer({ name: 'of-trapped', namespace, image: suite.cluster.toolboxImage, claims: ['trapped'] }),
    );
    const claim = await until('the claim to be bound', () => readClaim('trapped'), isFullyBound);
    gate.open();
    expect(claim.spec.volumeName).toBe(`pvc-${claim.metadata.uid}`);
    const record = await until(
      'the record to say so',
      () => recordOf(suite.cluster, claim),
      (found) => found?.status?.phase === 'Failed',
    );
    const says = expect.stringMatching(/rancher\.io\/local-path.*volprime\.dev\/populate.*targetClass: local-path/);
    expect(record?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'DataSourceIgnored', message: says }),
    );
    await until(
      'the Warning on the claim',
      () => suite.cluster.kubectl(['events', `--namespace=${namespace}`, '--for=pvc/trapped', '--types=Warning']),
      (text) => text.includes('DataSourceIgnored'),
    );
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect(await readBack(suite.cluster, namespace, ['trapped'])).toEqual({ trapped: '' });
    expect((await recordOf(suite.cluster, claim))?.status?.phase).toBe('Failed');
  },
  TEST_MS,
);

function readClaim(name: string): Promise<Claim> {
  return claimOf(suite, namespace, name);
}
