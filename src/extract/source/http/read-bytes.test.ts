import { expect, test } from '@jest/globals';
import type { Answer } from './answer.ts';
import { readBytes } from './read-bytes.ts';

/** An answer that comes byte by byte, as a server may send it. */
function dripping(length: number): Answer {
  let sent = 0;
  const read = async (into: Uint8Array) => {
    if (sent === length) return 0;
    into[0] = 0x61 + (sent++ % 26);
    return 1;
  };
  return { url: new URL('http://127.0.0.1/'), status: 200, headers: {}, body: { read, cancel: () => undefined } };
}

test('bytes that come one by one take the memory of bytes, not of buffers', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = await readBytes(dripping(20_000), 1 << 20);
  expect([bytes.length, bytes.toString('latin1', 0, 4)]).toEqual([20_000, 'abcd']);
  // A buffer of 64 KiB for each of them were 1.3 GB.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
});

test('more than the limit is refused', async () => {
  await expect(readBytes(dripping(101), 100)).rejects.toMatchObject({ code: 'SourceRefused' });
});
