/** Reads volumes back as an application would: through a pod that mounts the claims. */
import { pods } from '../../../src/api/resources.ts';
import type { NewObject } from '../../../src/api/objects.ts';
import type { Cluster } from './cluster.ts';
import { aReader } from './manifests.ts';
import { until, type UntilOptions } from './until.ts';

const MOUNTS_OF_ONE_POD = 25;

/** For each claim the digests of its files, as `sha256sum` prints them, sorted by path. */
export async function readBack(
  cluster: Cluster,
  namespace: string,
  claims: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const read: Record<string, string> = {};
  for (let from = 0; from < claims.length; from += MOUNTS_OF_ONE_POD) {
    Object.assign(read, await readTogether(cluster, namespace, claims.slice(from, from + MOUNTS_OF_ONE_POD)));
  }
  return read;
}

async function readTogether(
  cluster: Cluster,
  namespace: string,
  claims: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const name = `reader-${claims[0]}`.slice(0, 60).replace(/[^a-z0-9]+$/, '');
  const log = await printedBy(cluster, aReader({ name, namespace, image: cluster.toolboxImage, claims }));
  if (!log.endsWith('== end\n')) throw new Error(`the reader of ${namespace} did not finish: ${log}`);
  const parts = log.split(/^== (.*)\n/m).slice(1, -2);
  return Object.fromEntries(
    parts.flatMap((claim, index) => (index % 2 === 0 ? [[claim, (parts[index + 1] ?? '').trimEnd()] as const] : [])),
  );
}

/** What the container `reader` of a pod has printed, once the pod has ended, however; the pod is removed. */
export async function printedBy({ client }: Cluster, pod: NewObject, limit: UntilOptions = {}): Promise<string> {
  const key = { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' };
  const made = await client.create(pods, pod);
  if (made.type !== 'done') throw new Error(`the pod ${key.name} could not be made: ${JSON.stringify(made)}`);
  await until(
    `the pod ${key.namespace}/${key.name} to end`,
    async () => (await client.get(pods, key))?.status,
    (status) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
    limit,
  );
  const log = await client.podLog(key, { container: 'reader', tailLines: 10_000, limitBytes: 4_000_000 });
  await client.delete(pods, key, { uid: made.object.metadata.uid, gracePeriodSeconds: 0 });
  return log ?? '';
}
