import { describe, expect, test } from '@jest/globals';
import { claims, leases, volumes } from '../api/resources.ts';
import { collectionPath, groupVersionPath, objectPath, resourceName, withQuery } from './paths.ts';

describe('paths', () => {
  test('name a resource as RBAC does', () => {
    expect([resourceName(claims), resourceName(leases)]).toEqual([
      'persistentvolumeclaims',
      'leases.coordination.k8s.io',
    ]);
  });

  test.each([
    [groupVersionPath(claims), '/api/v1'],
    [groupVersionPath(leases), '/apis/coordination.k8s.io/v1'],
    [collectionPath(claims, undefined), '/api/v1/persistentvolumeclaims'],
    [collectionPath(claims, 'a'), '/api/v1/namespaces/a/persistentvolumeclaims'],
    [collectionPath(volumes, 'a'), '/api/v1/persistentvolumes'],
    [objectPath(volumes, { name: 'x' }), '/api/v1/persistentvolumes/x'],
    [
      objectPath(claims, { namespace: 'a', name: 'x', subresource: 'status' }),
      '/api/v1/namespaces/a/persistentvolumeclaims/x/status',
    ],
    [objectPath(claims, { namespace: 'a', name: '../b' }), '/api/v1/namespaces/a/persistentvolumeclaims/..%2Fb'],
  ])('%s', (path, expected) => {
    expect(path).toBe(expected);
  });

  test('a namespaced object without a namespace is a mistake of the caller', () => {
    expect(() => objectPath(claims, { name: 'x' })).toThrow(TypeError);
  });

  test('queries leave out what is undefined and escape the rest', () => {
    expect(withQuery('/p', { limit: undefined })).toBe('/p');
    expect(withQuery('/p', { labelSelector: 'a=b,c', limit: 500, watch: true })).toBe(
      '/p?labelSelector=a%3Db%2Cc&limit=500&watch=true',
    );
  });
});
