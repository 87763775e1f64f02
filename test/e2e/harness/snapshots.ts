/** VolumeSnapshots as the tests take and import them. */
import { LABEL_MANAGED_BY, MANAGED_BY, SNAPSHOT_FINALIZER } from '../../../src/api/names.ts';
import type { NewObject } from '../../../src/api/objects.ts';
import { apiVersionOf } from '../../../src/api/resources.ts';
import {
  SNAPSHOT_DRIVER,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../../src/api/snapshots.ts';
import type { Cluster } from './cluster.ts';
import { listAll } from './invariants.ts';
import { aPlainClaim, aWriter } from './manifests.ts';
import { read } from './objects.ts';
import { printedBy, readBack } from './read-back.ts';
import type { Suite } from './suite.ts';
import { until, type UntilOptions } from './until.ts';

/** With its own hidden, empty, linked and odd names; what breaks copies has tests of its own. */
const FILES =
  'mkdir -p data/deep empty; echo "of $PWD" > data/deep/file; head -c 300000 /dev/urandom > data/random;' +
  ' ln data/random data/again; ln -s deep/file data/link; : > data/.hidden; chmod 640 data/deep/file; sync';

export interface SourceOptions {
  readonly storageClass?: string;
  readonly size?: string;
}

/** A bound claim with files. @returns what a reader of it prints. */
export async function aFilledClaim(
  { cluster, apply }: Suite,
  namespace: string,
  name: string,
  { storageClass = 'imm-del', size = '64Mi' }: SourceOptions = {},
): Promise<string> {
  await apply(aPlainClaim(namespace, name, storageClass, size));
  const script = `cd /volumes/${name}; ${FILES}; echo written`;
  const image = cluster.toolboxImage;
  const said = await printedBy(cluster, aWriter({ name: `writer-${name}`, namespace, image, claims: [name], script }));
  if (said !== 'written\n') throw new Error(`${namespace}/${name} could not be written to: ${said}`);
  return (await readBack(cluster, namespace, [name]))[name] ?? '';
}

export const CSI_DRIVER = 'csi.test.volprime.dev';
/** Name of the Secret that `aRepositoryClass` names. */
export const REPOSITORY_SECRET = 'volprime-repository';

export function aSnapshotClass(name: string, driver: string, more: object = {}): NewObject {
  const { kind } = volumeSnapshotClasses;
  return {
    apiVersion: apiVersionOf(volumeSnapshotClasses),
    kind,
    metadata: { name },
    driver,
    deletionPolicy: 'Delete',
    ...more,
  };
}

export interface RepositoryClassOptions {
  readonly clone: 'never' | 'require';
  /** The claim that holds the repository; none where the Secret names another place. */
  readonly repositoryClaim?: string | undefined;
  readonly deletionPolicy?: 'Delete' | 'Retain';
}

/** A class of ours, with its repository on a claim of the snapshot's namespace: `repository`, unless told. */
export function aRepositoryClass(name: string, options: RepositoryClassOptions): NewObject {
  const { clone, repositoryClaim, deletionPolicy } = {
    repositoryClaim: 'repository',
    deletionPolicy: 'Delete',
    ...options,
  };
  const parameters = {
    'csi.storage.k8s.io/snapshotter-secret-name': REPOSITORY_SECRET,
    'csi.storage.k8s.io/snapshotter-secret-namespace': '${volumesnapshot.namespace}',
    ...(repositoryClaim !== undefined && { repositoryClaim }),
    clone,
  };
  return aSnapshotClass(name, SNAPSHOT_DRIVER, { deletionPolicy, parameters });
}

export function aRepositorySecret(
  namespace: string,
  /** Keys of the Secret that are other than usual, or more. */
  changed: Readonly<Record<string, string>> = {},
): NewObject {
  const metadata = { name: REPOSITORY_SECRET, namespace };
  const stringData = { repository: '/repository', password: 'geheim-1', ...changed };
  return { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
}

export function aSnapshotOf(namespace: string, name: string, claim: string, className = 'csi-test'): NewObject {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name, namespace },
    spec: { volumeSnapshotClassName: className, source: { persistentVolumeClaimName: claim } },
  };
}

