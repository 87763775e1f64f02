import { describe, expect, test } from '@jest/globals';
import { foreign } from '../api/foreign.ts';
import { reasons } from '../api/reasons.ts';
import { forOwner, forSourceOwner, resultForOwner } from './for-owner.ts';

const quoted = { reason: 'SourceNotFound', message: [foreign('https://internal.example.com/secret answered 404')] };
const own = { dataElsewhere: false };
const elsewhere = { dataElsewhere: true };

test('the owner of the source reads all of it', () => {
  const whole = { reason: 'SourceNotFound', message: 'https://internal.example.com/secret answered 404' };
  expect(forOwner(own, quoted)).toEqual(whole);
  expect(forSourceOwner(quoted)).toEqual(whole);
});

test('attack: another namespace reads no address, but what the reason means', () => {
  const told = forOwner(elsewhere, quoted);
  expect(told.reason).toBe('SourceNotFound');
  expect(told.message).toContain(reasons.SourceNotFound.meaning);
  expect(told.message).not.toContain('internal');
});

test('own words are for everybody, also between foreign ones', () => {
  const message = ['the pod ended with exit code 1', foreign(': dial tcp 10.3.4.5'), ', its volume is empty'];
  const told = forOwner(elsewhere, { reason: 'PopulatorFailed', message });
  expect(told.message).toMatch(/^the pod ended with exit code 1, its volume is empty\. Details are/);
  expect(forOwner(elsewhere, { reason: 'Binding', message: 'it is handed over' }).message).toBe('it is handed over');
});

test.each(['https://internal', 'a b', 'constructor', '', 'BucketOfInternal'])(
  'attack: nor through a reason (%j)',
  (reason) => {
    const told = forOwner(elsewhere, { ...quoted, reason });
    expect(told).toMatchObject({ reason: 'PopulatorFailed', message: expect.stringContaining('Details') });
    expect(JSON.stringify(told)).not.toMatch(/internal/i);
  },
);

describe('a result', () => {
  const result = { verification: 'checksum', bytes: 1 } as const;
  test.each([
    [elsewhere, 'sha256:00ff', 'sha256:00ff'],
    [elsewhere, 'https://internal/x', undefined],
    [elsewhere, 'from s3:bucket', undefined],
    [own, 'etag "x"', 'etag "x"'],
  ])('%j: digest %j is told as %j', (whose, digest, told) => {
    const facts = told === undefined ? result : { ...result, digest: told };
    expect(resultForOwner(whose, { ...result, digest })).toEqual(facts);
  });
});
