import { expect, test } from '@jest/globals';
import type { VolumePopulator } from '../api/volume-populator.ts';
import { decideRegistration } from './decide.ts';

const source = { group: 'provider.example.com', kind: 'Provider' };
const named = (name: string, sourceKind: VolumePopulator['sourceKind']): VolumePopulator => ({
  apiVersion: 'populator.storage.k8s.io/v1beta1',
  kind: 'VolumePopulator',
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  sourceKind,
});

test.each<readonly [string, VolumePopulator[], string]>([
  ['nothing there', [], 'create'],
  ['registered by somebody', [named('theirs', source)], 'registered'],
  ['another kind', [named('theirs', { ...source, kind: 'Other' })], 'create'],
  ['another group', [named('theirs', { ...source, group: 'other.example.com' })], 'create'],
  ['the kind in another spelling', [named('theirs', { ...source, kind: 'provider' })], 'create'],
  [
    'our name for another kind',
    [named('volprime-provider.provider.example.com', { group: 'x', kind: 'Y' })],
    'name-taken',
  ],
  [
    'our name for another kind, and the kind under another name',
    [named('volprime-provider.provider.example.com', { group: 'x', kind: 'Y' }), named('theirs', source)],
    'registered',
  ],
])('%s', (_name, known, expected) => {
  expect(decideRegistration(source, known).type).toBe(expected);
});

test('group and kind are spelt exactly', () => {
  expect(decideRegistration(source, [])).toMatchObject({
    object: { metadata: { name: 'volprime-provider.provider.example.com' }, sourceKind: source },
  });
});
