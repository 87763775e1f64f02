/**
 * Case 63: clusters that lack what sources of other namespaces need. Without the kind ReferenceGrant nothing is granted and nothing hangs. With the
 * API server's gate off, a claim arrives without any source, and Volprime has nothing to do with it, whatever the source is called.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { kinds } from '../../src/api/crd.ts';
import { CLAIM_FINALIZER } from '../../src/api/names.ts';
import type { Claim, NewObject } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { referenceGrants } from '../../src/api/reference-grant.ts';
import { claims, type Resource } from '../../src/api/resources.ts';
import { assemble } from '../../src/controller.ts';
import type { Connection } from '../../src/kube/index.ts';
import { downloadAndExtract } from '../../src/plugins/download-and-extract/index.ts';
import { clusterDown, controlPlaneUp, ensureBinaries } from '../cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import {
  clientOf,
  controlPlane,
  customResourceDefinitions,
  done,
  hasControllers,
  newNamespace,
  ofThisRun,
  removeAll,
} from './control-plane.ts';

jest.setTimeout(180_000);
const WITHOUT_GATE = 'integration-no-gate';

/** A controller that serves sources of other namespaces, in two namespaces of a cluster with our kinds. */
class Site {
  readonly client: Connection;
  readonly #kubeconfig: string;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  app = '';
  lib = '';

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
    this.client = clientOf(kubeconfig);
  }

  async open(): Promise<void> {
    const { client } = this;
    for (const { resource } of kinds)
      await install(
        client,
        resource,
        join(import.meta.dirname, `../../crds/${resource.group}_${resource.plural}.yaml`),
      );
    this.app = await newNamespace(client);
    this.lib = await newNamespace(client);
    const { manager, client: own } = assemble({
      plugins: [downloadAndExtract],
      config: {
        kubeconfig: this.#kubeconfig,
        namespaces: [this.app, this.lib],
        populatorImage: 'unused',
        crossNamespace: true,
        populatorNamespace: this.lib,
        leaderElect: false,
        healthPort: 0,
        metricsPort: 0,
        logLevel: 'error',
      },
    });
    const run = async () => {
      try {
        return await manager.run(this.#stop.signal);
      } finally {
        await own.close();
      }
    };
    this.#running = run();
    await eventually(
      'the controller to be ready',
      () => manager.notReady() ?? 'ready',
      (state) => state === 'ready',
      60_000,
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await removeAll(this.client);
    await this.client.close();
  }

  async claim(name: string, namespace?: string): Promise<Claim> {
    const dataSourceRef = { apiGroup: 'provider.example.com', kind: 'Provider', name: 'shared', namespace };
    const body = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: this.app },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: 'missing',
        dataSourceRef,
      },
    };
    return done(await this.client.create(claims, body));
  }

  async provider(namespace: string): Promise<void> {
    const spec = { sourceURL: 'https://example.com/data.tar.gz' };
    const body = {
      apiVersion: 'provider.example.com/v1',
      kind: 'Provider',
      metadata: { name: 'shared', namespace },
      spec,
    };
    await this.client.create({ ...kindNamed('Provider') }, body);
  }

  async records() {
    return (await this.client.listPage(populations, { namespace: this.app })).items;
  }

  /** Waits until the record of the claim gives this reason. */
  told({ metadata }: Claim, reason: string) {
    return eventually(
      `the record of ${metadata.name} to say ${reason}`,
      async () => {
        const record = (await this.records()).find(({ spec }) => spec.claim.uid === metadata.uid);
        return record?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
      },
      (said) => said === reason,
      90_000,
    );
  }
}

// A cluster of somebody's may well have the kind.
(hasControllers ? describe.skip : describe)('case 63: without the kind ReferenceGrant', () => {
  let site: Site;
  beforeAll(async () => {
    site = new Site(await controlPlane());
    if (await site.client.hasResource(referenceGrants)) throw new Error('the cluster has ReferenceGrants already');
    await site.open();
  });
  afterAll(() => site.close());

  test('the controller starts, the claim is told that nothing is granted, and a kind that comes late counts', async () => {
    await site.provider(site.lib);
    await site.provider(site.app);
    const claim = await site.claim('data', site.lib);
    await site.told(claim, 'ReferenceNotGranted');
    const crds = join(await ensureBinaries(() => {}), 'crds-provisioner');
    await install(site.client, referenceGrants, join(crds, 'gateway.networking.k8s.io_referencegrants.yaml'));
    done(
      await site.client.create(referenceGrants, {
        apiVersion: 'gateway.networking.k8s.io/v1beta1',
        kind: 'ReferenceGrant',
        metadata: { name: 'grant', namespace: site.lib },
        spec: {
          from: [{ group: '', kind: 'PersistentVolumeClaim', namespace: site.app }],
          to: [{ group: 'provider.example.com', kind: 'Provider' }],
        },
      }),
    );
    // The next thing that is missing.
    await site.told(claim, 'StorageClassNotFound');
  });
});

// Which gates are on in a cluster of somebody's is not for a test to say.
(hasControllers ? describe.skip : describe)('case 63: with the gate off in the API server', () => {
  let site: Site;
  beforeAll(async () => {
    site = new Site((await controlPlaneUp({ name: WITHOUT_GATE, crossNamespaceSources: false })).kubeconfig);
    await site.open();
  });
  afterAll(async () => {
    await site.close();
    await clusterDown({ name: WITHOUT_GATE });
  });

  test('a claim loses its source as a whole, and a source of that name beside it is not taken instead', async () => {
    await site.provider(site.app);
    const claim = await site.claim('elsewhere', site.lib);
    expect(claim.spec.dataSourceRef).toBeUndefined();
    expect(claim.spec.dataSource).toBeUndefined();
    // A claim that came later is served: the controller has seen the first one.
    await site.told(await site.claim('beside'), 'StorageClassNotFound');
    expect((await site.records()).map(({ spec }) => spec.claim.name)).toEqual(['beside']);
    const after = await site.client.get(claims, { namespace: site.app, name: 'elsewhere' });
    expect(after?.metadata.finalizers ?? []).not.toContain(CLAIM_FINALIZER);
  });
});

function kindNamed(kind: string): Resource {
  const found = kinds.find(({ resource }) => resource.kind === kind);
  if (found === undefined) throw new Error(`there is no kind ${kind}`);
  return found.resource;
}

async function install(client: Connection, resource: Resource, file: string): Promise<void> {
  const definition = parse(readFileSync(file, 'utf8')) as NewObject;
  const name = definition.metadata.name ?? '';
  // Ours stay for the other tests of this cluster; what is not ours goes with the run.
  const ours = kinds.some((kind) => kind.resource === resource);
  const labels = { ...definition.metadata.labels, ...(!ours && ofThisRun) };
  const labelled = { ...definition, metadata: { ...definition.metadata, labels } };
  const options = { fieldManager: 'volprime-test', force: true };
  done(await client.apply(customResourceDefinitions, { name }, labelled, options));
  await eventually(`${resource.kind} to be served`, () => client.hasResource(resource));
}
