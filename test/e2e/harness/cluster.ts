/**
 * The cluster that the end-to-end tests run on: `$KUBECONFIG`, or the embedded one, which is brought up where it is not and left up.
 *
 * Files of tests share it: most of their time is waiting, and their controllers are confined to namespaces of their own. A file whose
 * controller acts on all namespaces, or that changes what belongs to the whole cluster, has it alone.
 *
 * A cluster of one's own needs the StorageClasses of test/cluster/manifests/storage.yaml, rancher's local-path,
 * a scheduler `impatient-scheduler` (see test/cluster/control-plane.ts), the image `VOLPRIME_E2E_IMAGE`, a busybox
 * in `VOLPRIME_E2E_TOOLBOX`, and in `VOLPRIME_E2E_HOST` the address at which its pods reach this machine.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '../../../src/kube/index.ts';
import { createLogger, createMetrics } from '../../../src/telemetry/index.ts';
import { lockAlone, lockShared } from '../../cluster/lock.ts';
import { bringUpGround, type ClusterGround, prepare, preparation, runningGround } from './ground.ts';

export { controllerImage, projectDir, systemNamespace } from './ground.ts';

/** Time for `openCluster`: from nothing it brings a node up, and another file may have to end first. */
export const CLUSTER_UP_MS = 40 * 60_000;

export type ClusterUse = 'shared' | 'alone';

export interface Cluster extends ClusterGround, AsyncDisposable {
  /** With all rights. */
  readonly client: Connection;
}

/** A cluster with our kinds, our roles and our image, in which no Deployment of ours runs, held until it is disposed of. */
export async function openCluster(use: ClusterUse = 'shared'): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const found = await takeCluster(use, stack);
  const client = connectTo(found);
  stack.defer(() => client.close());
  const rest = stack.move();
  return { ...found, client, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

/** Who finds it unused prepares it. Who finds it in use needs it prepared for the same sources, and else waits until it is unused. */
async function takeCluster(use: ClusterUse, stack: AsyncDisposableStack): Promise<ClusterGround> {
  const path = lockPath();
  const record = `${path}.prepared`;
  const first = stack.use(use === 'shared' ? await lockShared(path) : await lockAlone(path));
  if (!first.alone) {
    const found = runningGround();
    if (found !== undefined && (await preparation()) === readIfThere(record)) return found;
    await first[Symbol.asyncDispose]();
  }
  const lock = stack.use(first.alone ? first : await lockAlone(path));
  rmSync(record, { force: true });
  const ground = await bringUpGround();
  await prepare(ground);
  writeFileSync(record, await preparation());
  if (use === 'shared') await lock.share();
  return ground;
}

function lockPath(): string {
  const where = process.env['KUBECONFIG'] || `embedded ${process.env['VOLPRIME_E2E_CLUSTER'] ?? ''}`;
  const id = createHash('sha256').update(where).digest('hex').slice(0, 12);
  return join(tmpdir(), `volprime-e2e-${id}`);
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function connectTo({ kubeconfig }: ClusterGround): Connection {
  return connect({
    kubeconfig,
    userAgent: 'volprime-e2e',
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text', stream: process.stderr }),
  });
}
