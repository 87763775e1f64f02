/** Extended headers of pax archives: records that say more about the entry that follows. */
import { extendedAttribute } from './extended-attribute.ts';
import { addNote, type Notes } from './notes.ts';
import type { SparseRecords } from './sparse.ts';
import { corrupt, type ByteString } from './tar-header.ts';

/** What extended headers say about the next entry; a member that is absent is said by the entry's own header. */
export interface Overrides {
  name?: ByteString;
  linkName?: ByteString;
  size?: number;
  mtime?: number;
  uid?: number;
  gid?: number;
  attributes?: Map<ByteString, Buffer>;
  sparse?: SparseRecords;
}

/**
 * Reads the records of one extended header into `overrides`; a later record wins.
 * @param data is not kept.
 * @throws PermanentError `ArchiveCorrupt`, `UnsupportedEntry` for a kind of sparse file that nobody has written yet.
 */
export function readPax(data: Buffer, overrides: Overrides, notes: Notes): void {
  for (let offset = 0; offset < data.length; ) offset = readRecord(data, offset, overrides, notes);
}

/** One record: "LENGTH KEY=VALUE\n", where LENGTH counts the bytes of the whole record. @returns where the next one begins. */
function readRecord(data: Buffer, from: number, overrides: Overrides, notes: Notes): number {
  let at = from;
  let length = 0;
  for (let byte = data[at] ?? 0; byte >= 0x30 && byte <= 0x39 && at < from + 8; byte = data[++at] ?? 0) {
    length = length * 10 + byte - 0x30;
  }
  const end = from + length;
  const equals = data.indexOf(0x3d, at);
  if (at === from || data[at] !== 0x20 || data[end - 1] !== 0x0a || equals === -1 || equals >= end) {
    throw corrupt('an extended header is malformed');
  }
  const key = data.toString('latin1', at + 1, equals);
  if (!IGNORED.has(key)) applyRecord(key, data.toString('latin1', equals + 1, end - 1), overrides, notes);
  return end;
}

/** What nearly every pax archive says, and no file system takes. */
const IGNORED: ReadonlySet<string> = new Set([
  'atime',
  'ctime',
  'uname',
  'gname',
  'comment',
  'LIBARCHIVE.creationtime',
]);

function applyRecord(key: string, value: ByteString, overrides: Overrides, notes: Notes): void {
  switch (key) {
    case 'path':
      return set(overrides, 'name', value || undefined);
    case 'linkpath':
      return set(overrides, 'linkName', value || undefined);
    case 'size':
      return set(overrides, 'size', decimal(value, UNSIGNED));
    case 'mtime':
      return set(overrides, 'mtime', decimal(value, TIME));
    case 'uid':
    case 'gid':
      return set(overrides, key, decimal(value, SIGNED));
    case 'SCHILY.acl.access':
    case 'SCHILY.acl.default':
    case 'SCHILY.acl.ace':
      return addNote(notes, 'accessControlList');
    default:
      if (key.startsWith('GNU.sparse.')) return applySparse(key.slice('GNU.sparse.'.length), value, overrides);
      return applyAttribute(key, value, overrides);
  }
}

/** An empty value takes an earlier one back. */
function set<Key extends 'name' | 'linkName' | 'size' | 'mtime' | 'uid' | 'gid'>(
  overrides: Overrides,
  key: Key,
  value: Overrides[Key] | undefined,
): void {
  if (value === undefined) delete overrides[key];
  else overrides[key] = value;
}

const UNSIGNED = /^\d{1,15}$/;
const SIGNED = /^-?\d{1,15}$/;
const TIME = /^-?\d{1,15}(\.\d*)?$/;

function decimal(value: string, form: RegExp): number | undefined {
  return value === '' ? undefined : number(value, form);
}

function number(value: string, form: RegExp): number {
  if (!form.test(value)) throw corrupt('an extended header holds a malformed number');
  return Number(value);
}

function applySparse(key: string, value: ByteString, overrides: Overrides): void {
  const sparse: SparseRecords = (overrides.sparse ??= { numbers: [] });
  switch (key) {
    case 'name':
      sparse.name = value;
      return;
    case 'size':
    case 'realsize':
      sparse.size = number(value, UNSIGNED);
      return;
    case 'offset':
    case 'numbytes':
      sparse.numbers.push(number(value, UNSIGNED));
      return;
    case 'map':
      for (const digits of value === '' ? [] : value.split(',')) sparse.numbers.push(number(digits, UNSIGNED));
      return;
    case 'major':
      sparse.major = number(value, UNSIGNED);
      return;
    case 'minor':
      sparse.minor = number(value, UNSIGNED);
      return;
    case 'numblocks':
      return;
    default:
      throw corrupt(`an extended header has the unknown record "GNU.sparse.${key}"`);
  }
}

function applyAttribute(key: string, value: ByteString, overrides: Overrides): void {
  const attribute = extendedAttribute(key, value);
  if (attribute !== undefined) (overrides.attributes ??= new Map()).set(attribute.name, attribute.value);
}
