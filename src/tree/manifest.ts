/**
 * The manifest of a capture: JSON lines. First the header, then one line for each name of the tree, in the order of the walk, or each extent of
 * the device, at last the end with the totals. Without its end it is no manifest.
 *
 * A path is `path`, or `pathBytes` (base64) where it is not UTF-8. The format may gain members; a reader refuses a version that it does not know.
 */
import * as z from 'zod';
import { byteStringOf, byteStringOfText, type ByteString, bytesOf, textOf } from './bytes.ts';
import { entryTypes, type TreeEntry } from './entry.ts';

export const MANIFEST_VERSION = 1;

const digits = z.string().regex(/^-?\d+$/);
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z.base64();

const headerSchema = z.object({
  manifest: z.literal('volprime'),
  version: z.literal(MANIFEST_VERSION),
  kind: z.enum(['directory', 'device']),
  /** What it is a manifest of, in the words of who made it. */
  about: z.record(z.string(), z.unknown()),
  /** RFC 3339; all that the manifest says was true then or later. */
  startedAt: z.iso.datetime(),
});

const named = { path: z.string().optional(), pathBytes: base64.optional() };

const entrySchema = z.object({
  ...named,
  type: z.enum(entryTypes),
  mode: z.int().min(0).max(0o7777),
  uid: count,
  gid: count,
  size: count.optional(),
  mtime: digits,
  ctime: digits,
  inode: digits,
  links: z.int().min(2).optional(),
  target: z.string().optional(),
  targetBytes: base64.optional(),
  device: z.object({ major: count, minor: count }).optional(),
  sha256: sha256.optional(),
  attributes: z.record(z.string(), base64).optional(),
  changed: z.literal(true).optional(),
});

const extentSchema = z.object({ extent: count, sha256, length: count.optional() });
const endSchema = z.object({ end: z.object({ files: count, bytes: count, changed: count }) });

/** By the member that tells it. */
function schemaOf(json: unknown) {
  if (typeof json !== 'object' || json === null) return undefined;
  if ('manifest' in json) return headerSchema;
  if ('end' in json) return endSchema;
  return 'extent' in json ? extentSchema : entrySchema;
}

export type ManifestHeader = z.infer<typeof headerSchema>;
/** Files and bytes of their content (of a device: its size); names whose state at the capture is not known. */
export type Totals = z.infer<typeof endSchema>['end'];

/** What is known of a name beside what the system says of it at once. */
export interface Findings {
  /** Of files; absent where the content could not be read as one. */
  readonly sha256?: string;
  readonly attributes?: AttributeValues;
  /** It was written to while it was captured, so nothing is known of what the capture holds. */
  readonly changed?: true;
}

export interface ManifestEntry extends TreeEntry, Findings {}

/** Values of extended attributes in base64, by full names ("user.a", "system.posix_acl_access"). */
export type AttributeValues = Readonly<Record<string, string>>;

/** `index` counts pieces of EXTENT_BYTES; pieces of nothing but zeros are left out. */
export interface Extent {
  readonly index: number;
  readonly sha256: string;
  /** Bytes, of the last piece where it is shorter. */
  readonly length?: number;
}

export type ManifestRecord =
  | { readonly type: 'header'; readonly header: ManifestHeader }
  | { readonly type: 'entry'; readonly entry: ManifestEntry }
  | { readonly type: 'extent'; readonly extent: Extent }
  | { readonly type: 'end'; readonly totals: Totals };

/** One line, with its line feed. */
export function encodeRecord(record: ManifestRecord): string {
  if (record.type === 'entry') return `${encodeHead(record.entry)}${encodeTail(record.entry)}\n`;
  return `${JSON.stringify(jsonOf(record))}\n`;
}

