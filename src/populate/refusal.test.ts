import { describe, expect, test } from '@jest/globals';
import { aClaim, aVolume } from '../../test/support/objects.ts';
import type { Claim, Volume } from '../api/objects.ts';
import { ignoredSource, refusalOf } from './refusal.ts';

type Row = readonly [
  name: string,
  volume: Partial<Volume['spec']>,
  claim: Partial<Claim['spec']>,
  message: string | undefined,
];

describe('a volume that Kubernetes would not bind to the claim', () => {
  test.each<Row>([
    ['fits', {}, {}, undefined],
    ['is larger', { capacity: { storage: '2Gi' } }, {}, undefined],
    ['can do more', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }, {}, undefined],
    ['lacks an access mode', {}, { accessModes: ['ReadWriteMany'] }, 'lacks the access mode ReadWriteMany'],
    ['has another mode', { volumeMode: 'Block' }, {}, 'has volumeMode Block, the claim asks for Filesystem'],
    ['is too small', { capacity: { storage: '1G' } }, {}, 'holds 1G, the claim asks for 1Gi'],
    [
      'has no attributes class',
      {},
      { volumeAttributesClassName: 'gold' },
      'VolumeAttributesClass "", the claim asks for "gold"',
    ],
    ['says no size', { capacity: {} }, {}, undefined],
  ])('%s', (_name, volume, claim, message) => {
    const refusal = refusalOf(aVolume('prime-1', { spec: volume }), aClaim({ spec: claim }));
    if (message === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toEqual({ reason: 'VolumeRefused', message: expect.stringContaining(message) });
  });
});

describe('data that the provisioner is to bring', () => {
  const clone = aClaim({ spec: { dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'golden' } } });
  const { dataSourceRef: _, ...spec } = aClaim().spec;

  test('is not there where it is no CSI driver', () => {
    expect(ignoredSource(aVolume('prime-1'), clone)).toMatchObject({ reason: 'DataSourceIgnored' });
  });

  test('is a CSI driver to vouch for', () => {
    const csi = { driver: 'csi.example.com', volumeHandle: 'v' };
    expect(ignoredSource(aVolume('prime-1', { spec: { csi } }), clone)).toBeUndefined();
  });

  test('is nothing where the claim asks for none', () => {
    expect(ignoredSource(aVolume('prime-1'), { ...clone, spec })).toBeUndefined();
  });
});
