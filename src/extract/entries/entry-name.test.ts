import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { safeName } from './entry-name.ts';

describe('safeName', () => {
  test.each([
    ['./', ''],
    ['a//b/./c/', 'a/b/c'],
    ['..a/...', '..a/...'],
  ])('%j is %j', (name, safe) => expect(safeName(name)).toBe(safe));

  test('never climbs', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\') }), (name) => {
        try {
          expect(join('/root', safeName(name))).toMatch(/^\/root(\/|$)/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'HostileArchive' });
        }
      }),
    );
  });
});
