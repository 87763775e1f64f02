/** Reads volumes back as an application would: through a pod that mounts the claims. */
import { pods } from '../../../src/api/resources.ts';
import type { Cluster } from './cluster.ts';
import { aReader } from './manifests.ts';
import { until } from './until.ts';

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
  const { client, toolboxImage } = cluster;
  const name = `reader-${claims[0]}`.slice(0, 60).replace(/[^a-z0-9]+$/, '');
  const pod = await client.create(pods, aReader({ name, namespace, image: toolboxImage, claims }));
  if (pod.type !== 'done') throw new Error(`the reader of ${namespace} could not be made: ${JSON.stringify(pod)}`);
  const key = { namespace, name };
  await until(
    `the reader of ${namespace} to end`,
    async () => (await client.get(pods, key))?.status,
    (status) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
  );
  const log = (await client.podLog(key, { container: 'reader', tailLines: 10_000, limitBytes: 4_000_000 })) ?? '';
  await client.delete(pods, key, { uid: pod.object.metadata.uid, gracePeriodSeconds: 0 });
  if (!log.endsWith('== end\n')) throw new Error(`the reader of ${namespace} did not finish: ${log}`);
  const parts = log.split(/^== (.*)\n/m).slice(1, -2);
  return Object.fromEntries(
    parts.flatMap((claim, index) => (index % 2 === 0 ? [[claim, (parts[index + 1] ?? '').trimEnd()] as const] : [])),
  );
}