export interface ImportOptions {
  /** Of the content, too. */
  readonly name: string;
  readonly namespace: string;
  readonly handle: string;
  readonly driver?: string;
  readonly policy?: 'Delete' | 'Retain';
  readonly annotations?: Readonly<Record<string, string>>;
  readonly sourceVolumeMode?: 'Filesystem' | 'Block';
}

/** A static pair: a content for a snapshot that exists, and the VolumeSnapshot that it is for. */
export function anImport(options: ImportOptions): [NewObject, NewObject] {
  const { name, namespace, handle, driver = CSI_DRIVER, policy = 'Retain', annotations } = options;
  const { sourceVolumeMode } = options;
  const apiVersion = 'snapshot.storage.k8s.io/v1';
  return [
    {
      apiVersion,
      kind: 'VolumeSnapshotContent',
      metadata: { name: `${namespace}-${name}`, ...(annotations && { annotations }) },
      spec: {
        driver,
        deletionPolicy: policy,
        source: { snapshotHandle: handle },
        ...(sourceVolumeMode && { sourceVolumeMode }),
        volumeSnapshotRef: { name, namespace },
      },
    },
    {
      apiVersion,
      kind: 'VolumeSnapshot',
      metadata: { name, namespace },
      spec: { source: { volumeSnapshotContentName: `${namespace}-${name}` } },
    },
  ];
}

export interface Taken {
  readonly snapshot: VolumeSnapshot;
  readonly content: VolumeSnapshotContent;
  readonly handle: string;
}

export async function ready(
  cluster: Cluster,
  namespace: string,
  name: string,
  limit: UntilOptions = {},
): Promise<Taken> {
  const snapshot = await until(
    `VolumeSnapshot ${namespace}/${name} to be ready`,
    () => read(cluster, volumeSnapshots, { namespace, name }),
    ({ status }) => status?.readyToUse === true,
    limit,
  );
  const content = await read(cluster, volumeSnapshotContents, {
    name: snapshot.status?.boundVolumeSnapshotContentName ?? '',
  });
  return { snapshot, content, handle: content.status?.snapshotHandle ?? '' };
}

/** Reasons of the events about objects of that name. */
export async function reasonsAbout(
  { kubectl }: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<string[]> {
  const selector = `--field-selector=involvedObject.name=${name}`;
  const format = '--output=jsonpath={range .items[*]}{.reason}{"\\n"}{end}';
  return (await kubectl(['get', 'events', `--namespace=${namespace}`, selector, format])).split('\n');
}

/** No snapshot of these namespaces is held by us, and no alias of ours is left. */
export async function expectNothingHeld(cluster: Cluster, namespaces: readonly string[]): Promise<void> {
  await until(
    `snapshots of ${namespaces.join(', ')} to be let go and aliases to be gone`,
    async () => {
      const all = await listAll(cluster, volumeSnapshots);
      const contents = await listAll(cluster, volumeSnapshotContents);
      const held = all.filter(({ metadata }) => metadata.finalizers?.includes(SNAPSHOT_FINALIZER) === true);
      const aliases = [...all, ...contents].filter(
        ({ metadata }) => metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY || metadata.name.startsWith('volprime-'),
      );
      return [
        ...held.filter(({ metadata }) => namespaces.includes(metadata.namespace ?? '')),
        ...aliases.filter((alias) => namespaces.includes(namespaceOf(alias))),
      ].map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    },
    (left) => left.length === 0,
  );
}

function namespaceOf(alias: VolumeSnapshot | VolumeSnapshotContent): string {
  const ref = 'driver' in alias.spec ? alias.spec.volumeSnapshotRef.namespace : undefined;
  return alias.metadata.namespace ?? ref ?? '';
}
