/** Extended headers: pax records and GNU's long names, which say more about the entry that follows. */
import { PermanentError } from '../../sdk/index.ts';
import { corrupt, type ByteString } from './tar-header.ts';

/** What extended headers say about the next entry; a member that is absent is said by the entry's own header. */
export interface Overrides {
  readonly name?: ByteString;
  readonly linkName?: ByteString;
  readonly size?: number;
  readonly mtime?: number;
}

export interface PaxHeader {
  readonly overrides: Overrides;
  /** It also speaks of extended attributes or ACLs. */
  readonly hasAttributes: boolean;
}

/**
 * Reads the records of one extended header: "LENGTH KEY=VALUE\n", where LENGTH counts the bytes of the whole record.
 *
 * @throws PermanentError `ArchiveCorrupt`, and `UnsupportedEntry` for sparse files, whose data is not the file's content.
 */
export function parsePax(data: Buffer): PaxHeader {
  const records = new Map<string, Buffer>();
  for (let offset = 0; offset < data.length; ) {
    const { key, value, length } = parseRecord(data.subarray(offset));
    records.set(key, value);
    offset += length;
  }
  const keys = [...records.keys()];
  if (keys.some((key) => key.startsWith('GNU.sparse.'))) {
    throw new PermanentError('UnsupportedEntry', 'The archive holds sparse files; create it without --sparse.');
  }
  return { overrides: overridesOf(records), hasAttributes: keys.some((key) => ATTRIBUTES.test(key)) };
}

const ATTRIBUTES = /^(SCHILY\.xattr|LIBARCHIVE\.xattr|SCHILY\.acl|RHT\.security)\./;

function parseRecord(data: Buffer): { readonly key: string; readonly value: Buffer; readonly length: number } {
  const digits = /^(\d{1,8}) /.exec(data.toString('latin1', 0, 16))?.[1];
  const length = Number(digits);
  const equals = data.indexOf('=');
  if (digits === undefined || data[length - 1] !== 0x0a || equals === -1 || equals >= length) {
    throw corrupt('an extended header is malformed');
  }
  return {
    key: data.toString('utf8', digits.length + 1, equals),
    value: data.subarray(equals + 1, length - 1),
    length,
  };
}

/** An empty value takes an earlier one back, which is what leaving it out does here. */
function overridesOf(records: ReadonlyMap<string, Buffer>): Overrides {
  const text = (key: string) => records.get(key)?.toString('latin1') || undefined;
  const name = text('path');
  const linkName = text('linkpath');
  const size = decimal(text('size'), /^\d{1,15}$/);
  const mtime = decimal(text('mtime'), /^-?\d{1,15}(\.\d*)?$/);
  return {
    ...(name !== undefined && { name }),
    ...(linkName !== undefined && { linkName }),
    ...(size !== undefined && { size }),
    ...(mtime !== undefined && { mtime }),
  };
}

function decimal(value: string | undefined, form: RegExp): number | undefined {
  if (value === undefined) return undefined;
  if (!form.test(value)) throw corrupt('an extended header holds a malformed number');
  return Number(value);
}
