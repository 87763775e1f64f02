/**
 * A class that hands out a directory that is in use (case 79), as rancher's local-path-provisioner does with a `pathPattern`: what another
 * application has there stays, under both policies, whether the source can be had or not. A volume that was empty still goes.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ANNOTATION_MAY_HOLD_CONTENT } from '../../src/api/names.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { claimOf, podAtWork, statusOf, toldOf, warningsAbout } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import {
  aClaimManifest,
  aConsumer,
  aPlainClaim,
  aProvider,
  aWrapperClass,
  aWriter,
  providerRef,
} from './harness/manifests.ts';
import { read } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { providerOf, serve } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const policies = ['Retain', 'Delete'] as const;

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
const classes: string[] = [];
beforeAll(async () => {
  suite = await openSuite();
  ({ namespace, controller } = await suite.lane('foreign'));
}, CLUSTER_UP_MS);
afterAll(async () => {
  await suite?.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', ...classes]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

interface Directory {
  readonly name: string;
  readonly policy: 'Retain' | 'Delete';
  readonly annotations?: Readonly<Record<string, string>>;
  readonly pathPattern: string;
}

/** A class of local-path and a wrapper over it, which bears its name and `-populated`. */
async function provide({ name, policy, annotations = {}, pathPattern }: Directory): Promise<string> {
  const target: NewObject = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations },
    provisioner: 'rancher.io/local-path',
    parameters: { pathPattern },
    reclaimPolicy: policy,
    volumeBindingMode: 'WaitForFirstConsumer',
  };
  const wrapper = `${name}-populated`;
  classes.push(name, wrapper);
  const over = { name: wrapper, target: name, binding: 'WaitForFirstConsumer', reclaimPolicy: policy } as const;
  await suite.apply(target, aWrapperClass(over));
  return wrapper;
}

/** Another application, whose claim of the bare class holds data. */
async function occupy(name: string, storageClass: string, annotations: Readonly<Record<string, string>> = {}) {
  const { cluster } = suite;
  const plain = aPlainClaim(namespace, name, storageClass);
  await suite.apply(
    { ...plain, metadata: { ...plain.metadata, annotations } },
    aWriter({
      name: `writes-${name}`,
      namespace,
      image: cluster.toolboxImage,
      claims: [name],
      script: `mkdir -p /volumes/${name}/db && echo precious >/volumes/${name}/top && echo precious >/volumes/${name}/db/x`,
    }),
  );
  await until(
    `${name} to hold its data`,
    () =>
      cluster.kubectl(['get', 'pod', `writes-${name}`, `--namespace=${namespace}`, '-o', 'jsonpath={.status.phase}']),
    (phase) => phase === 'Succeeded',
  );
  return readBack(cluster, namespace, [name]);
}

