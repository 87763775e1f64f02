import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { leavesTarget, linkOnTheWay, safeName } from './entry-name.ts';

const parts = fc.array(fc.constantFrom('a', 'b', '.', '..', ''), { minLength: 1, maxLength: 5 });
const relative = parts.map((names) => names.join('/')).filter((name) => name !== '' && !name.startsWith('/'));

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

test('linkOnTheWay names the link that a path leads through', () => {
  const links = new Map([['a/b', { target: 'x' }]]);
  expect(linkOnTheWay(links, 'a/b/c/d')).toBe('a/b');
  expect(linkOnTheWay(links, 'a/b')).toBeUndefined();
  expect(linkOnTheWay(links, 'a/bc/d')).toBeUndefined();
});

describe('leavesTarget', () => {
  test('a link to itself stays inside', () => {
    expect(leavesTarget(new Map([['a', { target: 'a' }]]), 'a')).toBe(false);
  });

  test('says no only where the kernel, following the links, stays inside as well', () => {
    const link = fc.tuple(fc.constantFrom('a', 'b', 'a/a', 'a/b', 'b/a', 'a/b/a'), relative);
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 4 }), (list) => {
        const links = new Map<string, { target: string }>();
        for (const [name, target] of list) {
          const nested = [...links.keys()].some(
            (other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`),
          );
          if (!nested) links.set(name, { target });
        }
        for (const [name, place] of resolveOnDisk(links)) {
          if (!leavesTarget(links, name)) expect(place).not.toBe('outside');
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Makes the links for real and asks the kernel where they lead; those that lead nowhere are left out. */
function resolveOnDisk(links: ReadonlyMap<string, { readonly target: string }>): Map<string, 'inside' | 'outside'> {
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'links-')));
  const root = join(work, 'x/y/root');
  mkdirSync(root, { recursive: true });
  try {
    for (const [name, { target }] of links) {
      mkdirSync(join(root, dirname(name)), { recursive: true });
      symlinkSync(target, join(root, name));
    }
    const places = new Map<string, 'inside' | 'outside'>();
    for (const name of links.keys()) {
      try {
        // Not realpathSync itself: it resolves ".." by the text, and never ends where a link leads through another one that way.
        const real = realpathSync.native(join(root, name));
        places.set(name, real === root || real.startsWith(`${root}/`) ? 'inside' : 'outside');
      } catch {
        // Nowhere, or round in circles.
      }
    }
    return places;
  } finally {
    rmSync(work, { recursive: true });
  }
}
