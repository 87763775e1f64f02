/** A real snapshot plugin with a hand on its functions: what a test puts there runs before each call. */
import { defineSnapshotPlugin, type SnapshotPlugin } from '../../src/sdk/index.ts';

export type SnapshotCall = 'snapshot' | 'snapshotComplete' | 'snapshotDelete' | 'snapshotCleanup';

export class Faults {
  /** Throws, or does not come back, where the call is to fail. */
  readonly before: { [Call in SnapshotCall]?: (() => Promise<void>) | undefined } = {};
  /** Every call, with its key. */
  readonly calls: { readonly call: SnapshotCall; readonly key: string }[] = [];

  count(call: SnapshotCall, key: string): number {
    return this.calls.filter((each) => each.call === call && each.key === key).length;
  }

  async pass(call: SnapshotCall, key: string): Promise<void> {
    this.calls.push({ call, key });
    await this.before[call]?.();
  }
}

export function withFaults(plugin: SnapshotPlugin, faults: Faults): SnapshotPlugin {
  return defineSnapshotPlugin({
    ...plugin,
    pollIntervalMs: 100,
    callTimeoutMs: 500,
    snapshot: async (params) => {
      await faults.pass('snapshot', params.key);
      return plugin.snapshot(params);
    },
    snapshotComplete: async (params) => {
      await faults.pass('snapshotComplete', params.key);
      return plugin.snapshotComplete(params);
    },
    snapshotDelete: async (params) => {
      await faults.pass('snapshotDelete', params.key);
      return plugin.snapshotDelete(params);
    },
    snapshotCleanup: async (params) => {
      await faults.pass('snapshotCleanup', params.key);
      await plugin.snapshotCleanup?.(params);
    },
  });
}
