/**
 * A Provider that is too large for the records of its claims, on a real API server: it is pinned by its digest, and where it changes the claim starts over
 * with nothing of the spec before. Nothing serves the class, so that the temporary claim waits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { kinds } from '../../src/api/crd.ts';
import { populationName, primeName } from '../../src/api/names.ts';
import type { NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { providers } from '../../src/api/provider.ts';
import { claims, storageClasses } from '../../src/api/resources.ts';
import { jsonBytes, jsonDigest } from '../../src/api/source-size.ts';
import { assemble } from '../../src/controller.ts';
import type { Connection } from '../../src/kube/index.ts';
import { downloadAndExtract } from '../../src/plugins/download-and-extract/index.ts';
import { eventually } from '../support/eventually.ts';
import { largestSpecs } from '../support/provider-specs.ts';
import {
  clientOf,
  controlPlane,
  customResourceDefinitions,
  done,
  hasControllers,
  newNamespace,
  removeAll,
} from './control-plane.ts';

jest.setTimeout(180_000);

const CLASS = 'volprime-test-nobody';
const WAIT_MS = 60_000;
const large = { ...largestSpecs[0]?.[1] };
const stop = new AbortController();
let client: Connection;
let namespace: string;
let running: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  const kubeconfig = await controlPlane();
  client = clientOf(kubeconfig);
  namespace = await newNamespace(client);
  for (const { resource } of kinds) {
    const file = join(import.meta.dirname, `../../crds/${resource.group}_${resource.plural}.yaml`);
    const definition: NewObject = parse(readFileSync(file, 'utf8'));
    const name = definition.metadata.name ?? '';
    done(
      await client.apply(customResourceDefinitions, { name }, definition, {
        fieldManager: 'volprime-test',
        force: true,
      }),
    );
    await eventually(`${resource.kind} to be served`, () => client.hasResource(resource));
  }
  await client.create(storageClasses, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: CLASS },
    provisioner: 'nobody.example.com',
    volumeBindingMode: 'Immediate',
  });
  const { manager, client: own } = assemble({
    plugins: [downloadAndExtract],
    config: {
      kubeconfig,
      namespaces: [namespace],
      populatorImage: 'unused',
      leaderElect: false,
      healthPort: 0,
      metricsPort: 0,
      logLevel: 'error',
    },
  });
  const run = async () => {
    try {
      return await manager.run(stop.signal);
    } finally {
      await own.close();
    }
  };
  running = run();
  await eventually('the controller to be ready', () => manager.notReady() === undefined, Boolean, WAIT_MS);
});
afterAll(async () => {
  stop.abort();
  await running;
  const uid = (await client.get(storageClasses, { name: CLASS }))?.metadata.uid;
  if (uid !== undefined) await client.delete(storageClasses, { name: CLASS }, { uid });
  await removeAll(client);
  await client.close();
});

const provider = { apiVersion: 'provider.example.com/v1', kind: 'Provider' };

/** Writes the spec as it is, and no member of the one before. */
async function writeProvider(spec: object): Promise<void> {
  const key = { namespace, name: 'source' };
  const known = await client.get(providers, key);
  if (known === undefined) done(await client.create(providers, { ...provider, metadata: key, spec }));
  else {
    const gone = Object.fromEntries(Object.keys(known.spec).map((member) => [member, null]));
    done(
      await client.mergePatch(providers, key, { metadata: { uid: known.metadata.uid }, spec: { ...gone, ...spec } }),
    );
  }
}

test('a large source is pinned by its digest, and pinned anew as a whole when it has changed', async () => {
  await writeProvider(large);
  const claim = done(
    await client.create(claims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: CLASS,
        dataSourceRef: { apiGroup: 'provider.example.com', kind: 'Provider', name: 'source' },
      },
    }),
  );
  const { uid } = claim.metadata;
  const record = () => client.get(populations, { namespace, name: populationName(uid) });
  const prime = () => client.get(claims, { namespace, name: primeName(uid) });
  const pinnedNow = (generation: number) =>
    eventually(
      `generation ${generation} to be pinned`,
      record,
      (now) => now?.spec.pinned?.generation === generation && now.status?.phase === 'Provisioning',
      WAIT_MS,
    );

  const first = await pinnedNow(1);
  const stored = await client.get(providers, { namespace, name: 'source' });
  expect(first?.spec.pinned).not.toHaveProperty('spec');
  expect(first?.spec.pinned?.digest).toBe(jsonDigest(stored?.spec));
  expect(jsonBytes(first)).toBeLessThan(8 * 1024);
  const firstPrime = await eventually('the temporary claim', prime, Boolean, WAIT_MS);

  await writeProvider({ sourceURL: 'https://example.com/other.tar.gz' });
  await eventually(
    'the record to tell of it',
    record,
    (now) => now?.status?.lastError?.reason === 'SourceSpecChanged',
    WAIT_MS,
  );
  await eventually('the temporary claim to be deleted', prime, (now) => now?.metadata.deletionTimestamp !== undefined);
  // What the PVC protection controller does, of which there is none here.
  if (!hasControllers) {
    const known = await prime();
    const finalizers = known?.metadata.finalizers?.filter((name) => name !== 'kubernetes.io/pvc-protection') ?? [];
    const { uid: primeUid, resourceVersion } = known?.metadata ?? {};
    const body = { metadata: { uid: primeUid, resourceVersion, finalizers } };
    done(await client.mergePatch(claims, { namespace, name: primeName(uid) }, body));
  }
  const second = await pinnedNow(2);
  expect(second?.spec.pinned?.spec).toEqual({ sourceURL: 'https://example.com/other.tar.gz', extractPath: '/' });
  const secondPrime = await eventually('another temporary claim', prime, (now) => now !== undefined, WAIT_MS);
  expect(secondPrime?.metadata.uid).not.toBe(firstPrime?.metadata.uid);
});

test('a spec above 64 KiB is refused by the API server', async () => {
  const include = Array.from({ length: 64 }, () => 'g'.repeat(1_024));
  const spec = { sourceURL: 'https://example.com/a', include, exclude: include };
  const outcome = await client.create(providers, { ...provider, metadata: { name: 'too-large', namespace }, spec });
  expect(outcome).toMatchObject({ type: 'refused', reason: 'Invalid' });
});
