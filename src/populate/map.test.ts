import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { aClaim, aPrime, UID } from '../../test/support/objects.ts';
import { CLAIM_FINALIZER, LABEL_CLAIM_UID, LABEL_MANAGED_BY, MANAGED_BY, primeName } from '../api/names.ts';
import type { Claim } from '../api/objects.ts';
import { fromClaim } from './map.ts';
import { PluginRegistry } from './plugin-registry.ts';

const source = { group: 'provider.example.com', version: 'v1', kind: 'Provider' };
const plugins = new PluginRegistry([{ name: 'test', source, schema: z.unknown(), pod: () => ({}) }]);
const { dataSourceRef: _, ...plainSpec } = aClaim().spec;
const plain = (meta: Partial<Claim['metadata']>): Claim => ({ ...aClaim({ meta }), spec: plainSpec });
const labels = { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_CLAIM_UID]: UID };

test.each<readonly [string, Claim, readonly string[]]>([
  ['a claim with a plugin', aClaim(), [UID]],
  ['a claim of no plugin', plain({}), []],
  ['a claim that still bears our finalizer', plain({ finalizers: [CLAIM_FINALIZER] }), [UID]],
  ['a prime concerns the claim that it serves', aPrime({ meta: { labels } }), [UID]],
  ['a foreign claim with the name of a prime', plain({ uid: 'other', name: primeName(UID) }), [UID]],
])('%s', (_name, claim, uids) => {
  expect(fromClaim(plugins, { new: claim, origin: 'watch' })).toEqual(uids);
  expect(fromClaim(plugins, { old: claim, origin: 'watch' })).toEqual(uids);
});
