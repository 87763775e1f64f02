/** What this plugin needs of a cluster, passed in by the composition root: a plugin knows no way to an API server of its own. */
import type { Claim, KubeObject, NewObject, StorageClass } from '../../api/objects.ts';
import type { ReferenceGrant } from '../../api/reference-grant.ts';
import type { Resource } from '../../api/resources.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';

export interface Key {
  readonly name: string;
  readonly namespace?: string;
}

/** What became of a write; what is none of these is thrown. */
export type Written<T> =
  | { readonly type: 'done'; readonly object: T }
  | { readonly type: 'absent' }
  | { readonly type: 'conflict'; readonly message: string }
  | { readonly type: 'exists' }
  | { readonly type: 'refused'; readonly reason: string; readonly message: string };

interface Options {
  readonly signal: AbortSignal;
}

/** Live, each call. Writes only while this process leads. */
export interface LiveAccess {
  get<T extends KubeObject>(resource: Resource<T>, key: Key, options: Options): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource<T>, object: NewObject, options: Options): Promise<Written<T>>;
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options: Options,
  ): Promise<Written<T>>;
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    options: Options & { readonly uid: string },
  ): Promise<Written<T>>;
}

/** From caches: costs nothing, and may be a moment old. */
export interface KnownObjects {
  snapshot(key: Key): VolumeSnapshot | undefined;
  content(name: string): VolumeSnapshotContent | undefined;
  claim(key: Key): Claim | undefined;
  grants(namespace: string): readonly ReferenceGrant[];
  storageClasses(): readonly StorageClass[];
}

export interface RestorePorts {
  readonly live: LiveAccess;
  readonly known: KnownObjects;
  /** Where data of other namespaces is restored; undefined where such claims are not served. */
  readonly populatorNamespace: string | undefined;
}
