/** What one file of tests works with: the cluster, servers of archives and transfers, namespaces, and controllers to kill. */
import { afterAll, beforeAll } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stop as stopBundler } from 'esbuild';
import type { NewObject } from '../../../src/api/objects.ts';
import { storageClasses } from '../../../src/api/resources.ts';
import { type ArchiveServer, startArchiveServer } from '../../support/archive-server.ts';
import { type Account, controllerAccount, writeKubeconfig } from './account.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { type Cluster, CLUSTER_UP_MS, type ClusterUse, openCluster, projectDir } from './cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { deployController } from './deployment.ts';
import { applyObjects, createNamespace, provideLeases, removeNamespace } from './namespaces.ts';
import { ownProgram, type Program } from './program.ts';
import { startTransferService, type TransferService } from './transfer-service.ts';

/** Time to take a suite down. */
export const SUITE_DOWN_MS = 4 * 60_000;

export interface StartController {
  readonly name: string;
  readonly namespaces: readonly string[];
  /** Default: the sources as they are. */
  readonly program?: Program;
  /** Default: the name. Two controllers with one lease name share a lease. */
  readonly leaseName?: string;
  /** More of the controller's flags, without the dashes. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Its way to the API server; without one it goes straight. */
  readonly proxy?: ApiProxy;
  readonly onCrash?: () => Promise<void>;
  /** Beside the one of the http-transfer sample. */
  readonly plugins?: readonly string[];
  /** Instead of the one of the http-transfer sample. */
  readonly onlyPlugins?: readonly string[];
  /** Settings beside those that every controller of a test has, as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A namespace with a controller of its own. */
export interface Lane {
  readonly namespace: string;
  readonly controller: ControllerProcess;
}

export interface Suite extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly account: Account;
  readonly archives: ArchiveServer;
  readonly transfers: TransferService;
  /** A directory of this suite alone. */
  readonly directory: string;
  /** Made new, with a name that begins with the label; removed with the suite. */
  namespace(label: string): Promise<string>;
  /** Runs the controller as users do, for all namespaces; see deployment.ts. */
  deploy(): Promise<void>;
  /** A way to the API server that can be watched, held up and spoilt, for one controller. */
  proxy(): Promise<ApiProxy>;
  /** A controller that is ready to start, with the plugin of the http-transfer sample. */
  controller(options: StartController): ControllerProcess;
  /** A new namespace (see there) with a controller that works in it alone and is started. */
  lane(label: string, options?: Omit<StartController, 'name' | 'namespaces'>): Promise<Lane>;
  apply(...objects: readonly NewObject[]): Promise<void>;
  /** A StorageClass of the test's own; the test removes it. */
  copyClass(from: string, to: string): Promise<void>;
}

/** @param use `alone` where a controller acts on all namespaces, or something that belongs to the whole cluster changes. */
export async function openSuite(use: ClusterUse = 'shared'): Promise<Suite> {
  await using stack = new AsyncDisposableStack();
  // Its process would keep this one from ending.
  stack.defer(stopBundler);
  const cluster = stack.use(await openCluster(use));
  const directory = mkdtempSync(join(tmpdir(), 'volprime-e2e-'));
  // Logs of controllers, for who looks into a failure.
  if (process.env['VOLPRIME_E2E_KEEP'] === undefined)
    stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const archives = stack.use(await startArchiveServer({ host: cluster.hostAddress }));
  const transfers = stack.use(await startTransferService(cluster));
  const own = await ownProgram();
  await provideLeases(cluster);
  const account = await controllerAccount(cluster);
  const namespaces: string[] = [];
  const rest = stack.move();

  const suite: Suite = {
    cluster,
    account,
    archives,
    transfers,
    directory,
    namespace: async (label) => {
      const name = await createNamespace(cluster, label);
      namespaces.push(name);
      return name;
    },
    deploy: async () => {
      rest.use(await deployController(cluster, { directory, transferServiceUrl: transfers.url }));
    },
    proxy: async () => rest.use(await startApiProxy(writeKubeconfig(directory, account))),
    controller: ({ name, program = own, leaseName = name, proxy, env = {}, plugins = [], onlyPlugins, ...options }) => {
      // Who shares a lease shares the crash points: one death at each.
      const ownDirectory = join(directory, leaseName);
      mkdirSync(ownDirectory, { recursive: true });
      return rest.use(
        new ControllerProcess({
          ...options,
          cluster,
          program,
          name,
          leaseName,
          kubeconfig: proxy?.kubeconfig ?? writeKubeconfig(ownDirectory, account),
          directory: ownDirectory,
          plugins: onlyPlugins ?? [join(projectDir, 'samples/plugins/http-transfer/plugin.ts'), ...plugins],
          env: { TRANSFER_SERVICE_URL: transfers.url, ...env },
        }),
      );
    },
    lane: async (label, options) => {
      const namespace = await suite.namespace(label);
      const controller = suite.controller({ ...options, name: namespace, namespaces: [namespace] });
      controller.start();
      return { namespace, controller };
    },
    copyClass: (from, to) => copyClass(cluster, from, to),
    apply: (...objects) => applyObjects(cluster, ...objects),
    // The controllers go last: they have to clean up what the namespaces held.
    [Symbol.asyncDispose]: async () => {
      try {
        await Promise.all(namespaces.map((namespace) => removeNamespace(cluster, namespace)));
      } finally {
        await rest.disposeAsync();
      }
    },
  };
  return suite;
}

/** The suite of a file of tests: opened before its tests, given to `take`, which may add to it, and closed after them. */
export function useSuite(take: (opened: Suite) => void | Promise<void>, use: ClusterUse = 'shared'): void {
  let suite: Suite | undefined;
  beforeAll(async () => {
    suite = await openSuite(use);
    await take(suite);
  }, CLUSTER_UP_MS);
  afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);
}

async function copyClass(cluster: Cluster, from: string, name: string): Promise<void> {
  const source = await cluster.client.get(storageClasses, { name: from });
  if (source === undefined) throw new Error(`there is no StorageClass ${from}`);
  const { provisioner, parameters, reclaimPolicy, volumeBindingMode, apiVersion, kind } = source;
  const copy = { apiVersion, kind, metadata: { name }, provisioner, parameters, reclaimPolicy, volumeBindingMode };
  await applyObjects(cluster, copy);
}
