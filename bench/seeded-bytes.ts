/** Content for files that is the same in each run, from nothing but a seed. */
import { createCipheriv } from 'node:crypto';

/** Gives the next so many bytes, which look random. */
export type ByteSource = (length: number) => Buffer;

export function randomStream(seed: string): ByteSource {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

const vocabulary = 'volume claim node image layer byte archive driver mount quota the of and is a to in for with'.split(
  ' ',
);

/** Text of so many bytes. */
export function words(bytes: ByteSource, length: number): Buffer {
  const text: string[] = [];
  for (const byte of bytes(Math.ceil(length / 3)))
    text.push(vocabulary[byte % vocabulary.length] ?? '', byte % 13 === 0 ? '\n' : ' ', String(byte));
  return Buffer.from(text.join('')).subarray(0, length);
}

/** A tenth does not compress, the rest is text: a third remains of the whole. */
export function mixed(bytes: ByteSource, length: number): Buffer {
  const random = Math.floor(length / 10);
  return Buffer.concat([bytes(random), words(bytes, length - random)]);
}

/** 1 to 8 KiB of text. */
export function smallText(bytes: ByteSource): Buffer {
  return words(bytes, 1024 + (bytes(2).readUInt16LE(0) % (7 * 1024)));
}
