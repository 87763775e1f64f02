import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { Budget } from '../budget.ts';
import { LinkTree } from './link-tree.ts';

const parts = fc.array(fc.constantFrom('a', 'b', '.', '..', ''), { minLength: 1, maxLength: 5 });
const relative = parts.map((names) => names.join('/')).filter((name) => name !== '' && !name.startsWith('/'));

test('onTheWay names the link that a path leads through', () => {
  const links = treeOf([['a/b', { target: 'x' }]]);
  expect(links.onTheWay('a/b/c/d')).toBe('a/b');
  expect(links.onTheWay('a/b')).toBeUndefined();
  expect(links.onTheWay('a/bc/d')).toBeUndefined();
  links.delete('a/b');
  expect(links.onTheWay('a/b/c/d')).toBeUndefined();
});

describe('leavesTarget', () => {
  test('a link to itself stays inside', () => {
    expect(treeOf([['a', { target: 'a' }]]).leavesTarget('a')).toBe(false);
  });

  test('says no only where the kernel, following the links, stays inside as well', () => {
    const link = fc.tuple(fc.constantFrom('a', 'b', 'a/a', 'a/b', 'b/a', 'a/b/a'), relative);
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 4 }), (list) => {
        const links = apart(list);
        const tree = treeOf(links);
        for (const [name, place] of resolveOnDisk(links)) {
          if (!tree.leavesTarget(name)) expect(place).not.toBe('outside');
        }
      }),
      { numRuns: 300 },
    );
  });

  const places = fc.constantFrom('a', 'b', 'c', 'a/a', 'a/b', 'b/a', 'b/c', 'a/b/a', 'c/a/b', 'c/b');
  const anywhere = fc.oneof({ weight: 9, arbitrary: relative }, { weight: 1, arbitrary: fc.constant('/a') });

  test('says of small trees just what a walk over whole paths says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(places, anywhere), { minLength: 1, maxLength: 9 }), (list) => {
        const links = apart(list);
        const tree = treeOf(links);
        for (const name of links.keys()) expect(tree.leavesTarget(name)).toBe(leavesByWholePaths(links, name));
      }),
      { numRuns: 5000 },
    );
  });

  test('says so after links were taken away and set again, too', () => {
    const change = fc.tuple(places, fc.option(anywhere));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), (changes) => {
        const tree = treeOf([]);
        const links = new Map<string, Link>();
        for (const [name, target] of changes) {
          if (target === null) expect(tree.delete(name)).toBe(links.delete(name));
          else if (!isNested(links, name)) {
            links.set(name, { target });
            tree.set(name, { target });
          }
          expect([...tree]).toEqual([...links]);
          for (const each of links.keys()) expect(tree.leavesTarget(each)).toBe(leavesByWholePaths(links, each));
          expect(tree.onTheWay('a/b/a/x')).toBe(['a/b/a', 'a/b', 'a'].find((on) => links.has(on)));
        }
      }),
    );
  });

  test('takes a step for each part of the targets on the way, and no more', () => {
    const budget = new Budget('steps', { steps: 1e6, perEntry: 0 });
    const spend = jest.spyOn(budget, 'spend');
    const tree = new LinkTree<Link>(budget);
    const target = `${'x/'.repeat(100)}${'../'.repeat(100)}l`;
    tree.set('l', { target });
    expect(tree.leavesTarget('l')).toBe(false);
    // The link itself, forty targets of 201 parts, and that of the hop that is too many.
    expect(spend).toHaveBeenCalledTimes(1 + 40 * 201);
  });
});

interface Link {
  readonly target: string;
}

function treeOf(links: Iterable<readonly [string, Link]>): LinkTree<Link> {
  const tree = new LinkTree<Link>(new Budget('steps', { steps: 1e9, perEntry: 0 }));
  for (const [name, link] of links) tree.set(name, link);
  return tree;
}

/** As in an archive: none below another. */
function apart(list: readonly (readonly [string, string])[]): Map<string, Link> {
  const links = new Map<string, Link>();
  for (const [name, target] of list) if (!isNested(links, name)) links.set(name, { target });
  return links;
}

function isNested(links: ReadonlyMap<string, Link>, name: string): boolean {
  return [...links.keys()].some((other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`));
}

/** The plain way, for comparison: the whole path is put together for each part, which is quadratic. */
function leavesByWholePaths(links: ReadonlyMap<string, Link>, name: string): boolean {
  const at: string[] = [];
  const todo = name.split('/').reverse();
  let hops = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(part);
    const target = links.get(at.join('/'))?.target;
    if (target === undefined) continue;
    if (target.startsWith('/')) return true;
    if (++hops > 40) return false;
    at.pop();
    todo.push(...target.split('/').reverse());
  }
  return false;
}

/** Makes the links for real and asks the kernel where they lead; those that lead nowhere are left out. */
function resolveOnDisk(links: ReadonlyMap<string, Link>): Map<string, 'inside' | 'outside'> {
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
