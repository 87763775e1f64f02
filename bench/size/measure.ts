/**
 * The group "size": what one claim of a large Provider costs etcd and the memory of the controller, as a multiple of the claim's own bytes. A
 * real etcd and API server without kubelet; nothing serves the class, so that no volume has to be paid for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse } from 'yaml';
import { kinds } from '../../src/api/crd.ts';
import type { KubeObject, NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { providers } from '../../src/api/provider.ts';
import { claims, storageClasses } from '../../src/api/resources.ts';
import { jsonBytes, MAX_RECORDED_SOURCE_BYTES } from '../../src/api/source-size.ts';
import { assemble } from '../../src/controller.ts';
import type { Connection } from '../../src/kube/index.ts';
import { downloadAndExtract } from '../../src/plugins/download-and-extract/index.ts';
import {
  clientOf,
  controlPlane,
  customResourceDefinitions,
  done,
  newNamespace,
  removeAll,
} from '../../test/integration/control-plane.ts';
import { eventually } from '../../test/support/eventually.ts';
import { largestSpecs } from '../../test/support/provider-specs.ts';
import { type Figure, figure } from '../figures.ts';

export interface SizeOptions {
  readonly claims: number;
  readonly say: (line: string) => void;
}

/** The issue's: a claim of 413 bytes became a record of 1 MB. */
const TARGET = 20;
const CLASS = 'volprime-bench-nobody';
/** `largest`: as the CRD takes it. `recorded`: as large as a record keeps it, which costs each claim more. */
const sources = ['largest', 'recorded'] as const;
type Source = (typeof sources)[number];
const specs: Readonly<Record<Source, object>> = {
  largest: { ...largestSpecs[0]?.[1] },
  recorded: {
    sourceURL: 'https://example.com/data.tar.gz',
    include: Array.from({ length: 4 }, () => 'g'.repeat(MAX_RECORDED_SOURCE_BYTES / 4 - 40)),
  },
};
const WAIT_MS = 10 * 60_000;
const crds = join(import.meta.dirname, '..', '..', 'crds');

export async function measureSize({ claims: count, say }: SizeOptions): Promise<Figure[]> {
  const kubeconfig = await controlPlane();
  const client = clientOf(kubeconfig);
  try {
    const namespace = await newNamespace(client);
    await provide(client, namespace);
    await using controller = await startController(kubeconfig, namespace);
    const add = async (source: Source, round: string) => {
      for (let index = 0; index < count; index += 1)
        done(await client.create(claims, aClaim(namespace, source, `${source}-${round}-${index}`)));
      return settled(client, namespace, `${source}-${round}-`, count);
    };
    // The first ones also pay for what the process needs once: code, connections, buffers.
    await add('largest', 'before');
    const figures: Figure[] = [];
    for (const source of sources) {
      say(`  ${count} claims of a Provider of ${jsonBytes(specs[source])} bytes`);
      const before = await controller.heapBytes();
      const { claim: floor, record, all } = await add(source, 'counted');
      const heap = ((await controller.heapBytes()) - before) / count;
      const name = (what: string) => `size: ${what}, ${source} spec`;
      figures.push(
        figure({ name: name('record of a claim'), value: record, unit: 'B', floor, target: TARGET }),
        figure({ name: name('all that is stored for it'), value: all, unit: 'B', floor, target: TARGET }),
        figure({ name: name('heap of the controller'), value: heap, unit: 'B', floor, target: TARGET }),
      );
    }
    return figures;
  } finally {
    const uid = (await client.get(storageClasses, { name: CLASS }))?.metadata.uid;
    if (uid !== undefined) await client.delete(storageClasses, { name: CLASS }, { uid });
    await removeAll(client);
    await client.close();
  }
}

async function provide(client: Connection, namespace: string): Promise<void> {
  for (const { resource } of kinds) {
    const definition: NewObject = parse(readFileSync(join(crds, `${resource.group}_${resource.plural}.yaml`), 'utf8'));
    const name = definition.metadata.name ?? '';
    const options = { fieldManager: 'volprime-bench', force: true };
    done(await client.apply(customResourceDefinitions, { name }, definition, options));
    await eventually(`${resource.kind} to be served`, () => client.hasResource(resource));
  }
  for (const name of sources) {
    const metadata = { name, namespace };
    const spec = specs[name];
    done(await client.create(providers, { apiVersion: 'provider.example.com/v1', kind: 'Provider', metadata, spec }));
  }
  await client.create(storageClasses, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: CLASS },
    provisioner: 'nobody.example.com',
    volumeBindingMode: 'Immediate',
  });
}

/** In this process, whose heap then is the controller's. */
async function startController(kubeconfig: string, namespace: string) {
  const { manager, client } = assemble({
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
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  await eventually('the controller to be ready', () => manager.notReady() === undefined, Boolean, WAIT_MS);
  setFlagsFromString('--expose-gc');
  // Code that is thrown away between two looks would count as memory that claims give back.
  setFlagsFromString('--no-flush-bytecode');
  const collect: () => void = runInNewContext('gc');
  return {
    heapBytes: async () => {
      // What finalizers let go of is free after the next turn.
      for (let round = 0; round < 4; round += 1) {
        collect();
        await setImmediate();
      }
      return process.memoryUsage().heapUsed;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await client.close();
    },
  };
}

function aClaim(namespace: string, source: Source, name: string): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: CLASS,
      dataSourceRef: { apiGroup: 'provider.example.com', kind: 'Provider', name: source },
    },
  };
}

/** When each claim has its record and waits for its volume: mean bytes of JSON, which is what etcd keeps of a custom resource. */
async function settled(client: Connection, namespace: string, prefix: string, count: number) {
  const all = async () => {
    const records = (await client.listPage(populations, { namespace })).items.filter(({ spec }) =>
      spec.claim.name.startsWith(prefix),
    );
    const names = new Set(records.map(({ metadata }) => metadata.name));
    const stored = (await client.listPage(claims, { namespace })).items.filter(
      ({ metadata: { name } }) => name.startsWith(prefix) || names.has(name),
    );
    return { records, stored };
  };
  const { records, stored } = await eventually(
    'each claim to wait for its volume',
    all,
    (seen) => seen.stored.length === 2 * count && seen.records.every(({ status }) => status?.phase === 'Provisioning'),
    WAIT_MS,
  );
  const mean = (objects: readonly KubeObject[]) => objects.reduce((sum, each) => sum + jsonBytes(each), 0) / count;
  const own = stored.filter(({ spec }) => spec.dataSourceRef !== undefined);
  return { claim: mean(own), record: mean(records), all: mean([...records, ...stored]) };
}
