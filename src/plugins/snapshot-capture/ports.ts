/** What this plugin needs of a cluster, passed in by the composition root: a plugin knows no way to an API server of its own. */
import type { KubeObject, NewObject, Pod } from '../../api/objects.ts';
import type { PopulatorPodSettings } from '../../api/pod-settings.ts';
import type { Resource } from '../../api/resources.ts';

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

export type Executed =
  | { readonly type: 'ended'; readonly exitCode: number; readonly output: string }
  | { readonly type: 'absent' }
  | { readonly type: 'refused'; readonly message: string };

interface Options {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Live, each call. Writes, and runs commands, only while this process leads. */
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
  podLog(
    key: Key,
    log: { readonly container: string; readonly tailLines: number; readonly limitBytes: number },
    options: Options,
  ): Promise<string | undefined>;
  exec(
    key: Key,
    command: { readonly container: string; readonly command: readonly string[] },
    options: Options,
  ): Promise<Executed>;
}

export interface CapturePorts {
  readonly live: LiveAccess;
  /** All pods of a namespace, live. */
  readonly podsIn: (namespace: string, options: Options) => Promise<readonly Pod[]>;
  /** A Warning event on a VolumeSnapshot. */
  readonly warn: (
    about: { readonly namespace: string; readonly name: string; readonly uid: string | undefined },
    reason: string,
    note: string,
  ) => void;
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  readonly podSettings: PopulatorPodSettings;
  readonly now?: () => number;
}
