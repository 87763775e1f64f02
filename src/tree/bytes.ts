/**
 * Names as Linux has them: bytes, of no encoding. A `ByteString` holds one byte per character, so that comparing two of them compares bytes and
 * a name can be the key of a map.
 */
import { isUtf8 } from 'node:buffer';
import { visible } from '../visible.ts';

export type ByteString = string;

export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1');
}

export function byteStringOf(bytes: Buffer): ByteString {
  return bytes.toString('latin1');
}

/** Of text that a person or a program wrote. */
export function byteStringOfText(text: string): ByteString {
  return byteStringOf(Buffer.from(text, 'utf8'));
}

/** The text of a name, or undefined where it is none. */
export function textOf(name: ByteString): string | undefined {
  if (ASCII.test(name)) return name;
  const bytes = bytesOf(name);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

const ASCII = /^[\0-\x7f]*$/;

/** For people: in double quotes, on one line, what cannot be seen as an escape. The root of a tree is ".". */
export function printable(path: ByteString): string {
  const text = textOf(path);
  if (path === '') return '"."';
  if (text !== undefined) return visible(JSON.stringify(text));
  return JSON.stringify(path).replace(/[\u007f-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/**
 * The order of a walk: a directory before its content, names of one directory by their bytes.
 * @returns below, at or above 0, as a sort wants it.
 */
export function comparePaths(a: ByteString, b: ByteString): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return left === SLASH ? -1 : right === SLASH ? 1 : left - right;
  }
  return a.length - b.length;
}

const SLASH = 0x2f;

/** Is it that directory, or below it? Everything is below the root. */
export function isWithin(path: ByteString, directory: ByteString): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`);
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`;
}

export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
