import { GROUP } from '../../api/names.ts';
import { snapshotRestores } from '../../api/snapshot-restore.ts';
import { SNAPSHOT_GROUP, volumeSnapshots } from '../../api/snapshots.ts';
import {
  definePlugin,
  type NewObject,
  PermanentError,
  type Plugin,
  type PrepareParams,
  type SourceKind,
} from '../../sdk/index.ts';
import type { RestorePorts } from './ports.ts';
import { prepare, renew, snapshotNameIn, undo } from './prepare.ts';
import { restorePod } from './restore-pod.ts';
import { parseState } from './state.ts';
import { PLUGIN_NAME } from './task.ts';
import { directWishSchema, snapshotOf, type Wish, wishSchema } from './wish.ts';

/** The plugin once for each kind that a claim may name: a SnapshotRestore, and a VolumeSnapshot itself. */
export function snapshotRestorePlugins(ports: RestorePorts): readonly Plugin[] {
  const { version } = volumeSnapshots;
  return [
    restorePlugin(ports, { group: GROUP, version: snapshotRestores.version, kind: snapshotRestores.kind }, wishSchema),
    restorePlugin(ports, { group: SNAPSHOT_GROUP, version, kind: volumeSnapshots.kind }, directWishSchema),
  ];
}

function restorePlugin(ports: RestorePorts, source: SourceKind, schema: { parse(spec: unknown): Wish }): Plugin {
  return definePlugin<Wish>({
    name: PLUGIN_NAME,
    source,
    schema,
    choosesPath: true,
    dataNamespace: (given) => snapshotOf(given).namespace,
    dataObject: ({ source: given, prepared }) => {
      const snapshot = ports.known.snapshot(snapshotOf(given));
      // The record tells of a snapshot only after its owner's grant was seen.
      return parseState(prepared)?.snapshot.uid === snapshot?.metadata.uid ? snapshot : undefined;
    },
    prepare: (params) => prepare(ports, params),
    renew: (params) => renew(ports, params),
    mutatePrime: fromSnapshot,
    // Owners and permissions of files are part of what a snapshot holds.
    podSettings: { securityProfile: 'privileged-data' },
    reports: true,
    examinesVolume: true,
    pod: (params) => restorePod(ports, params),
    populate: () => Promise.resolve(),
    populateComplete: ({ volume }) => {
      // A driver that is asked for a volume from a snapshot answers for it: external-provisioner takes no volume without that answer.
      if (volume.spec.csi === undefined)
        throw new PermanentError('DataSourceIgnored', `volume ${volume.metadata.name} was not made by a CSI driver`);
      return Promise.resolve({ done: true, result: { verification: 'none' } });
    },
    populateCleanup: async (params) => {
      const state = parseState(params.prepared);
      if (state !== undefined) await undo(ports, params, state);
    },
  });
}

/** The prime of a native restore is what a user's own claim would be beside the snapshot. */
function fromSnapshot(prime: NewObject, { prepared, claim }: PrepareParams<Wish>): NewObject {
  const state = parseState(prepared);
  if (state?.route !== 'Native') return prime;
  const dataSource = { apiGroup: SNAPSHOT_GROUP, kind: volumeSnapshots.kind, name: snapshotNameIn(state, claim.uid) };
  return { ...prime, spec: { ...asRecord(prime['spec']), dataSource } };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
