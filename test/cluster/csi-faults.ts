/** The switches of the cluster's CSI driver: make its calls slow or fail, and ask what it really stores. */
import type { ClusterHandle } from './handle.ts';
import { request } from './request.ts';

export type CsiCall =
  | 'CreateVolume'
  | 'DeleteVolume'
  | 'CreateSnapshot'
  | 'DeleteSnapshot'
  | 'GetCapacity'
  | 'NodeStageVolume'
  | 'NodeUnstageVolume'
  | 'NodePublishVolume'
  | 'NodeUnpublishVolume';

export interface CsiFault {
  readonly call: CsiCall;
  /**
   * Only requests whose text (names, identifiers, parameters such as the claim's name and namespace) contains this: what is the test's own,
   * since others use the driver meanwhile. CreateVolume and DeleteVolume have the volume's name and handle; the namespace only the first.
   */
  readonly matchName: string;
  readonly delayMs?: number;
  /** A gRPC code, such as RESOURCE_EXHAUSTED or INTERNAL. */
  readonly failCode?: string;
  /** How often to fail; without it, until the faults are cleared. */
  readonly failTimes?: number;
  /** "after" does the work and then loses the answer. */
  readonly phase?: 'before' | 'after';
}

export interface CsiVolume {
  readonly id: string;
  /** What the provisioner asked for: pvc-UID. */
  readonly name: string;
  readonly capacityBytes: number;
  readonly backing: 'directory' | 'image';
  readonly block: boolean;
  readonly sourceId?: string;
  /** StorageClass parameters, and csi.storage.k8s.io/pvc/name, pvc/namespace, pv/name. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly mutableParameters?: Readonly<Record<string, string>>;
  /** Path on this machine: a directory with the files, or an image file. */
  readonly dataPath: string;
}

export interface CsiSnapshot {
  readonly id: string;
  readonly name: string;
  readonly sourceId: string;
  readonly sizeBytes: number;
  readonly dataPath: string;
}

type Target = Pick<ClusterHandle, 'driverSocket'>;

/** Adds a fault to those that are switched on; the first that matches a call applies. */
export async function setFault(cluster: Target, fault: CsiFault): Promise<void> {
  await call(cluster, 'POST', '/faults', fault);
}

/** Takes away the faults that were set with exactly this `matchName`. */
export async function clearFaults(cluster: Target, matchName: string): Promise<void> {
  await call(cluster, 'DELETE', `/faults?${new URLSearchParams({ matchName }).toString()}`);
}

/**
 * Bytes that the volumes of classes with the parameter `pool: NAME` may request together; beyond it CreateVolume answers RESOURCE_EXHAUSTED. What is
 * left is published as CSIStorageCapacity. A pool that was never limited holds anything.
 */
export async function limitPool(cluster: Target, name: string, bytes: number): Promise<void> {
  await call(cluster, 'PUT', `/pools/${name}`, { bytes });
}

export async function listVolumes(cluster: Target): Promise<CsiVolume[]> {
  return (await call(cluster, 'GET', '/volumes')) as CsiVolume[];
}

export async function listSnapshots(cluster: Target): Promise<CsiSnapshot[]> {
  return (await call(cluster, 'GET', '/snapshots')) as CsiSnapshot[];
}

/** How often each CSI method was called since the driver started. */
export async function callCounts(cluster: Target): Promise<Record<string, number>> {
  return (await call(cluster, 'GET', '/calls')) as Record<string, number>;
}

async function call(cluster: Target, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await request({
    url: `http://csi-driver${path}`,
    method,
    socketPath: cluster.driverSocket,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (answer.status !== 200) throw new Error(`CSI driver: ${method} ${path}: ${answer.status} ${answer.body.trim()}`);
  return JSON.parse(answer.body);
}
