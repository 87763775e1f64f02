/** What is built from Go: one entry for each module in go/. */

export interface GoModule {
  readonly name: string;
  /** Directory of go.mod, from the project's; go/<name> beside this file where absent. */
  readonly dir?: string;
  readonly tags?: string;
  /** Arguments of go build. With several packages each becomes a program of its package's name. */
  readonly packages: readonly string[];
  readonly executable: string;
  /** Names under which the programs are found; a multi-call executable has several. */
  readonly programs: readonly string[];
  readonly ldflags: readonly string[];
  readonly coldTime: string;
  /** A module that the checksum database lacks; go.sum vouches for it. */
  readonly noSumDb?: string;
  /** CRDs that come with a dependency, copied next to the programs. */
  readonly crds: readonly { readonly module: string; readonly folder: string; readonly files: readonly string[] }[];
}

const kubernetesVersion = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((variable) => [
  `-X ${variable}.gitVersion=v1.37.2`,
  `-X ${variable}.gitMajor=1`,
  `-X ${variable}.gitMinor=37`,
]);

const snapshotter = 'github.com/kubernetes-csi/external-snapshotter';

export const goModules: readonly GoModule[] = [
  {
    name: 'kube',
    packages: ['.'],
    executable: 'kube',
    programs: [
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
      'kubelet',
      'kube-proxy',
      'kubectl',
    ],
    ldflags: kubernetesVersion,
    coldTime: 'about 6 minutes',
    crds: [],
  },
  {
    name: 'snapshotter',
    packages: [`${snapshotter}/v8/cmd/snapshot-controller`, `${snapshotter}/v8/cmd/csi-snapshotter`],
    executable: 'snapshot-controller',
    programs: ['snapshot-controller', 'csi-snapshotter'],
    ldflags: [],
    coldTime: 'about 2 minutes',
    crds: [
      {
        module: `${snapshotter}/client/v8`,
        folder: 'config/crd',
        files: ['volumesnapshotclasses', 'volumesnapshotcontents', 'volumesnapshots']
          .map((kind) => `snapshot.storage.k8s.io_${kind}.yaml`)
          .concat(
            ['volumegroupsnapshotclasses', 'volumegroupsnapshotcontents', 'volumegroupsnapshots'].map(
              (kind) => `groupsnapshot.storage.k8s.io_${kind}.yaml`,
            ),
          ),
      },
    ],
  },
  {
    name: 'provisioner',
    packages: ['github.com/kubernetes-csi/external-provisioner/v5/cmd/csi-provisioner'],
    executable: 'csi-provisioner',
    programs: ['csi-provisioner'],
    ldflags: [],
    coldTime: 'about 2 minutes',
    noSumDb: 'sigs.k8s.io/sig-storage-lib-external-provisioner',
    crds: [
      {
        module: 'sigs.k8s.io/gateway-api',
        folder: 'config/crd/standard',
        files: ['gateway.networking.k8s.io_referencegrants.yaml'],
      },
    ],
  },
  {
    name: 'resizer',
    packages: ['github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer'],
    executable: 'csi-resizer',
    programs: ['csi-resizer'],
    ldflags: [],
    coldTime: 'about 3 minutes',
    crds: [],
  },
  {
    name: 'local-path',
    packages: ['github.com/rancher/local-path-provisioner'],
    executable: 'local-path-provisioner',
    programs: ['local-path-provisioner'],
    ldflags: [],
    coldTime: 'about 2 minutes',
    crds: [],
  },
  {
    name: 'csi-driver',
    packages: ['.'],
    executable: 'csi-driver',
    programs: ['csi-driver'],
    ldflags: [],
    coldTime: 'about 1 minute',
    crds: [],
  },
  {
    name: 'pause',
    packages: ['.'],
    executable: 'pause',
    programs: ['pause'],
    ldflags: [],
    coldTime: 'a few seconds',
    crds: [],
  },
];

/** Servers that sources are tested against; no part of a cluster. */
export const sourceServers: readonly GoModule[] = [
  {
    name: 'registry',
    packages: ['github.com/distribution/distribution/v3/cmd/registry'],
    executable: 'registry',
    programs: ['registry'],
    ldflags: [],
    coldTime: 'about 2 minutes',
    crds: [],
  },
  {
    name: 'versitygw',
    packages: ['github.com/versity/versitygw/cmd/versitygw'],
    executable: 'versitygw',
    programs: ['versitygw'],
    ldflags: [],
    coldTime: 'about 2 minutes',
    crds: [],
  },
];
