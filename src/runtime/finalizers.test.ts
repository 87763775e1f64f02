import { describe, expect, test } from '@jest/globals';
import { hasFinalizer, withFinalizer, withoutFinalizer } from './finalizers.ts';

const object = (finalizers?: string[]) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', uid: 'u', resourceVersion: '7', creationTimestamp: 't', ...(finalizers && { finalizers }) },
});
const patch = (finalizers: string[]) => ({ metadata: { uid: 'u', resourceVersion: '7', finalizers } });

describe('finalizer patches', () => {
  test.each([
    ['added to none', withFinalizer(object(), 'a/b'), patch(['a/b'])],
    ['added to others', withFinalizer(object(['x/y']), 'a/b'), patch(['x/y', 'a/b'])],
    ['there already', withFinalizer(object(['a/b']), 'a/b'), undefined],
    ['taken from others', withoutFinalizer(object(['x/y', 'a/b']), 'a/b'), patch(['x/y'])],
    ['the last one', withoutFinalizer(object(['a/b']), 'a/b'), patch([])],
    ['not there', withoutFinalizer(object(), 'a/b'), undefined],
  ])('%s', (_, made, expected) => {
    expect(made).toEqual(expected);
  });

  test('hasFinalizer', () => {
    expect([hasFinalizer(object(), 'a/b'), hasFinalizer(object(['a/b']), 'a/b')]).toEqual([false, true]);
  });
});
