/** What is to be restored, whichever kind of object says so. */
import * as z from 'zod';
import { snapshotRestoreSpecSchema } from '../../api/snapshot-restore.ts';
import type { PluginSource } from '../../sdk/index.ts';

/** The part of a source's spec that matters here; `name` is absent where the source is the VolumeSnapshot itself. */
export interface Wish {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  /** Relative to the root of the snapshot; undefined: all of it. */
  readonly subtree: string | undefined;
  readonly verify: boolean;
}

/** Of a SnapshotRestore. */
export const wishSchema: z.ZodType<Wish> = snapshotRestoreSpecSchema.transform(({ snapshotRef, path, verify }) => ({
  name: snapshotRef.name,
  namespace: snapshotRef.namespace,
  subtree: path === undefined ? undefined : subtreeOf(path),
  verify,
}));

/** Of a VolumeSnapshot that a claim names itself: whatever its spec says, it is restored as it is. */
export const directWishSchema: z.ZodType<Wish> = z
  .unknown()
  .transform(() => ({ name: undefined, namespace: undefined, subtree: undefined, verify: true }));

function subtreeOf(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 ? undefined : parts.join('/');
}

export interface SnapshotKey {
  readonly namespace: string;
  readonly name: string;
}

export function snapshotOf({ namespace, name, spec }: PluginSource<Wish>): SnapshotKey {
  return { namespace: spec.namespace ?? namespace, name: spec.name ?? name };
}