describe('a directory that another application uses', () => {
  const cases = policies.flatMap((policy) => ['missing', 'served'].map((source) => ({ policy, source })));

  test.each(cases)(
    'keeps all of its content: $policy, a source that is $source',
    async ({ policy, source }) => {
      const name = `${namespace}-${policy}-${source}`.toLowerCase();
      // The operator lets the class read an annotation, and two claims name one directory by it: nothing about the class is wrong.
      const annotations = { 'volprime.dev/copy-annotations': 'example.com/directory' };
      const pathPattern = `${name}/{{ index .PVC.Annotations "example.com/directory" }}`;
      const storageClass = await provide({ name, policy, annotations, pathPattern });
      const directory = { 'example.com/directory': 'one' };
      const before = await occupy(`a-${policy}-${source}`.toLowerCase(), name, directory);
      const claim = `b-${policy}-${source}`.toLowerCase();
      const provider = aProvider(namespace, claim, { sourceURL: `${suite.archives.url}/none.tgz` });
      const { source: given, ref } =
        source === 'served' ? served(claim) : { source: provider, ref: providerRef(claim) };
      const manifest = aClaimManifest({ name: claim, namespace, storageClass, source: ref });
      await suite.apply(
        given,
        { ...manifest, metadata: { ...manifest.metadata, annotations: directory } },
        aConsumer({ name: `of-${claim}`, namespace, image: suite.cluster.toolboxImage, claims: [claim] }),
      );
      // The two PersistentVolumes say it already: no pod is started.
      await toldOf(suite, namespace, claim, 'VolumeShared');
      await suite.cluster.kubectl(['delete', 'pod', `of-${claim}`, `--namespace=${namespace}`, '--grace-period=0']);
      await suite.cluster.kubectl(['delete', 'pvc', claim, `--namespace=${namespace}`, '--timeout=90s']);
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      expect(await readBack(suite.cluster, namespace, Object.keys(before))).toEqual(before);
    },
    TEST_MS,
  );

  test.each(policies)(
    'keeps it also where no other PersistentVolume tells of it: %s',
    async (policy) => {
      const name = `${namespace}-left-${policy}`.toLowerCase();
      const annotations = { 'volprime.dev/copy-annotations': 'example.com/directory' };
      const pathPattern = `${name}/{{ index .PVC.Annotations "example.com/directory" }}`;
      const storageClass = await provide({ name, policy: 'Retain', annotations, pathPattern });
      const [other, claim] = [`left-${policy}`.toLowerCase(), `new-${policy}`.toLowerCase()];
      const directory = { 'example.com/directory': 'one' };
      await occupy(other, name, directory);
      const { spec } = await claimOf(suite, namespace, other);
      const path = (await read(suite.cluster, volumes, { name: spec.volumeName ?? '' })).spec.hostPath?.path;
      await suite.cluster.kubectl(['delete', 'pod', `writes-${other}`, `--namespace=${namespace}`, '--grace-period=0']);
      await suite.cluster.kubectl(['delete', 'pvc', other, `--namespace=${namespace}`, '--timeout=60s']);
      // Under Retain the directory outlives its PersistentVolume.
      await suite.cluster.kubectl(['delete', 'pv', spec.volumeName ?? '', '--timeout=60s']);

      const { source, ref } = served(claim);
      const manifest = aClaimManifest({ name: claim, namespace, storageClass, source: ref });
      await suite.apply(
        source,
        { ...manifest, metadata: { ...manifest.metadata, annotations: directory } },
        aConsumer({ name: `of-${claim}`, namespace, image: suite.cluster.toolboxImage, claims: [claim] }),
      );
      const status = await until(
        'the population to fail',
        () => statusOf(suite, namespace, claim),
        (it) => it?.phase === 'Failed',
      );
      expect(status?.lastError).toMatchObject({ reason: 'VolumeNotEmpty', permanent: true });
      await until(
        'the event about the kept volume',
        () => warningsAbout(suite, namespace, claim),
        (warnings) => warnings.includes('VolumeKept'),
      );
      await expectNothingLeft(suite.cluster, namespace, () => controller.check());
      const kept = (await listAll(suite.cluster, volumes)).filter((volume) => volume.spec.hostPath?.path === path);
      expect(kept.map((volume) => [volume.status?.phase, volume.spec.persistentVolumeReclaimPolicy])).toEqual([
        ['Released', 'Retain'],
      ]);
      await suite.cluster.kubectl(['delete', 'pod', `of-${claim}`, `--namespace=${namespace}`, '--grace-period=0']);
      await suite.cluster.kubectl(['delete', 'pvc', claim, `--namespace=${namespace}`, '--timeout=60s']);
    },
    TEST_MS,
  );
});

test(
  'case 80: classes that share or read the claim are refused before a volume is made',
  async () => {
    const shared = await provide({ name: `${namespace}-shared`, policy: 'Delete', pathPattern: 'shared' });
    const byName = await provide({ name: `${namespace}-named`, policy: 'Delete', pathPattern: '{{ .PVC.Name }}' });
    const expected = { shared: 'ClassSharesDirectory', named: 'ClassReadsClaim' };
    for (const [name, storageClass] of Object.entries({ shared, named: byName })) {
      const { source, ref } = served(name);
      await suite.apply(source, aClaimManifest({ name, namespace, storageClass, source: ref }));
    }
    for (const [name, reason] of Object.entries(expected)) {
      await toldOf(suite, namespace, name, reason);
      const { metadata } = await claimOf(suite, namespace, name);
      const primes = (await listAll(suite.cluster, claims, namespace)).filter((it) =>
        it.metadata.name.includes(metadata.uid),
      );
      expect(primes).toEqual([]);
    }
    // What the operator allows goes on by itself.
    await suite.cluster.kubectl([
      'annotate',
      'storageclass',
      `${namespace}-shared`,
      `${ANNOTATION_MAY_HOLD_CONTENT}=true`,
    ]);
    expect(Object.keys(await readBack(suite.cluster, namespace, ['shared']))).toEqual(['shared']);
    await suite.cluster.kubectl([
      'delete',
      'pvc',
      ...Object.keys(expected),
      `--namespace=${namespace}`,
      '--timeout=60s',
    ]);
  },
  TEST_MS,
);

test(
  'a volume that was empty goes with a cancelled claim, although its class retains it',
  async () => {
    const { claim } = await podAtWork(suite, namespace, 'cancelled', { storageClass: 'imm-ret' });
    const before = (await listAll(suite.cluster, volumes)).filter(
      ({ spec }) => spec.claimRef?.name?.includes(claim.metadata.uid) === true,
    );
    expect(before).toHaveLength(1);
    await suite.cluster.kubectl(['delete', 'pvc', 'cancelled', `--namespace=${namespace}`, '--timeout=90s']);
    await until(
      'its volume to be gone',
      async () =>
        (await listAll(suite.cluster, volumes)).some(({ metadata }) => metadata.uid === before[0]?.metadata.uid),
      (there) => !there,
    );
  },
  TEST_MS,
);

function served(name: string) {
  const { checksum } = serve(suite, name);
  return providerOf(suite, namespace, name, checksum);
}
