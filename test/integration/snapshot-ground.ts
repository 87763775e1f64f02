/**
 * Snapshots on a real API server: upstream's CRDs and its own snapshot controller as a process, our controllers, and the sample plugin, whose
 * volumes are directories. No node is needed: what Kubernetes' PV controller would say of claim and volume is written by hand.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DRIVER, directorySnapshots } from '../../samples/plugins/directory-snapshots/plugin.ts';
import type { Claim, KubeObject, NewObject, Volume } from '../../src/api/objects.ts';
import { populations } from '../../src/api/population.ts';
import { claims, type Resource, volumes } from '../../src/api/resources.ts';
import {
  SNAPSHOT_GROUP,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../src/api/snapshots.ts';
import { type VolumeCapture, volumeCaptures } from '../../src/api/volume-capture.ts';
import { InformerRegistry } from '../../src/informer/index.ts';
import { type Connection, keyOf } from '../../src/kube/index.ts';
import type { EventDraft } from '../../src/runtime/index.ts';
import type { SnapshotPlugin } from '../../src/sdk/index.ts';
import { createSnapshotControllers } from '../../src/snapshot/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { controlPlaneUp } from '../cluster/index.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import {
  snapshotCrds,
  type SnapshotControllerProcess,
  startSnapshotController,
} from '../support/snapshot-controller.ts';
import { clientOf, customResourceDefinitions, done, newNamespace, ofThisRun, removeAll } from './control-plane.ts';

export { DRIVER };

/** One run of our controllers, as a process would be one. */
export interface Controllers {
  readonly drafts: EventDraft[];
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly metrics: ReturnType<typeof createMetrics>;
  stop(): Promise<void>;
}

export class SnapshotGround {
  readonly client: Connection;
  readonly root: string;
  /** Path of an admin's kubeconfig. */
  readonly kubeconfig: string;
  readonly #running = new Set<Controllers>();
  #upstream: SnapshotControllerProcess | undefined;
  #classes = 0;

  private constructor(client: Connection, kubeconfig: string, root: string) {
    this.client = client;
    this.kubeconfig = kubeconfig;
    this.root = root;
  }

  static async create(): Promise<SnapshotGround> {
    // Of its own, whatever KUBECONFIG says: kinds come and go here, and the snapshot controller is the only one.
    const { kubeconfig } = await controlPlaneUp({ name: 'integration-snap' });
    const root = await mkdtemp(join(tmpdir(), 'volprime-snapshots-'));
    await Promise.all(['volumes', 'snapshots'].map((name) => mkdir(join(root, name))));
    const ground = new SnapshotGround(clientOf(kubeconfig), kubeconfig, root);
    await ground.#removeKinds();
    return ground;
  }

  async installCrds(): Promise<void> {
    for (const crd of [...(await snapshotCrds()), ownCrd('volprime.dev_volumecaptures')])
      done(
        await this.client.create(customResourceDefinitions, {
          ...crd,
          metadata: { ...crd.metadata, labels: ofThisRun },
        }),
      );
    for (const resource of kinds)
      await eventually(`${resource.plural} to be served`, () => this.client.hasResource(resource));
  }

  /** Those that a whole controller needs beside: they go with the run. */
  async installAllCrds(): Promise<void> {
    await this.installCrds();
    for (const name of [
      'volprime.dev_populations',
      'volprime.dev_snapshotrestores',
      'provider.example.com_providers',
    ]) {
      const crd = ownCrd(name);
      await this.client.create(customResourceDefinitions, { ...crd, metadata: { ...crd.metadata, labels: ofThisRun } });
    }
    await eventually('Populations to be served', () => this.client.hasResource(populations));
  }

  async startUpstream(): Promise<void> {
    this.#upstream = await startSnapshotController(this.kubeconfig);
  }

  async stopUpstream(): Promise<void> {
    await this.#upstream?.stop();
    this.#upstream = undefined;
  }

