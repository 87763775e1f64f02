/** A client that writes only while this process leads. Reads pass. */
import { type CallOptions, type KubeClient, KubeError } from '../kube/index.ts';

export interface Leadership {
  /** Checked right before each write's bytes go out, so it must be synchronous and never optimistic. */
  isLeader(): boolean;
}

/** Refuses each write with KUBE_LEADERSHIP_LOST when not leading, also a retry of one that was begun while leading. */
export function gated(client: KubeClient, leadership: Leadership): KubeClient {
  const guarded = <O extends CallOptions>(options: O): O => ({
    ...options,
    guard: () => {
      if (!leadership.isLeader())
        throw new KubeError('KUBE_LEADERSHIP_LOST', 'not written: this process does not lead');
      options.guard?.();
    },
  });
  return {
    get: (resource, key, options) => client.get(resource, key, options),
    listPage: (resource, list, options) => client.listPage(resource, list, options),
    watch: (resource, watch, options) => client.watch(resource, watch, options),
    podLog: (key, log, options) => client.podLog(key, log, options),
    serverVersion: (options) => client.serverVersion(options),
    hasResource: (resource, options) => client.hasResource(resource, options),
    create: (resource, object, options = {}) => client.create(resource, object, guarded(options)),
    mergePatch: (resource, key, body, options = {}) => client.mergePatch(resource, key, body, guarded(options)),
    apply: (resource, key, body, options) => client.apply(resource, key, body, guarded(options)),
    delete: (resource, key, options) => client.delete(resource, key, guarded(options)),
    exec: (key, command, options = {}) => client.exec(key, command, guarded(options)),
  };
}
