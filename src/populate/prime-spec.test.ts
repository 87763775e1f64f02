import { expect, test } from '@jest/globals';
import { aClaim, aPopulation, aSource } from '../../test/support/objects.ts';
import type { AccessMode } from '../api/objects.ts';
import { buildPrime } from './prime-spec.ts';

test.each<[AccessMode[], AccessMode[]]>([
  [['ReadWriteOnce'], ['ReadWriteOnce']],
  [
    ['ReadWriteMany', 'ReadOnlyMany'],
    ['ReadWriteMany', 'ReadOnlyMany'],
  ],
  [['ReadWriteOncePod'], ['ReadWriteOncePod']],
  [['ReadOnlyMany'], ['ReadWriteOnce', 'ReadOnlyMany']],
])('case 41: for a claim with %j the prime asks for %j', (accessModes, wanted) => {
  const inputs = { claim: aClaim({ spec: { accessModes } }), population: aPopulation(), pinned: aSource };
  expect(buildPrime({ ...inputs, home: 'app', node: undefined })).toMatchObject({ spec: { accessModes: wanted } });
});
