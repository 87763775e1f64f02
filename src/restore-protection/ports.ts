import { referenceGrants } from '../api/reference-grant.ts';
import { claims, storageClasses } from '../api/resources.ts';
import { volumeSnapshotContents, volumeSnapshots } from '../api/snapshots.ts';
import type { InformerRegistry } from '../informer/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { RestorePorts } from '../plugins/snapshot-restore/index.ts';

export interface RestorePortsOptions {
  /** Writes only while this process leads. */
  readonly client: KubeClient;
  readonly informers: InformerRegistry;
  readonly populatorNamespace: string | undefined;
}

/** The cluster as the restoring plugin sees it. */
export function restorePorts({ client, informers, populatorNamespace }: RestorePortsOptions): RestorePorts {
  const snapshots = informers.informer(volumeSnapshots, { optional: true }).store;
  const contents = informers.informer(volumeSnapshotContents, { optional: true }).store;
  const claimStore = informers.informer(claims).store;
  const classes = informers.informer(storageClasses).store;
  const grants =
    populatorNamespace === undefined ? undefined : informers.informer(referenceGrants, { optional: true }).store;
  return {
    live: client,
    known: {
      snapshot: (key) => snapshots.get(key),
      content: (name) => contents.get({ name }),
      claim: (key) => claimStore.get(key),
      grants: (namespace) => (grants?.list() ?? []).filter(({ metadata }) => metadata.namespace === namespace),
      storageClasses: () => classes.list(),
    },
    populatorNamespace,
  };
}
