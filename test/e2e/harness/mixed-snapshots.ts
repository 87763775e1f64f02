/** Snapshots of two drivers at a time: each content is its own side's to write. */
import { expect } from '@jest/globals';
import { SNAPSHOT_DRIVER } from '../../../src/api/snapshots.ts';
import { aSnapshotOf, CSI_DRIVER, ready } from './snapshots.ts';
import type { Lane, Suite } from './suite.ts';

export interface Mixed {
  readonly claim: string;
  /** A class of ours. */
  readonly className: string;
  /** Of both together. */
  readonly count: number;
}

/** All become ready, each content's status has one writer, and there is no quarrel about writes. */
export async function takeMixed(
  { suite, namespace, controller }: Lane & { readonly suite: Suite },
  { claim, className, count }: Mixed,
): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `${index % 2 === 0 ? 'own' : 'csi'}-${index}`);
  const before = await conflictsOf(controller);
  await suite.apply(
    ...names.map((name) => aSnapshotOf(namespace, name, claim, name.startsWith('own') ? className : undefined)),
  );
  for (const name of names) {
    const { content } = await ready(suite.cluster, namespace, name, { limitMs: 60_000 + count * 20_000 });
    expect(content.spec.driver).toBe(name.startsWith('own') ? SNAPSHOT_DRIVER : CSI_DRIVER);
    const { managedFields } = content.metadata as { managedFields?: readonly { subresource?: string }[] };
    expect(managedFields?.filter(({ subresource }) => subresource === 'status')).toHaveLength(1);
  }
  // The snapshot controller writes the same objects: now and then one of both is late.
  expect((await conflictsOf(controller)) - before).toBeLessThanOrEqual(2 * count);
}

async function conflictsOf(controller: Lane['controller']): Promise<number> {
  const counts = [...(await controller.metrics())].filter(
    ([series]) => series.startsWith('rest_client_requests_total{') && series.includes('code="409"'),
  );
  return counts.reduce((sum, [, value]) => sum + value, 0);
}
