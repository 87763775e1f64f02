import { describe, expect, test } from '@jest/globals';
import { aVolume } from '../../test/support/objects.ts';
import type { Volume } from '../api/objects.ts';
import { ownStorageKeys, storageKeys } from './shared-storage.ts';

type Spec = Partial<Volume['spec']>;
const nfs = (subdir: string, more: Record<string, string> = {}): Spec => ({
  csi: {
    driver: 'nfs.csi.k8s.io',
    volumeHandle: subdir,
    volumeAttributes: { server: 's', share: '/x', subdir, ...more },
  },
});
const shares = (ours: Spec, theirs: Spec) => {
  const keys = new Set(storageKeys(aVolume('other', { spec: theirs })));
  return ownStorageKeys(aVolume('prime-1', { spec: ours })).some((key) => keys.has(key));
};

describe('a volume shares its storage with', () => {
  test.each<[string, Spec, Spec]>([
    ['one of the same directory of a node', { hostPath: { path: '/v/shared' } }, { local: { path: '/v/./shared/' } }],
    ['one below it', { hostPath: { path: '/v' } }, { hostPath: { path: '/v/pvc-1' } }],
    ['one below the root', { hostPath: { path: '/' } }, { hostPath: { path: '/v' } }],
    ['one of the same NFS directory', { nfs: { server: 's', path: '/x/a' } }, { nfs: { server: 's', path: '/x//a' } }],
    ['one that a CSI driver serves from there', { nfs: { server: 's', path: '/x/a' } }, nfs('a')],
    ['one of the same subDir', nfs('a', {}), { csi: { ...(nfs('a').csi ?? never()), volumeHandle: 'else' } }],
    [
      'one of the same handle',
      { csi: { driver: 'd', volumeHandle: 'h' } },
      { csi: { driver: 'd', volumeHandle: 'h' } },
    ],
  ])('%s', (_name, ours, theirs) => {
    expect(shares(ours, theirs)).toBe(true);
  });

  test.each<[string, Spec, Spec]>([
    ['one beside it', { hostPath: { path: '/v/a' } }, { hostPath: { path: '/v/ab' } }],
    [
      'the export that a provisioner divides',
      { nfs: { server: 's', path: '/x/a' } },
      { nfs: { server: 's', path: '/x' } },
    ],
    ['one of another server', { nfs: { server: 's', path: '/x' } }, { nfs: { server: 't', path: '/x' } }],
    ['one of another driver', { csi: { driver: 'd', volumeHandle: 'h' } }, { csi: { driver: 'e', volumeHandle: 'h' } }],
    ['one of another subDir', nfs('a'), nfs('b')],
    ['one that says nothing', {}, {}],
  ])('not with %s', (_name, ours, theirs) => {
    expect(shares(ours, theirs)).toBe(false);
  });
});

function never(): never {
  throw new TypeError('a CSI volume');
}
