import { describe, expect, test } from '@jest/globals';
import { aClaim, EARLIER } from '../../test/support/objects.ts';
import type { ReferenceGrant } from '../api/reference-grant.ts';
import { isGranted, namesOtherNamespace } from './grants.ts';

type Spec = ReferenceGrant['spec'];

const ref = { apiGroup: 'provider.example.com', kind: 'Provider', name: 'shared', namespace: 'lib' };
const claim = aClaim({ spec: { dataSourceRef: ref } });
const from = { group: '', kind: 'PersistentVolumeClaim', namespace: 'app' };
const to = { group: 'provider.example.com', kind: 'Provider' };

function aGrant(spec: Partial<Spec> = {}, meta: Partial<ReferenceGrant['metadata']> = {}): ReferenceGrant {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { name: 'g', namespace: 'lib', uid: 'g-1', resourceVersion: '1', creationTimestamp: EARLIER, ...meta },
    spec: { from: [from], to: [to], ...spec },
  };
}

describe('case 62: a grant is exactly as wide as it says', () => {
  test.each<readonly [string, ReferenceGrant[], boolean]>([
    ['none', [], false],
    ['every object of the kind', [aGrant()], true],
    ['this object', [aGrant({ to: [{ ...to, name: 'shared' }] })], true],
    ['an empty name is no name', [aGrant({ to: [{ ...to, name: '' }] })], true],
    ['another object', [aGrant({ to: [{ ...to, name: 'other' }] })], false],
    ['another kind', [aGrant({ to: [{ ...to, kind: 'Secret' }] })], false],
    ['another group', [aGrant({ to: [{ ...to, group: '' }] })], false],
    ['claims of another namespace', [aGrant({ from: [{ ...from, namespace: 'app2' }] })], false],
    ['other objects than claims', [aGrant({ from: [{ ...from, kind: 'Pod' }] })], false],
    ['a kind of that name in another group', [aGrant({ from: [{ ...from, group: 'example.com' }] })], false],
    [
      'one of several entries',
      [aGrant({ from: [{ ...from, namespace: 'x' }, from], to: [{ group: '', kind: 'X' }, to] })],
      true,
    ],
    // Two grants, of which each allows half of it, allow nothing.
    [
      'halves in two grants',
      [aGrant({ to: [{ ...to, kind: 'X' }] }), aGrant({ from: [{ ...from, kind: 'X' }] })],
      false,
    ],
    ['a grant of another namespace', [aGrant({}, { namespace: 'app' })], false],
    ['a grant on its way out', [aGrant({}, { deletionTimestamp: EARLIER })], false],
  ])('%s', (_name, grants, expected) => {
    expect(isGranted(grants, claim)).toBe(expected);
  });

  test('a namespace that is the own one needs no grant', () => {
    expect(namesOtherNamespace(aClaim({ spec: { dataSourceRef: { ...ref, namespace: 'app' } } }))).toBe(false);
    expect(namesOtherNamespace(aClaim())).toBe(false);
    expect(namesOtherNamespace(claim)).toBe(true);
  });
});
