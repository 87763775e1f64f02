import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchLines, splitByteLines, splitLines } from './lines.ts';

/** Cut between any two bytes, also within a character. */
const cuts = fc.array(fc.nat(60), { maxLength: 6 }).map((places) => places.toSorted((a, b) => a - b));
const someLines = fc.array(fc.string({ unit: fc.constantFrom('a', '\r', 'é', '☃', '\0') }), { maxLength: 5 });

async function* pieces(text: Buffer, places: readonly number[]): AsyncGenerator<Buffer, void> {
  let from = 0;
  for (const to of [...places, text.length]) {
    yield text.subarray(from, Math.max(from, to));
    from = Math.max(from, to);
  }
}

describe('lines', () => {
  test('are the same however the text is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(someLines, cuts, async (lines, places) => {
        const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        expect(await Array.fromAsync(splitLines(pieces(text, places), 'whole'))).toEqual(lines);
        expect((await Array.fromAsync(batchLines(pieces(text, places)))).flat()).toEqual(lines);
        const bytes = lines.map((line) => Buffer.from(line).toString('latin1'));
        expect(await Array.fromAsync(splitByteLines(pieces(text, places)))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('of which the last has no line feed are no whole text', async () => {
    await fc.assert(
      fc.asyncProperty(someLines, fc.constantFrom('x', '☃'), cuts, async (lines, last, places) => {
        const text = Buffer.from([...lines, last].join('\n'));
        expect(await Array.fromAsync(splitLines(pieces(text, places), 'any'))).toEqual([...lines, last]);
        await expect(Array.fromAsync(splitLines(pieces(text, places), 'whole'))).rejects.toThrow('is cut');
        await expect(Array.fromAsync(batchLines(pieces(text, places)))).rejects.toThrow('is cut');
      }),
    );
  });

  test('that never end are refused before they fill the memory', async () => {
    let given = 0;
    const endless = async function* () {
      for (;;) {
        given++;
        yield Buffer.alloc(1024 * 1024, 'x');
      }
    };
    await expect(Array.fromAsync(splitLines(endless(), 'any'))).rejects.toThrow('too long');
    expect(given).toBeLessThan(20);
  });
});
