import { expect, test } from '@jest/globals';
import { reasons } from '../api/reasons.ts';
import { forOwner } from './for-owner.ts';

const word = { reason: 'SourceNotFound', message: 'https://internal.example.com/secret answered 404' };

test('the owner of the source reads all of it', () => {
  expect(forOwner({ access: 'own' }, word)).toBe(word);
});

test.each(['granted', 'denied', 'disabled'] as const)('attack: another namespace reads no address (%s)', (access) => {
  const told = forOwner({ access }, word);
  expect(told.reason).toBe('SourceNotFound');
  expect(told.message).toContain(reasons.SourceNotFound.meaning);
  expect(told.message).not.toContain('internal');
});

test.each(['https://internal', 'a b', 'constructor', ''])('attack: nor through a reason (%j)', (reason) => {
  const told = forOwner({ access: 'granted' }, { ...word, reason });
  expect(JSON.stringify(told)).not.toContain('internal');
  expect(told.message).toMatch(/^[^{]*$/);
});
