import { describe, expect, test } from '@jest/globals';
import { aClass } from '../../test/support/objects.ts';
import { WRAPPER_PROVISIONER } from '../api/names.ts';
import type { StorageClass } from '../api/objects.ts';
import { mismatches, targetOf, wrapperProblem } from './wrapper.ts';

const meta = (name: string) => ({ metadata: { ...aClass().metadata, name } });
const target = aClass(meta('local'));
const aWrapper = (more: Partial<StorageClass> = {}) =>
  aClass({ ...meta('any'), provisioner: WRAPPER_PROVISIONER, parameters: { targetClass: 'local' }, ...more });

describe('a wrapper class cannot work', () => {
  test.each<readonly [string, StorageClass, StorageClass | undefined, string, string]>([
    ['without a target', aWrapper({ parameters: {} }), undefined, 'WrapperClassInvalid', 'targetClass is missing'],
    [
      'with a parameter that nobody knows',
      aWrapper({ parameters: { targetClass: 'local', targetclass: 'x' } }),
      target,
      'WrapperClassInvalid',
      'parameters targetclass are not known',
    ],
    [
      'with a volumeClass that is neither',
      aWrapper({ parameters: { targetClass: 'local', volumeClass: 'both' } }),
      target,
      'WrapperClassInvalid',
      'parameters.volumeClass must be claim or target',
    ],
    ['over a class that does not exist', aWrapper(), undefined, 'TargetClassNotFound', 'does not exist; waiting'],
    ['over a wrapper', aWrapper(), aWrapper(meta('local')), 'WrapperClassInvalid', 'is a wrapper itself'],
    [
      'that binds at once over a target that waits for a node',
      aWrapper(),
      aClass({ ...meta('local'), volumeBindingMode: 'WaitForFirstConsumer' }),
      'WrapperClassInvalid',
      'give any volumeBindingMode WaitForFirstConsumer',
    ],
  ])('%s', (_name, wrapper, over, reason, message) => {
    expect(wrapperProblem(wrapper, over)).toEqual({ reason, message: expect.stringContaining(message) });
  });
});

test.each<readonly [string, StorageClass, StorageClass]>([
  ['the same modes', aWrapper(), target],
  ['one that waits over a target that does not', aWrapper({ volumeBindingMode: 'WaitForFirstConsumer' }), target],
])('a wrapper with %s works', (_name, wrapper, over) => {
  expect(wrapperProblem(wrapper, over)).toBeUndefined();
});

describe('the volume ends', () => {
  const retaining = aClass({ ...meta('local'), reclaimPolicy: 'Retain' });

  test('in the class of the claim, with its policy', () => {
    expect(targetOf(aWrapper(), retaining)).toEqual({
      storageClass: 'local',
      volumeClass: 'any',
      reclaimPolicy: 'Delete',
    });
  });

  test('in the class of the target, with that one’s policy', () => {
    const wrapper = aWrapper({ parameters: { targetClass: 'local', volumeClass: 'target' } });
    expect(targetOf(wrapper, retaining)).toEqual({
      storageClass: 'local',
      volumeClass: 'local',
      reclaimPolicy: 'Retain',
    });
  });
});

describe('a wrapper says', () => {
  test('the same as its target', () => {
    expect(mismatches(aWrapper(), target)).toEqual([]);
  });

  test('something else in each field that it should repeat', () => {
    const other = aClass({
      ...meta('local'),
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Retain',
      allowVolumeExpansion: true,
      allowedTopologies: [{}],
    });
    expect(mismatches(aWrapper(), other)).toEqual([
      expect.stringContaining('volumeBindingMode is Immediate, that of local is WaitForFirstConsumer'),
      expect.stringContaining('reclaimPolicy is Delete, that of local is Retain: volumes get that of any'),
      expect.stringContaining('allowVolumeExpansion is false, that of local is true'),
      expect.stringContaining('allowedTopologies is [], that of local is [{}]'),
    ]);
  });
});
