import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, headerOf, inPieces } from '../../test/support/manifests.ts';
import { byteStringOf, comparePaths } from './bytes.ts';
import { type EarlierManifest, EarlierTails } from './earlier.ts';
import { encodeHead, encodeRecord, encodeTail, type ManifestEntry } from './manifest.ts';

const header = encodeRecord({ type: 'header', header: headerOf('directory') });
/** Two seconds before the manifest was begun, in nanoseconds since 1970. */
const until = BigInt(Date.parse(headerOf('directory').startedAt)) * 1_000_000n - 2_000_000_000n;
const end = encodeRecord({ type: 'end', totals: { files: 0, bytes: 0, changed: 0 } });

function manifestOf(entries: readonly ManifestEntry[]): string {
  return [header, ...entries.map((entry) => encodeRecord({ type: 'entry', entry })), end].join('');
}

/** What an earlier manifest answers to the heads of these entries, and what it complains of. */
async function ask(earlier: string | Buffer, entries: readonly ManifestEntry[], pieces = 1000) {
  const complaints: unknown[] = [];
  const text = inPieces(Buffer.from(earlier), pieces);
  const manifest: EarlierManifest = { text, onUnreadable: (error) => void complaints.push(error) };
  const tails = new EarlierTails(manifest);
  const answers: (string | undefined)[] = [];
  for (const entry of entries) answers.push(await tails.of(encodeHead(entry)));
  await tails.close();
  return { answers, complaints };
}

/** Few values of each member, so that equal ones, and ones that begin alike, are frequent. Names are bytes. */
const entries = fc
  .uniqueArray(
    fc.record({
      path: fc
        .array(fc.constantFrom('a', 'b"', '\n', '\xff', 'é', '/'), { minLength: 1, maxLength: 3 })
        .map((parts) => byteStringOf(Buffer.from(parts.join(''), 'latin1'))),
      type: fc.constantFrom('file', 'directory', 'link', 'characterDevice'),
      size: fc.constantFrom(1, 12),
      ctime: fc.constantFrom('1', '12', `${until - 1n}`, `${until}`),
      inode: fc.constantFrom('1', '12'),
      links: fc.constantFrom(1, 2, 23),
      minor: fc.constantFrom(1, 12),
      digest: fc.constantFrom('a', 'b'),
      attributes: fc.constantFrom(undefined, { 'user.a': 'YQ==' }),
      changed: fc.constantFrom(undefined, undefined, true as const),
    }),
    { selector: ({ path }) => path, maxLength: 8 },
  )
  .map((given) =>
    given
      .map(
        ({ type, size, minor, digest, attributes, changed, links, ...rest }): ManifestEntry =>
          ({
            ...entryOf(rest.path),
            ...rest,
            type: type as ManifestEntry['type'],
            size: type === 'file' ? size : 0,
            links: type === 'directory' ? 1 : links,
            ...(type === 'link' && { target: digest }),
            ...(type === 'characterDevice' && { device: { major: 1, minor } }),
            ...(type === 'file' ? { sha256: digest.repeat(64) } : { sha256: undefined }),
            ...(attributes && { attributes }),
            ...(changed && { changed }),
          }) as ManifestEntry,
      )
      .toSorted((a, b) => comparePaths(a.path, b.path)),
  );

/** The rule itself: the same in all that the system says, at rest when the manifest was begun, and found whole then. */
function expected(earlier: readonly ManifestEntry[], now: ManifestEntry): string | undefined {
  const then = earlier.find(({ path }) => path === now.path);
  if (then === undefined || then.changed || encodeHead(then) !== encodeHead(now)) return undefined;
  return BigInt(now.ctime) < until ? encodeTail(then) : undefined;
}

describe('EarlierTails', () => {
  test('tells of exactly those names that nobody has touched since', async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, fc.integer({ min: 1, max: 300 }), async (earlier, now, pieces) => {
        const { answers, complaints } = await ask(manifestOf(earlier), now, pieces);
        expect(answers).toEqual(now.map((entry) => expected(earlier, entry)));
        expect(complaints).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('tells of what stayed, whatever came and went beside it', async () => {
    const masks = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(entries, masks, masks, async (tree, then, today) => {
        const earlier = tree.filter((_, index) => then[index]);
        const now = tree.filter((_, index) => today[index]);
        const { answers } = await ask(manifestOf(earlier), now);
        expect(answers).toEqual(now.map((entry) => expected(earlier, entry)));
      }),
      { numRuns: 400 },
    );
  });

  test('of a manifest that is cut, says nothing that is not in it, and complains at most once', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.double({ min: 0, max: 1, noNaN: true }), async (tree, part) => {
        const whole = Buffer.from(manifestOf(tree));
        const { answers, complaints } = await ask(whole.subarray(0, Math.floor(whole.length * part)), tree);
        for (const [index, entry] of tree.entries()) {
          expect([undefined, expected(tree, entry)]).toContainEqual(answers[index]);
        }
        expect(complaints.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each([
    ['nothing at all', '', 'it has no header'],
    ['no header', manifestOf([]).slice(header.length), 'it has no header'],
    ['a line that is no JSON', `${header}oops\n${end}`, 'not understood'],
    ['no end', header + encodeRecord({ type: 'entry', entry: entryOf('a') }), 'its end is missing'],
    ['two headers', header + header + end, 'its parts are out of order'],
    ['a digest that is none', manifestOf([entryOf('b')]).replace('a'.repeat(64), 'a'.repeat(63)), 'not understood'],
  ])('complains of a manifest that has %s', async (_what, text, words) => {
    const { answers, complaints } = await ask(text, [entryOf('b')]);
    expect(answers).toEqual([undefined]);
    expect(String(complaints)).toContain(words);
  });

  test('tells a file with two names from one with twenty-three', async () => {
    const { answers } = await ask(manifestOf([entryOf('a', { links: 23 })]), [entryOf('a', { links: 2 })]);
    expect(answers).toEqual([undefined]);
  });
});
