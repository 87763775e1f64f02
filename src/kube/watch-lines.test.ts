import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseWatchLine, readLines } from './watch-lines.ts';

async function* chunksOf(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [index, end] of [...at, bytes.length].entries()) yield bytes.subarray(at[index - 1] ?? 0, end);
}

describe('readLines', () => {
  test('gives every line however the bytes are cut, also in the middle of a character', async () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        expect(await Array.fromAsync(readLines(chunksOf(bytes, cuts)))).toEqual(lines);
      }),
    );
  });

  test('a last line without its end is an error, after all whole lines were given', async () => {
    const seen: string[] = [];
    const reading = async () => {
      for await (const line of readLines(chunksOf(Buffer.from('a\nb\n{"ty'), [3]))) seen.push(line);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' });
    expect(seen).toEqual(['a', 'b']);
  });
});

describe('parseWatchLine', () => {
  const object = {
    kind: 'ConfigMap',
    metadata: { name: 'a', resourceVersion: '7', labels: { x: 'y' } },
    data: { k: 'v' },
  };

  test('keeps an object whole', () => {
    expect(parseWatchLine(JSON.stringify({ type: 'ADDED', object }))).toEqual({ type: 'ADDED', object });
  });

  test('a bookmark is its version', () => {
    expect(parseWatchLine(JSON.stringify({ type: 'BOOKMARK', object }))).toEqual({
      type: 'BOOKMARK',
      resourceVersion: '7',
    });
  });

  test('an error is its Status', () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    expect(parseWatchLine(JSON.stringify({ type: 'ERROR', object: status }))).toMatchObject({
      type: 'ERROR',
      status: { code: 410, reason: 'Expired' },
    });
    expect(parseWatchLine(JSON.stringify({ type: 'ERROR', object: {} }))).toMatchObject({ type: 'ERROR' });
  });

  test.each([
    '',
    'garbage',
    '{"type":"ADDED"',
    'null',
    '[]',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{}}',
    '{"type":"WHAT","object":{}}',
    '{"type":"BOOKMARK","object":{"metadata":{}}}',
  ])('%j is an error', (line) => {
    expect(() => parseWatchLine(line)).toThrow(expect.objectContaining({ code: 'KUBE_BAD_ANSWER' }));
  });
});
