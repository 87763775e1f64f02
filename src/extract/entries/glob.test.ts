import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import picomatch from 'picomatch';
import { Glob } from './glob.ts';

const OPTIONS = { dot: true, nonegate: true, noextglob: true } as const;

function matches(pattern: string, name: string): boolean {
  return new Glob([pattern]).matches(name, () => undefined);
}

/** As patterns were matched by regular expressions: the name, and each directory on its way. */
function byPicomatch(pattern: string, name: string): boolean {
  const isMatch = picomatch(pattern, OPTIONS);
  const parts = name.split('/');
  return parts.some((_, index) => isMatch(parts.slice(0, index + 1).join('/')));
}

describe('a glob', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['a*b', ['ab', 'axb', 'a.b', 'axxb/c'], ['a/b', 'axbc', 'ba']],
    ['a/**', ['a', 'a/b', 'a/.b/c'], ['ab', 'b/a']],
    ['**/a', ['a', 'b/a', 'b/c/a', 'b/a/c'], ['ba', 'b/ab']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'xa/b']],
    ['**', ['a', '.a/b'], []],
    ['*/**', ['a/b', 'a/b/c'], ['a']],
    ['**.txt', ['a.txt', 'b/a.txt'], ['a.md']],
    ['**{a,b}', ['x/a', 'b'], ['c']],
    ['a**b', ['ab', 'axb'], ['a/b']],
    ['{a,b/c}/*.txt', ['a/x.txt', 'b/c/.txt'], ['b/x.txt', 'a/x/y.txt', 'c/x.txt']],
    ['{a,{b,c}d}e', ['ae', 'bde', 'cde'], ['be', 'de']],
    ['{a..c}', ['a', 'b', 'c'], ['d', 'a..c']],
    ['{a}', ['{a}'], ['a']],
    ['[a-c]?', ['ax', 'c.'], ['a', 'dx', 'a/']],
    ['[^a]', ['b'], ['a', 'ab']],
    ['a[1].txt', ['a1.txt', 'a[1].txt'], ['a2.txt']],
    ['[[:digit:]_]', ['1', '_'], ['a', ':']],
    ['\\*', ['*'], ['a', '\\*x']],
    ['a(b|c)+"d"', ['a(b|c)+"d"'], ['ab', 'abd']],
    ['[a', ['[a'], ['a']],
    ['{a,b', ['{a,b'], ['a']],
  ])('%s', (pattern, those, others) => {
    for (const name of those) expect([name, matches(pattern, name)]).toEqual([name, true]);
    for (const name of others) expect([name, matches(pattern, name)]).toEqual([name, false]);
  });

  const name = fc
    .array(
      fc.string({
        unit: fc.constantFrom('a', 'b', 'c', '.', '-', '_', '1', '[', '*', ' '),
        minLength: 1,
        maxLength: 4,
      }),
      {
        minLength: 1,
        maxLength: 3,
      },
    )
    .filter((parts) => !parts.some((part) => part === '.' || part === '..'))
    .map((parts) => parts.join('/'));
  const simple = fc.constantFrom(
    'a',
    'b',
    'c',
    '-',
    '_',
    '1',
    '*',
    '*',
    '?',
    '[ab]',
    '[a-c]',
    '[^a]',
    '[^a-b1]',
    '[[:alpha:]]',
    '\\*',
    '.b',
  );
  const choice = fc
    .array(
      // Of stars alone, picomatch takes a choice for nothing at all where "**/" comes before: "a/**/{*,b}" then matches "a". That is left to it.
      fc.array(simple, { minLength: 1, maxLength: 3 }).filter((texts) => texts.some((text) => text !== '*')),
      { minLength: 2, maxLength: 3 },
    )
    .map((choices) => `{${choices.map((texts) => texts.join('')).join(',')}}`);
  const part = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .array(fc.oneof({ weight: 5, arbitrary: simple }, choice), { minLength: 1, maxLength: 4 })
        .map((texts) => texts.join('')),
    },
    { weight: 1, arbitrary: fc.constant('**') },
  );
  const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

  test('means what picomatch means by it', () => {
    fc.assert(
      fc.property(pattern, name, (glob, given) => {
        expect([glob, given, matches(glob, given)]).toEqual([glob, given, byPicomatch(glob, given)]);
      }),
      { numRuns: Number(process.env['GLOB_RUNS'] ?? 2000) },
    );
  });

  test.each([
    ['one star after another', '*a'.repeat(20) + 'b', 'a'.repeat(200)],
    ['a chain of separators', `${'*-'.repeat(12)}*.log`, '-'.repeat(200)],
    ['directories of any depth', `${'**/a/'.repeat(8)}b`, Array(60).fill('a').join('/')],
    ['braces in braces', `${'{a,'.repeat(60)}a${'}'.repeat(60)}b`, 'a'.repeat(200)],
    ['choices one after another', '{a,a}'.repeat(60) + 'b', 'a'.repeat(200)],
  ])('takes no more steps than pattern by name: %s', (_what, hostile, given) => {
    let steps = 0;
    expect(new Glob([hostile]).matches(given, (more) => (steps += more))).toBe(false);
    // Each character of a pattern is a state at most three times: in its own place, in a fork, and as the pattern's own text.
    expect(steps).toBeLessThanOrEqual(3 * (hostile.length + 2) * given.length);
  });
});
