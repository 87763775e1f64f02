/** The verbs of the Kubernetes API as Volprime speaks them, and the shapes of their answers. */
import type { KubeObject, NewObject } from '../api/objects.ts';
import type { Resource } from '../api/resources.ts';

export interface ObjectKey {
  readonly name: string;
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The whole call, retries included; 30 s unless told. */
  readonly timeoutMs?: number | undefined;
  /** Runs right before the request's bytes go out, again for each retry; what it throws is the call's failure. */
  readonly guard?: (() => void) | undefined;
}

/** What became of a write. Everything here is expected of a healthy cluster; failures of the way there are thrown as KubeError. */
export type WriteOutcome<T> =
  | { readonly type: 'done'; readonly object: T }
  /** 404: the object, its namespace or its kind does not exist. Also the answer of a delete after which it is gone. */
  | { readonly type: 'absent' }
  /** 409: a precondition (uid or resourceVersion) did not hold. */
  | { readonly type: 'conflict'; readonly message: string }
  /** 409 AlreadyExists, on create. */
  | { readonly type: 'exists' }
  /** Final until the world changes. */
  | { readonly type: 'refused'; readonly reason: RefusalReason; readonly message: string };

export type RefusalReason =
  | 'KindNotServed'
  | 'NamespaceTerminating'
  | 'Forbidden'
  | 'QuotaExceeded'
  | 'Invalid'
  | 'TooLarge';

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection {
  readonly limit?: number | undefined;
  readonly continueToken?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
}

export interface ListPage<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Present while there are more pages. */
  readonly continueToken?: string;
}

export interface WatchOptions extends Selection {
  /** Changes after this version are told. */
  readonly resourceVersion: string;
  readonly allowBookmarks?: boolean | undefined;
  /** After how long the server ends the watch of its own accord. */
  readonly timeoutSeconds?: number | undefined;
}

/** metav1.Status, as far as it is read. */
export interface Status {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly details?:
    | {
        readonly retryAfterSeconds?: number | undefined;
        readonly causes?: readonly StatusCause[] | undefined;
      }
    | undefined;
}

export interface StatusCause {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** Path of the field that is at fault. */
  readonly field?: string | undefined;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  | { readonly type: 'ERROR'; readonly status: Status };

export interface DeleteOptions extends CallOptions {
  /** Mandatory: what carries our name may be somebody else's by now. */
  readonly uid: string;
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
}

export interface PatchOptions extends CallOptions {
  /** The status of a custom resource ignores a uid in the body: only the resourceVersion is a precondition there. */
  readonly subresource?: 'status' | undefined;
}

export interface ApplyOptions extends PatchOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers. */
  readonly force?: boolean | undefined;
}

export interface ExecCommand {
  readonly container: string;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
}

export type ExecOutcome =
  /** `output`: the end of what it printed, errors included. */
  | { readonly type: 'ended'; readonly exitCode: number; readonly output: string }
  /** The pod does not exist. */
  | { readonly type: 'absent' }
  /** The right is missing, or the container runtime does not start the command. */
  | { readonly type: 'refused'; readonly message: string };

export interface PodLogOptions {
  readonly container: string;
  readonly tailLines: number;
  readonly limitBytes: number;
}

/** The verbs that change something. */
export interface KubeWriter {
  /** A create with a fixed name may be retried inside, so `exists` can mean that an earlier try of this very call arrived. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: NewObject,
    options?: CallOptions,
  ): Promise<WriteOutcome<T>>;
  /** `application/merge-patch+json`. Preconditions are `metadata.uid` and `metadata.resourceVersion` in the body. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    body: object,
    options?: PatchOptions,
  ): Promise<WriteOutcome<T>>;
  /** Server-side apply. With a uid in the metadata it never creates: an absent object is a `conflict`. */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    body: NewObject,
    options: ApplyOptions,
  ): Promise<WriteOutcome<T>>;
  /** `done` carries the object that still waits for finalizers or its grace period; `absent` says that it is gone. */
  delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions): Promise<WriteOutcome<T>>;
  /**
   * Runs a command in a container of a running pod. The time limit ends the waiting, not the command.
   * Needs the rights to get and to create pods/exec.
   */
  exec(key: ObjectKey, command: ExecCommand, options?: CallOptions): Promise<ExecOutcome>;
}

export interface KubeReader {
  /** A live, consistent read. */
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: CallOptions): Promise<T | undefined>;
  /** One page. Throws KUBE_GONE when the continue token expired, KUBE_NOT_FOUND when the kind is not served. */
  listPage<T extends KubeObject>(resource: Resource<T>, list: ListOptions, options?: CallOptions): Promise<ListPage<T>>;
  /** Ends when the server ends it; a broken line or connection throws. Aborting the signal ends it without an error. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    watch: WatchOptions,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<WatchEvent<T>>;
  /** Undefined when the pod is gone or the container has not started. */
  podLog(key: ObjectKey, log: PodLogOptions, options?: CallOptions): Promise<string | undefined>;
  /** As the server spells it: `v1.37.2`. */
  serverVersion(options?: CallOptions): Promise<string>;
  /** Whether the server serves this group, version and plural now. */
  hasResource(resource: Resource, options?: CallOptions): Promise<boolean>;
}

export interface KubeClient extends KubeReader, KubeWriter {}
