/**
 * The head of the one kind of answer that the direct connection understands: HTTP/1.1, final, with a body of a given length and nothing
 * that asks for more knowledge. Anything else is not an error here: undici gets it. Pure.
 */

export interface ResponseHead {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body that follows. */
  readonly length: number;
}

/** A head that is longer is not one of these. */
export const MAX_HEAD = 16 * 1024;

/** Fields that decide how the body is read and what it is: two of one make the answer somebody else's to judge. */
const DECISIVE = new Set([
  'content-length',
  'transfer-encoding',
  'content-range',
  'content-encoding',
  'content-type',
  'etag',
  'last-modified',
  'connection',
]);
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** @param text all before the empty line, in Latin-1. @returns undefined for what is left to undici. */
export function parseHead(text: string): ResponseHead | undefined {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.1 (200|206) /.exec(`${statusLine} `)?.[1];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    if (headers[key] !== undefined && DECISIVE.has(key)) return undefined;
    headers[key] ??= value;
  }
  const length = headers['content-length'];
  if (length === undefined || !/^\d{1,15}$/.test(length)) return undefined;
  if (headers['transfer-encoding'] !== undefined || headers['upgrade'] !== undefined) return undefined;
  return { status: Number(status), headers, length: Number(length) };
}
