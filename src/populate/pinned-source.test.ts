import { describe, expect, test } from '@jest/globals';
import { aPopulation, aPrime, aSource } from '../../test/support/objects.ts';
import { jsonBytes, jsonDigest, MAX_SOURCE_BYTES } from '../api/source-size.ts';
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
    const told = { ...shared, digest: jsonDigest(shared.spec) };
    expect(pinnedSource({ ...elsewhere, prime })).toEqual(told);
    expect(pinnedSource({ ...elsewhere, prime, source: { ...shared, generation: 2 } })).toEqual(told);
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

describe('a large spec', () => {
  const large = { ...aSource, spec: { sourceURL: 'https://example.com/a.tgz', include: ['g'.repeat(60_000)] } };
  const own = aPopulation({}, { pinned: forRecord(large, 'app') });
  const known = { named: 'app', population: own, prime: undefined, source: large };
  const far = { ...large, namespace: 'lib' };
  const note = forPrime(far, 'app');
  const farPrime = aPrime({ meta: { annotations: note } });

  test('is neither in the record nor on the prime: a claim of 400 bytes makes no more than 8 KiB', () => {
    expect(jsonBytes(large.spec)).toBeLessThan(MAX_SOURCE_BYTES);
    expect(own.spec.pinned).toEqual({
      namespace: 'app',
      uid: 'source-1',
      generation: 1,
      digest: jsonDigest(large.spec),
    });
    expect(jsonBytes(own)).toBeLessThan(8 * 1024);
    expect(jsonBytes(note)).toBeLessThan(1024);
  });

  test('is that of the source, as long as it is the one that was pinned', () => {
    expect(pinnedSource(known)).toEqual(large);
    expect(pinnedSource({ ...elsewhere, prime: farPrime, source: far })).toEqual(far);
  });

  test.each<[string, Partial<typeof large> | undefined]>([
    ['deleted', undefined],
    ['changed', { generation: 2, spec: { ...large.spec, include: ['other'] } }],
    ['changed by a server that counts no generations', { spec: { ...large.spec, include: ['other'] } }],
    ['made anew', { uid: 'source-2' }],
  ])('has to be pinned anew where the source was %s', (_what, change) => {
    const source = change === undefined ? undefined : { ...large, ...change };
    expect(pinnedSource({ ...known, source })).toBeUndefined();
    const there = source && { ...source, namespace: 'lib' };
    expect(pinnedSource({ ...elsewhere, prime: farPrime, source: there })).toBeUndefined();
  });

  test('that is lost leaves its pin as it is', () => {
    const { pinned } = own.spec;
    expect(pinned && forRecord(pinned, 'app')).toEqual(pinned);
  });

  test('of 4 KiB is kept', () => {
    const fits = { ...aSource, spec: { text: 'x'.repeat(4 * 1024 - jsonBytes({ text: '' })) } };
    expect(forRecord(fits, 'app').spec).toEqual(fits.spec);
    expect(forRecord({ ...fits, spec: { text: `${fits.spec.text}x` } }, 'app').spec).toBeUndefined();
  });
});
