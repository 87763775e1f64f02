import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { aClaim, aClass, aPrime, UID } from '../../test/support/objects.ts';
import {
  CLAIM_FINALIZER,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  MANAGED_BY,
  primeName,
  WRAPPER_PROVISIONER,
} from '../api/names.ts';
import type { Claim, DataSourceRef, StorageClass } from '../api/objects.ts';
import { MemoryStore } from '../informer/store.ts';
import { claimIndexes, fromClaim, fromStorageClass } from './map.ts';
import { PluginRegistry } from './plugin-registry.ts';

const source = { group: 'provider.example.com', version: 'v1', kind: 'Provider' };
const plugins = new PluginRegistry([{ name: 'test', source, schema: z.unknown(), pod: () => ({}) }]);
const { dataSourceRef: _, ...plainSpec } = aClaim().spec;
const plain = (meta: Partial<Claim['metadata']>): Claim => ({ ...aClaim({ meta }), spec: plainSpec });
const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_CLAIM_UID]: UID };

const named = (name: string, more: Partial<StorageClass> = {}) =>
  aClass({ metadata: { ...aClass().metadata, name, uid: `class-${name}` }, ...more });
const storageClasses = new MemoryStore<StorageClass>({});
for (const each of [
  named('fast'),
  named('any', { provisioner: WRAPPER_PROVISIONER, parameters: { targetClass: 'fast' } }),
])
  storageClasses.merge(each);
const wrapped = (dataSourceRef?: DataSourceRef): Claim => ({
  ...aClaim(),
  spec: { ...plainSpec, storageClassName: 'any', ...(dataSourceRef && { dataSourceRef }) },
});

test.each<readonly [string, Claim, readonly string[]]>([
  ['a claim with a plugin', aClaim(), [UID]],
  ['a claim of no plugin', plain({}), []],
  ['a claim that still bears our finalizer', plain({ finalizers: [CLAIM_FINALIZER] }), [UID]],
  ['a plain claim of a wrapper class', wrapped(), [UID]],
  ['a clone in a wrapper class', wrapped({ kind: 'PersistentVolumeClaim', name: 'golden' }), [UID]],
  ['a claim of a wrapper class with a source of no plugin', wrapped({ apiGroup: 'x.io', kind: 'X', name: 'x' }), []],
  ['a prime concerns the claim that it serves', aPrime({ meta: { labels } }), [UID]],
  ['a foreign claim with the name of a prime', plain({ uid: 'other', name: primeName(UID) }), [UID]],
])('%s', (_name, claim, uids) => {
  expect(fromClaim(plugins, storageClasses, { new: claim, origin: 'watch' })).toEqual(uids);
  expect(fromClaim(plugins, storageClasses, { old: claim, origin: 'watch' })).toEqual(uids);
});

describe('a class concerns', () => {
  const claims = new MemoryStore<Claim>({ indexes: claimIndexes(plugins) });
  const waiting = { ...wrapped(), metadata: { ...aClaim().metadata, name: 'waiting', uid: 'waiting' } };
  claims.merge(aClaim());
  claims.merge(waiting);

  test.each<readonly [string, readonly string[]]>([
    ['any', ['waiting']],
    ['fast', [UID, 'waiting']],
    ['other', []],
  ])('%s', (name, uids) => {
    expect(fromStorageClass({ claims, storageClasses }, { new: named(name), origin: 'watch' })).toEqual(uids);
  });
});
