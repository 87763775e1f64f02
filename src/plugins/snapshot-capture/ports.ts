/** What this plugin needs of a cluster, passed in by the composition root: a plugin knows no way to an API server of its own. */
import type { Pod } from '../../api/objects.ts';
import type { PopulatorPodSettings } from '../../api/pod-settings.ts';
import type { CallOptions, Key, LiveAccess } from '../live-access.ts';

export type Executed =
  | { readonly type: 'ended'; readonly exitCode: number; readonly output: string }
  | { readonly type: 'absent' }
  | { readonly type: 'refused'; readonly message: string };

/** Commands, too, are run only while this process leads. */
export interface PodAccess extends LiveAccess {
  podLog(
    key: Key,
    log: { readonly container: string; readonly tailLines: number; readonly limitBytes: number },
    options: CallOptions,
  ): Promise<string | undefined>;
  exec(
    key: Key,
    command: { readonly container: string; readonly command: readonly string[] },
    options: CallOptions,
  ): Promise<Executed>;
}

export interface CapturePorts {
  readonly live: PodAccess;
  /** All pods of a namespace, live. */
  readonly podsIn: (namespace: string, options: CallOptions) => Promise<readonly Pod[]>;
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
