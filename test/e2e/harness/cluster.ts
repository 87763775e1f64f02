/**
 * The cluster that the end-to-end tests run on: `$KUBECONFIG`, or the embedded one, which is brought up where it is not and left up.
 *
 * One file of tests has it at a time, whatever Jest's number of workers: the Deployment that one file runs acts on all namespaces,
 * and two files at once would only share the same two cores. Inside a file many claims go at once, in namespaces of their own.
 *
 * A cluster of one's own needs the StorageClasses of test/cluster/manifests/storage.yaml, the image `VOLPRIME_E2E_IMAGE`, a busybox
 * in `VOLPRIME_E2E_TOOLBOX`, and in `VOLPRIME_E2E_HOST` the address at which its pods reach this machine.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Connection, connect } from '../../../src/kube/index.ts';
import { createLogger, createMetrics } from '../../../src/telemetry/index.ts';
import { type ClusterHandle, clusterUp, loadImage, toolboxImage } from '../../cluster/index.ts';
import { run } from '../../cluster/command.ts';
import { withLock } from '../../cluster/lock.ts';

export const projectDir = resolve(import.meta.dirname, '../../..');
export const controllerImage = process.env['VOLPRIME_E2E_IMAGE'] ?? 'localhost/volprime:dev';
export const systemNamespace = 'volprime-system';
/** Time for `openCluster`: from nothing it brings a node up, and another file may have to end first. */
export const CLUSTER_UP_MS = 40 * 60_000;

export interface Cluster extends AsyncDisposable {
  /** With all rights. */
  readonly kubeconfig: string;
  /** With all rights. */
  readonly client: Connection;
  /** Address of this machine that pods reach. */
  readonly hostAddress: string;
  /** Has a shell; the node has it already. */
  readonly toolboxImage: string;
  /** Undefined on a cluster that these tests did not make: there the storage cannot be looked into. */
  readonly embedded: ClusterHandle | undefined;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** A cluster with our kinds, our roles and our image, in which no controller of ours runs, held until it is disposed of. */
export async function openCluster(): Promise<Cluster> {
  const where = process.env['KUBECONFIG'] || `embedded ${process.env['VOLPRIME_E2E_CLUSTER'] ?? ''}`;
  const release = await holdLock(
    join(tmpdir(), `volprime-e2e-${createHash('sha256').update(where).digest('hex').slice(0, 12)}.lock`),
  );
  try {
    const cluster = await findCluster(release);
    await removeDeployment(cluster);
    await installKinds(cluster);
    return cluster;
  } catch (error) {
    await release();
    throw error;
  }
}

async function findCluster(release: () => Promise<void>): Promise<Cluster> {
  const foreign = process.env['KUBECONFIG'];
  if (foreign !== undefined && foreign !== '') {
    const hostAddress = process.env['VOLPRIME_E2E_HOST'];
    if (hostAddress === undefined)
      throw new Error('VOLPRIME_E2E_HOST must name the address at which pods reach this machine');
    const toolbox = process.env['VOLPRIME_E2E_TOOLBOX'] ?? 'docker.io/library/busybox:1.37';
    return clusterOf({ kubeconfig: foreign, hostAddress, toolboxImage: toolbox, embedded: undefined, release });
  }
  const name = process.env['VOLPRIME_E2E_CLUSTER'];
  const embedded = await clusterUp(name === undefined ? {} : { name });
  await provideImage(embedded);
  const { kubeconfig, hostAddress } = embedded;
  return clusterOf({ kubeconfig, hostAddress, toolboxImage, embedded, release });
}

interface ClusterParts extends Pick<Cluster, 'kubeconfig' | 'hostAddress' | 'toolboxImage' | 'embedded'> {
  readonly release: () => Promise<void>;
}

function clusterOf({ release, ...parts }: ClusterParts): Cluster {
  const client = connect({
    kubeconfig: parts.kubeconfig,
    userAgent: 'volprime-e2e',
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text', stream: process.stderr }),
  });
  const file = parts.embedded === undefined ? 'kubectl' : join(parts.embedded.binDir, 'kubectl');
  const home = parts.embedded?.stateDir ?? tmpdir();
  return {
    ...parts,
    client,
    kubectl: (args, input) =>
      run({
        file,
        args,
        env: { PATH: process.env['PATH'], HOME: home, KUBECONFIG: parts.kubeconfig },
        ...(input !== undefined && { input }),
      }),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await release();
    },
  };
}

/** Builds the image where its sources have changed, and imports it where the node has another one. */
async function provideImage(cluster: ClusterHandle): Promise<void> {
  const tar = join(projectDir, 'build/volprime-image.tar');
  await run({ file: process.execPath, args: ['image/build.ts', '--out', tar], cwd: projectDir });
  const built = readFileSync(`${tar}.inputs`, 'utf8');
  const record = join(cluster.stateDir, 'e2e-image');
  if (existsSync(record) && readFileSync(record, 'utf8') === built) return;
  await loadImage(cluster, tar);
  writeFileSync(record, built);
}

async function installKinds(cluster: Cluster): Promise<void> {
  const inProject = (path: string) => join(projectDir, path);
  const files = [
    'deploy/namespace.yaml',
    'deploy/rbac.yaml',
    'samples/plugins/http-transfer/crd.yaml',
    'samples/plugins/image-only/crd.yaml',
  ];
  const apply = ['apply', '--server-side', '--force-conflicts'];
  await cluster.kubectl([...apply, '--kustomize', inProject('crds')]);
  await cluster.kubectl([...apply, ...files.map((file) => `--filename=${inProject(file)}`)]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
}

/** A controller that works on all namespaces would take part in every test. */
async function removeDeployment(cluster: Cluster): Promise<void> {
  const found = await cluster.kubectl(['get', 'deployment', '--output=name', `--namespace=${systemNamespace}`]);
  if (found.trim() === '') return;
  if (cluster.embedded === undefined)
    throw new Error(`${found.trim()} runs in ${systemNamespace} of this cluster: take it off first (make undeploy)`);
  await cluster.kubectl(['delete', 'deployment', '--all', '--wait', `--namespace=${systemNamespace}`]);
}

async function holdLock(path: string): Promise<() => Promise<void>> {
  const taken = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const holding = withLock(path, async () => {
    taken.resolve();
    await released.promise;
  });
  await Promise.race([taken.promise, holding]);
  return async () => {
    released.resolve();
    await holding;
  };
}
