/**
 * What a plugin needs of an API server, passed in by the composition root: a plugin knows no way there of its own. The client of `kube` is one; it
 * tells the meaning of each answer.
 */
import type { KubeObject, NewObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';

export interface Key {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** What became of a write; what is none of these is thrown. */
export type Written<T> =
  | { readonly type: 'done'; readonly object: T }
  | { readonly type: 'absent' }
  | { readonly type: 'conflict'; readonly message: string }
  | { readonly type: 'exists' }
  | { readonly type: 'refused'; readonly reason: string; readonly message: string };

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Live, each call. Writes only while this process leads. */
export interface LiveAccess {
  get<T extends KubeObject>(resource: Resource<T>, key: Key, options: CallOptions): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource<T>, object: NewObject, options: CallOptions): Promise<Written<T>>;
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options: CallOptions,
  ): Promise<Written<T>>;
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    options: CallOptions & { readonly uid: string },
  ): Promise<Written<T>>;
}
