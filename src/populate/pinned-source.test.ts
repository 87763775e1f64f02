import { describe, expect, test } from '@jest/globals';
import { aPopulation, aPrime, aSource } from '../../test/support/objects.ts';
import { forPrime, forRecord, pinnedSource } from './pinned-source.ts';

const shared = { ...aSource, namespace: 'lib' };
const record = aPopulation({}, { pinned: forRecord(shared, 'app') });
const prime = aPrime({ meta: { annotations: forPrime(shared, 'app') } });
const elsewhere = { named: 'lib', population: record, prime: undefined, source: undefined };

test('the record in the namespace of the claim does not hold the spec of a source elsewhere', () => {
  expect(JSON.stringify(record)).not.toContain('example.com/a.tgz');
  expect(record.spec.pinned).toEqual({ namespace: 'lib', uid: 'source-1', generation: 1 });
});

describe('the pinned source is known', () => {
  test('from the record, for a source beside it, and the prime holds nothing', () => {
    expect(pinnedSource({ ...elsewhere, named: 'app', population: aPopulation() })).toEqual(aSource);
    expect(forPrime(aSource, 'app')).toEqual({});
  });

  test('from the prime, whatever became of the source', () => {
    expect(pinnedSource({ ...elsewhere, prime })).toEqual(shared);
    expect(pinnedSource({ ...elsewhere, prime, source: { ...shared, generation: 2 } })).toEqual(shared);
  });

  test('from the source, as long as it is the pinned one', () => {
    expect(pinnedSource({ ...elsewhere, source: shared })).toEqual(shared);
    expect(pinnedSource({ ...elsewhere, source: { ...shared, generation: 2 } })).toBeUndefined();
    expect(pinnedSource({ ...elsewhere, source: { ...shared, uid: 'another' } })).toBeUndefined();
    expect(pinnedSource(elsewhere)).toBeUndefined();
  });

  test('not from a prime whose note was spoilt', () => {
    for (const note of ['', '{', '{"uid":"source-1"}']) {
      const spoilt = aPrime({ meta: { annotations: { 'volprime.dev/pinned-source': note } } });
      expect(pinnedSource({ ...elsewhere, prime: spoilt })).toBeUndefined();
    }
  });
});

test('attack: a forged record cannot tell the spec of a source that the claim does not name', () => {
  const evil = aPopulation({}, { pinned: { ...aSource, spec: { sourceURL: 'http://evil.example.com/' } } });
  expect(pinnedSource({ ...elsewhere, population: evil, source: shared })).toBeUndefined();
});
