import { describe, expect, test } from '@jest/globals';
import { frozen, withoutBookkeeping } from './transform.ts';

const object = (metadata: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: 't', ...metadata },
});
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

describe('withoutBookkeeping', () => {
  test.each<[string, object, object]>([
    ['managedFields', { managedFields: [{}], labels: { a: 'b' } }, { labels: { a: 'b' } }],
    ['what kubectl applied', { annotations: { [lastApplied]: '{}', mine: 'x' } }, { annotations: { mine: 'x' } }],
    ['both', { managedFields: [], annotations: { [lastApplied]: '{}' } }, { annotations: {} }],
  ])('drops %s', (_, metadata, kept) => {
    const given = object(metadata);
    const before = structuredClone(given);
    expect(withoutBookkeeping(given)).toEqual(object(kept));
    expect(given).toEqual(before);
  });

  test('keeps of managedFields what it is told to', () => {
    const given = object({ managedFields: [{ manager: 'a', fieldsV1: {} }, { manager: 'b' }] });
    const kept = withoutBookkeeping(given, (entries) => entries.filter(({ manager }) => manager === 'b'));
    expect(kept).toEqual(object({ managedFields: [{ manager: 'b' }] }));
  });

  test('an object without any is not copied', () => {
    const given = object({ annotations: { mine: 'x' } });
    expect(withoutBookkeeping(given)).toBe(given);
  });
});

test('frozen goes all the way down', () => {
  const given = frozen({ a: { b: [{ c: 1 }] } });
  expect(() => {
    Object.assign(given.a.b[0] ?? {}, { c: 2 });
  }).toThrow(TypeError);
});