/** Of a line of the manifest all that the system says of a name. Equal heads: the same name, and nobody has touched what it names. */
export function encodeHead({
  path,
  type,
  mode,
  uid,
  gid,
  size,
  mtime,
  ctime,
  inode,
  links,
  target,
  device,
}: TreeEntry): string {
  const ofFile = type === 'file' ? `,"size":${size}` : '';
  const several = links > 1 ? `,"links":${links}` : '';
  const leads = target === undefined ? '' : `,${jsonOfName('target', target)}`;
  const numbers = device === undefined ? '' : `,"device":{"major":${device.major},"minor":${device.minor}}`;
  const times = `"mtime":"${mtime}","ctime":"${ctime}","inode":"${inode}"`;
  return `{${jsonOfName('path', path)},"type":"${type}","mode":${mode},"uid":${uid},"gid":${gid}${ofFile},${times}${several}${leads}${numbers}`;
}

/** What was found out beside; the rest of the line, without its line feed. */
export function encodeTail({ sha256, attributes, changed }: Findings): string {
  const digest = sha256 === undefined ? '' : `,"sha256":"${sha256}"`;
  const values = attributes === undefined ? '' : `,"attributes":${JSON.stringify(attributes)}`;
  return `${digest}${values}${changed ? ',"changed":true' : ''}}`;
}

/** @throws Error that says what is wrong, without the line's content. */
export function decodeRecord(line: string): ManifestRecord {
  const value = parseJson(line);
  const parsed = schemaOf(value)?.safeParse(value);
  if (parsed === undefined || !parsed.success) throw new Error('a line of the manifest is not understood');
  const json = parsed.data;
  if ('manifest' in json) return { type: 'header', header: json };
  if ('end' in json) return { type: 'end', totals: json.end };
  if ('extent' in json) {
    const { extent: index, sha256, length } = json;
    return { type: 'extent', extent: { index, sha256, ...(length !== undefined && { length }) } };
  }
  return { type: 'entry', entry: entryOf(json) };
}

/** Of a line between header and end of a tree's manifest. @throws Error as decodeRecord, and where it is no entry. */
export function decodeEntry(line: string): ManifestEntry {
  const record = decodeRecord(line);
  if (record.type !== 'entry') throw new Error('its parts are out of order');
  return record.entry;
}

function jsonOf(record: Exclude<ManifestRecord, { type: 'entry' }>): unknown {
  switch (record.type) {
    case 'header':
      return record.header;
    case 'extent':
      return jsonOfExtent(record.extent);
    case 'end':
      return { end: record.totals };
  }
}

function jsonOfExtent({ index, sha256, length }: Extent): z.infer<typeof extentSchema> {
  return { extent: index, sha256, ...(length !== undefined && { length }) };
}

/** The member `name`, or `nameBytes`. */
function jsonOfName(name: 'path' | 'target', value: ByteString): string {
  const text = textOf(value);
  return text === undefined
    ? `"${name}Bytes":"${bytesOf(value).toString('base64')}"`
    : `"${name}":${JSON.stringify(text)}`;
}

function entryOf(json: z.infer<typeof entrySchema>): ManifestEntry {
  const { path: _, pathBytes: __, target: text, targetBytes, size = 0, links = 1, device, ...rest } = json;
  const target = decoded(text, targetBytes);
  const { sha256, attributes, changed, ...plain } = rest;
  return {
    ...plain,
    path: pathOf(json),
    size,
    links,
    ...(target !== undefined && { target }),
    ...(device && { device }),
    ...(sha256 !== undefined && { sha256 }),
    ...(attributes && { attributes }),
    ...(changed && { changed }),
  };
}

function pathOf(json: { readonly path?: string | undefined; readonly pathBytes?: string | undefined }): ByteString {
  const path = decoded(json.path, json.pathBytes);
  if (path === undefined) throw new Error('a line of the manifest names no path');
  return path;
}

function decoded(text: string | undefined, bytes: string | undefined): ByteString | undefined {
  if (text !== undefined) return byteStringOfText(text);
  return bytes === undefined ? undefined : byteStringOf(Buffer.from(bytes, 'base64'));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
