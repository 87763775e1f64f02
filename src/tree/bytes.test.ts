import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  byteStringOf,
  byteStringOfText,
  bytesOf,
  comparePaths,
  isWithin,
  parentOf,
  printable,
  textOf,
} from './bytes.ts';

/** Few bytes, so that names begin alike: those around the slash, and what is UTF-8 only in some company. */
const names = fc
  .array(fc.constantFrom('a', '!', '0', '\n', '\x7f', '\xff', '\xc3', '\xa9', '\xe2\x80\xa8'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((bytes) => bytes.join(''));
const paths = fc.array(names, { maxLength: 3 }).map((parts) => parts.join('/'));

describe('a name', () => {
  test('is text exactly where it is UTF-8, and the same bytes again', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const arbitrary = fc.oneof(
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(arbitrary, (bytes) => {
        const name = byteStringOf(bytes);
        expect(bytesOf(name)).toEqual(bytes);
        let text: string | undefined;
        try {
          text = decoder.decode(bytes);
        } catch {
          // It is none.
        }
        expect(textOf(name)).toBe(text);
        if (text !== undefined) expect(byteStringOfText(text)).toBe(name);
      }),
    );
  });

  test.each([
    ['', '"."'],
    ['a "quote"', '"a \\"quote\\""'],
    ['new\nline', '"new\\nline"'],
    ['del\x7f', '"del\\u{7f}"'],
    [byteStringOfText('é ☃'), '"é ☃"'],
    // They would turn the text around, or hide in it.
    [byteStringOfText('a\u202eb\u200bc'), '"a\\u{202e}b\\u{200b}c"'],
    [byteStringOfText('a\u2028b\u2029c'), '"a\\u{2028}b\\u{2029}c"'],
    ['\xff\n\\xfe\xfe', '"\\xff\\n\\\\xfe\\xfe"'],
  ])('%j is told to people as %s', (name, told) => expect(printable(name)).toBe(told));

  test('is told to people on one line', () => {
    const visible = /^"[^\p{C}\p{Zl}\p{Zp}]+"$/u;
    fc.assert(fc.property(paths, (path) => expect(printable(path)).toMatch(visible)));
  });
});

describe('a path', () => {
  test('stands before another as its first name that differs does, by its bytes', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(orderOf(partsOf(a), partsOf(b)));
      }),
      { numRuns: 1000 },
    );
  });

  test('is within its parents, all of them, and nothing else', () => {
    fc.assert(
      fc.property(paths, paths, fc.nat(6), (path, directory, length) => {
        const above = [path];
        for (let at = path; at !== ''; above.push(at)) at = parentOf(at);
        expect(above).toHaveLength(partsOf(path).length + 1);
        for (const parent of above) expect(isWithin(path, parent)).toBe(true);
        // Also what it only begins with.
        for (const other of [directory, path.slice(0, length)]) {
          expect(isWithin(path, other)).toBe(above.includes(other));
        }
      }),
    );
  });
});

function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/');
}

function orderOf([a, ...as]: string[], [b, ...bs]: string[]): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return Buffer.compare(bytesOf(a), bytesOf(b)) || orderOf(as, bs);
}
