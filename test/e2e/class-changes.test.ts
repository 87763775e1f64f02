/**
 * A StorageClass that is deleted, or deleted and made anew as something else, between the temporary claim and the binding. docs/hazards.md,
 * case 37; wrapper.test.ts has the same for wrapper classes.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { NewObject, Volume } from '../../src/api/objects.ts';
import { volumes } from '../../src/api/resources.ts';
import { clearFaults, driverName, listVolumes, setFault } from '../cluster/index.ts';
import { claimOf, expectBound, podAtWork, SLOWLY, sourceName, toldOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft } from './harness/invariants.ts';
import { aClaimManifest, aConsumer } from './harness/manifests.ts';
import { read, recordOf } from './harness/objects.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, hold, providerOf, serve } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const LOCAL_PATH = 'rancher.io/local-path';

interface Class {
  readonly provisioner?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly reclaimPolicy?: 'Delete' | 'Retain';
  readonly volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer';
}

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
const made = new Set<string>();
beforeAll(async () => {
  suite = await openSuite();
  ({ namespace, controller } = await suite.lane('changes'));
}, CLUSTER_UP_MS);
afterAll(async () => {
  if (made.size > 0) await suite.cluster.kubectl(['delete', 'storageclass', '--ignore-not-found', ...made]);
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

test(
  'case 37: a class made anew with other parameters while the data comes changes nothing for the claim',
  async () => {
    const [name, storageClass] = ['filling', await provide('filling', {})];
    const work = await podAtWork(suite, namespace, name, { storageClass });
    await replace(storageClass, { parameters: { backing: 'image' }, reclaimPolicy: 'Retain' });
    work.gate.open();
    await expectBound(suite, namespace, name);
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: work.listing });
    const volume = await volumeOf(name);
    expect(volume.spec).toMatchObject({ storageClassName: storageClass, persistentVolumeReclaimPolicy: 'Delete' });
    expect(downloads(suite, sourceName(namespace, name))).toBe(1);
  },
  TEST_MS,
);

test(
  'case 37: a class that is gone while the data comes is not missed, and what it retains stays retained',
  async () => {
    const [name, storageClass] = ['orphaned', await provide('orphaned', { reclaimPolicy: 'Retain' })];
    const work = await podAtWork(suite, namespace, name, { storageClass });
    await suite.cluster.kubectl(['delete', 'storageclass', storageClass]);
    work.gate.open();
    await expectBound(suite, namespace, name);
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: work.listing });
    const { metadata, spec } = await volumeOf(name);
    expect(spec.persistentVolumeReclaimPolicy).toBe('Retain');
    // What is retained is the test's to remove.
    await suite.cluster.client.mergePatch(
      volumes,
      { name: metadata.name },
      { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
    );
  },
  TEST_MS,
);

test(
  'case 37: a class made anew before there is a volume counts as it is then',
  async () => {
    const { embedded } = suite.cluster;
    if (embedded === undefined) return;
    const [name, storageClass] = ['begun', await provide('begun', {})];
    const content = serve(suite, name);
    const claim = await aHeldClaim(name, storageClass);
    await replace(storageClass, { parameters: { backing: 'image' } });
    await clearFaults(embedded, `volprime-${claim.metadata.uid}`);
    await expectBound(suite, namespace, name);
    expect(await readBack(suite.cluster, namespace, [name])).toEqual({ [name]: content.listing });
    const handle = (await volumeOf(name)).spec.csi?.volumeHandle;
    expect((await listVolumes(embedded)).find(({ id }) => id === handle)?.backing).toBe('image');
  },
  TEST_MS,
);

test(
  'case 37: a provisioner that ignores data sources, come in place of the first one while the data comes, is told of and never counts',
  async () => {
    const name = 'usurped';
    const storageClass = await provide(name, { volumeBindingMode: 'WaitForFirstConsumer' });
    const held = hold(suite, name);
    const { source, ref } = providerOf(suite, namespace, name);
    const image = suite.cluster.toolboxImage;
    await suite.apply(
      source,
      aClaimManifest({ name, namespace, storageClass, source: ref }),
      aConsumer({ name: `of-${name}`, namespace, image, claims: [name] }),
    );
    await until('the download to begin', () => downloads(suite, name) > 0, Boolean, SLOWLY);
    await replace(storageClass, { provisioner: LOCAL_PATH, volumeBindingMode: 'WaitForFirstConsumer' });
    const says = await toldOf(suite, namespace, name, 'DataSourceIgnored');
    expect(says).toContain(storageClass);
    const claim = await claimOf(suite, namespace, name);
    expect((await recordOf(suite.cluster, claim))?.status).toMatchObject({ phase: 'Failed' });
    expect((await volumeOf(name)).spec.csi).toBeUndefined();
    held.gate.open();
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    expect((await recordOf(suite.cluster, claim))?.status?.phase).toBe('Failed');
  },
  TEST_MS,
);

/** A claim whose temporary claim stands, and gets no volume until the fault is cleared. */
async function aHeldClaim(name: string, storageClass: string) {
  const { embedded } = suite.cluster;
  const { source, ref } = providerOf(suite, namespace, name);
  // The source comes last: nothing is provisioned before it is there.
  await suite.apply(aClaimManifest({ name, namespace, storageClass, source: ref }));
  const claim = await claimOf(suite, namespace, name);
  const matchName = `volprime-${claim.metadata.uid}`;
  if (embedded !== undefined) await setFault(embedded, { call: 'CreateVolume', matchName, failCode: 'UNAVAILABLE' });
  await suite.apply(source);
  await until(
    'the provisioner to fail once',
    () => suite.cluster.kubectl(['events', `--namespace=${namespace}`, `--for=pvc/${matchName}`]),
    (events) => events.includes('ProvisioningFailed'),
  );
  return claim;
}

async function provide(label: string, shape: Class): Promise<string> {
  const name = `${namespace}-${label}`;
  made.add(name);
  await suite.apply(aClass(name, shape));
  return name;
}

async function replace(name: string, shape: Class): Promise<void> {
  await suite.cluster.kubectl(['delete', 'storageclass', name]);
  await suite.apply(aClass(name, shape));
}

function aClass(name: string, shape: Class): NewObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: driverName,
    volumeBindingMode: 'Immediate',
    ...shape,
  };
}

async function volumeOf(name: string): Promise<Volume> {
  return read(suite.cluster, volumes, { name: (await claimOf(suite, namespace, name)).spec.volumeName ?? '' });
}