  /** The sample plugin unless another is given. */
  start(plugin: SnapshotPlugin = directorySnapshots(this.root)): Controllers {
    const logger = recordingLogger();
    const metrics = createMetrics();
    const drafts: EventDraft[] = [];
    const events = { emit: (draft: EventDraft) => void drafts.push(draft) };
    const informers = new InformerRegistry({ client: this.client, logger, metrics });
    const made = createSnapshotControllers({
      client: this.client,
      informers,
      plugins: [plugin],
      events,
      logger,
      metrics,
      concurrency: 8,
      // Of the client that clientOf makes.
      fieldManager: 'volprime-test',
      patienceMs: 2_000,
    });
    const end = new AbortController();
    const running = Promise.all([
      informers.start(end.signal),
      informers.waitForSync(end.signal).then(() => Promise.all(made.map((each) => each.run(end.signal)))),
    ]).catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    });
    const controllers: Controllers = {
      drafts,
      logger,
      metrics,
      stop: async () => {
        end.abort();
        await running;
        this.#running.delete(controllers);
      },
    };
    this.#running.add(controllers);
    return controllers;
  }

  newNamespace(): Promise<string> {
    return newNamespace(this.client);
  }

  async aClass(change: object = {}): Promise<string> {
    this.#classes += 1;
    const name = `directory-${process.pid}-${this.#classes}`;
    done(
      await this.client.create(volumeSnapshotClasses, {
        apiVersion: `${SNAPSHOT_GROUP}/v1`,
        kind: 'VolumeSnapshotClass',
        metadata: { name, labels: ofThisRun },
        driver: DRIVER,
        deletionPolicy: 'Delete',
        ...change,
      }),
    );
    return name;
  }

  /** A bound claim and its volume, whose data is a directory with these files. */
  async aClaim(namespace: string, name: string, files: Readonly<Record<string, string>>): Promise<Claim> {
    const volumeName = `${namespace}-${name}`;
    const source = { csi: { driver: 'csi.example.com', volumeHandle: `handle-${volumeName}` } };
    return this.claimOf(namespace, name, { source, files });
  }

  async claimOf(
    namespace: string,
    name: string,
    { source, files }: { readonly source: object; readonly files: Readonly<Record<string, string>> },
  ): Promise<Claim> {
    const volumeName = `${namespace}-${name}`;
    await mkdir(join(this.root, 'volumes', volumeName));
    for (const [file, text] of Object.entries(files))
      await writeFile(join(this.root, 'volumes', volumeName, file), text);
    const common = { accessModes: ['ReadWriteOnce'], storageClassName: 'fast' };
    const claim = done(
      await this.client.create(claims, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
        spec: { ...common, volumeName, resources: { requests: { storage: '1Gi' } } },
      }),
    );
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid: claim.metadata.uid };
    const volume = done(
      await this.client.create(volumes, {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: volumeName, labels: ofThisRun },
        spec: { ...common, capacity: { storage: '2Gi' }, claimRef, persistentVolumeReclaimPolicy: 'Retain', ...source },
      }),
    );
    await this.#say(volumes, volume, { phase: 'Bound' });
    return this.#say(claims, claim, { phase: 'Bound', capacity: { storage: '2Gi' } });
  }

  async aSnapshot(namespace: string, name: string, spec: object): Promise<VolumeSnapshot> {
    return done(
      await this.client.create(volumeSnapshots, {
        apiVersion: `${SNAPSHOT_GROUP}/v1`,
        kind: 'VolumeSnapshot',
        metadata: { name, namespace },
        spec,
      }),
    );
  }

  async aCapture(namespace: string, name: string, spec: object): Promise<VolumeCapture> {
    return done(
      await this.client.create(volumeCaptures, {
        apiVersion: 'volprime.dev/v1alpha1',
        kind: 'VolumeCapture',
        metadata: { name, namespace },
        spec,
      }),
    );
  }

  snapshot(namespace: string, name: string): Promise<VolumeSnapshot | undefined> {
    return this.client.get(volumeSnapshots, { namespace, name });
  }

  content(name: string): Promise<VolumeSnapshotContent | undefined> {
    return this.client.get(volumeSnapshotContents, { name });
  }

  ready(namespace: string, name: string): Promise<VolumeSnapshot | undefined> {
    return eventually(
      `VolumeSnapshot ${namespace}/${name} to be ready`,
      () => this.snapshot(namespace, name),
      (snapshot) => snapshot?.status?.readyToUse === true,
    );
  }

  async delete<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await this.client.delete(resource, keyOf(object), { uid: object.metadata.uid });
  }

  async gone<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await eventually(
      `${resource.kind} ${object.metadata.name} to be gone`,
      () => this.client.get(resource, keyOf(object)),
      (found) => found?.metadata.uid !== object.metadata.uid,
    );
  }

  async close(): Promise<void> {
    for (const controllers of this.#running) await controllers.stop();
    await this.stopUpstream();
    await this.#removeKinds();
    await removeAll(this.client);
    await this.client.close();
    await rm(this.root, { recursive: true, force: true });
  }

  /** Also what a run has left that was ended. */
  async #removeKinds(): Promise<void> {
    for (const resource of kinds) {
      await this.#removeEach(resource);
      const name = `${resource.plural}.${resource.group}`;
      const crd = await this.client.get(customResourceDefinitions, { name });
      if (crd === undefined) continue;
      await this.delete(customResourceDefinitions, crd);
      await this.gone(customResourceDefinitions, crd);
    }
  }

  /** Without those who would take their finalizers off. */
  async #removeEach(resource: Resource): Promise<void> {
    if (!(await this.client.hasResource(resource))) return;
    for (const object of (await this.client.listPage(resource, {})).items) {
      await this.client.mergePatch(resource, keyOf(object), {
        metadata: { uid: object.metadata.uid, finalizers: null },
      });
      await this.client.delete(resource, keyOf(object), { uid: object.metadata.uid });
    }
  }

  async #say<T extends Claim | Volume>(resource: Resource<T>, object: T, status: object): Promise<T> {
    return done(await this.client.mergePatch(resource, keyOf(object), { status }, { subresource: 'status' }));
  }
}

const kinds: readonly Resource[] = [volumeCaptures, volumeSnapshots, volumeSnapshotContents, volumeSnapshotClasses];

function ownCrd(name: string): NewObject {
  return parse(readFileSync(join(import.meta.dirname, `../../crds/${name}.yaml`), 'utf8')) as NewObject;
}

/** As a person writes it who imports a snapshot. */
export function aContent(name: string, spec: object, metadata: object = {}): NewObject {
  return { apiVersion: `${SNAPSHOT_GROUP}/v1`, kind: 'VolumeSnapshotContent', metadata: { name, ...metadata }, spec };
}
