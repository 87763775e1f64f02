import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, headerOf } from '../../test/support/manifests.ts';
import { byteStringOf } from './bytes.ts';
import { entryTypes } from './entry.ts';
import {
  decodeEntry,
  decodeRecord,
  encodeHead,
  encodeRecord,
  encodeTail,
  type ManifestEntry,
  type ManifestRecord,
} from './manifest.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((some) => Buffer.from(some));
const names = fc.oneof(
  bytes(12).map(byteStringOf),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => byteStringOf(Buffer.from(text))),
  fc.constantFrom('new\nline', '"', '\\', '\xef\xbb\xbf', '\xff\n'),
);
const nanoseconds = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String);
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((some) => Buffer.from(some).toString('hex'));
const attributes = fc.dictionary(
  names.map((name) => `user.${name}`),
  bytes(20).map((value) => value.toString('base64')),
  { maxKeys: 3 },
);
const count = fc.nat(Number.MAX_SAFE_INTEGER);

const entries = fc
  .record({
    path: names,
    type: fc.constantFrom(...entryTypes),
    mode: fc.nat(0o7777),
    uid: fc.nat(2 ** 32 - 1),
    gid: fc.nat(2 ** 32 - 1),
    size: count,
    mtime: nanoseconds,
    ctime: nanoseconds,
    inode: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
    links: fc.integer({ min: 1, max: 65_000 }),
    target: names,
    device: fc.record({ major: fc.nat(2 ** 32 - 1), minor: fc.nat(2 ** 32 - 1) }),
    findings: fc.record({ sha256: digest, attributes, changed: fc.constant(true as const) }, { requiredKeys: [] }),
  })
  .map(
    ({ size, target, device, findings, ...rest }): ManifestEntry => ({
      ...rest,
      size: rest.type === 'file' ? size : 0,
      ...(rest.type === 'link' && { target }),
      ...(rest.type.endsWith('Device') && { device }),
      ...findings,
    }),
  );

/** What we write of a capture ourselves; zod passes over the one name that would be no member of an object but its prototype. */
const said = fc.dictionary(
  fc.string().filter((name) => name !== '__proto__'),
  fc.string(),
);

const records: fc.Arbitrary<ManifestRecord> = fc.oneof(
  entries.map((entry) => ({ type: 'entry' as const, entry })),
  fc
    .record({ index: count, sha256: digest, length: count }, { requiredKeys: ['index', 'sha256'] })
    .map((extent) => ({ type: 'extent' as const, extent })),
  fc.record({ files: count, bytes: count, changed: count }).map((totals) => ({ type: 'end' as const, totals })),
  fc
    .record({ kind: fc.constantFrom('directory', 'device'), about: said })
    .map(({ kind, about }) => ({ type: 'header' as const, header: { ...headerOf(kind), about } })),
);

const text = (json: unknown) => JSON.stringify(json);

describe('a line of a manifest', () => {
  test('is one line, and read as it was written', () => {
    fc.assert(
      fc.property(records, (record) => {
        const line = encodeRecord(record);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(decodeRecord(Buffer.from(line).toString('utf8'))).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  test('of a name is its head and its tail; heads are equal only where all that the system says is', () => {
    fc.assert(
      fc.property(entries, entries, (entry, other) => {
        expect(encodeRecord({ type: 'entry', entry })).toBe(`${encodeHead(entry)}${encodeTail(entry)}\n`);
        // Each member of another one alone makes another head.
        for (const member of ['path', 'mode', 'uid', 'gid', 'mtime', 'ctime', 'inode', 'links'] as const) {
          const mixed = { ...entry, [member]: other[member] };
          expect(encodeHead(mixed) === encodeHead(entry)).toBe(entry[member] === other[member]);
        }
      }),
    );
  });

  // Repositories keep them for years: what these lines mean may never change.
  test.each<[string, ManifestEntry]>([
    [
      `{"path":"a\\nb","type":"file","mode":420,"uid":0,"gid":0,"size":3,"mtime":"1","ctime":"1","inode":"7","sha256":"${'a'.repeat(64)}"}`,
      entryOf('a\nb'),
    ],
    [
      `{"pathBytes":"//4=","type":"link","mode":511,"uid":1,"gid":2,"mtime":"-1","ctime":"1","inode":"7","links":2,"targetBytes":"gA==","changed":true}`,
      entryOf('\xff\xfe', {
        type: 'link',
        mode: 0o777,
        uid: 1,
        gid: 2,
        mtime: '-1',
        links: 2,
        target: '\x80',
        changed: true,
      }),
    ],
    [
      `{"path":"é","type":"characterDevice","mode":420,"uid":0,"gid":0,"mtime":"1","ctime":"1","inode":"7","device":{"major":1,"minor":3},"attributes":{"user.a":"YQ=="}}`,
      entryOf('\xc3\xa9', {
        type: 'characterDevice',
        device: { major: 1, minor: 3 },
        attributes: { 'user.a': 'YQ==' },
      }),
    ],
  ])('%s', (line, entry) => {
    expect(encodeRecord({ type: 'entry', entry })).toBe(`${line}\n`);
    expect(decodeEntry(line)).toEqual(entry);
  });

  test('may have members that are not known yet', () => {
    const { sha256, ...rest } = JSON.parse(encodeRecord({ type: 'entry', entry: entryOf('a') }));
    expect(decodeEntry(text({ ...rest, sha256, birth: '1', device: undefined }))).toEqual(entryOf('a'));
  });
});

const entry = JSON.parse(encodeRecord({ type: 'entry', entry: entryOf('secret') }));
const about = { about: { of: 'secret' } };
const extent = { extent: 1, sha256: 'a'.repeat(64), of: 'secret' };

describe('refused, without its content in the message, is a line that', () => {
  test.each<[string, string]>([
    ['is empty', ''],
    ['is cut', text(entry).slice(0, -1)],
    ['is followed by another one', `${text(entry)}${text(entry)}`],
    ['is no JSON', 'secret'],
    ['is null', 'null'],
    ['is a text', text('secret')],
    ['is a list', text([entry])],
    ['is of another program', text({ ...headerOf('directory'), ...about, manifest: 'secret' })],
    ['is of a later version', text({ ...headerOf('directory'), ...about, version: 2 })],
    ['begins a manifest of no known kind', text({ ...headerOf('directory'), ...about, kind: 'secret' })],
    ['begins a manifest of no time', text({ ...headerOf('directory'), ...about, startedAt: 'secret' })],
    ['names no path', text({ ...entry, path: undefined, target: 'secret' })],
    ['has a number for a path', text({ ...entry, path: 1, target: 'secret' })],
    ['has a path in bytes that are no base64', text({ ...entry, path: undefined, pathBytes: '"secret"' })],
    ['has a target in bytes that are no base64', text({ ...entry, targetBytes: 'secret' })],
    ['has an attribute that is no base64', text({ ...entry, attributes: { 'user.a': 'secret' } })],
    ['is of no known type', text({ ...entry, type: 'door' })],
    ['has a mode of 13 bits', text({ ...entry, mode: 0o10000 })],
    ['has an owner below 0', text({ ...entry, uid: -1 })],
    ['has a group that is no number', text({ ...entry, gid: 'secret' })],
    ['has half a byte', text({ ...entry, size: 0.5 })],
    ['has more bytes than can be counted', text({ ...entry, size: 2 ** 53 })],
    ['has a time in seconds', text({ ...entry, mtime: '1.5' })],
    ['has a time that is a number', text({ ...entry, ctime: 1 })],
    ['has no inode', text({ ...entry, inode: undefined })],
    ['has no name', text({ ...entry, links: 0 })],
    ['has half a device', text({ ...entry, device: { major: 1 } })],
    ['has a digest that is too short', text({ ...entry, sha256: 'a'.repeat(63) })],
    ['has a digest in capitals', text({ ...entry, sha256: 'A'.repeat(64) })],
    ['has not changed and says so', text({ ...entry, changed: false })],
    ['is an extent before the first', text({ ...extent, extent: -1 })],
    ['is an extent without digest', text({ ...extent, sha256: undefined })],
    ['ends without totals', text({ end: { of: 'secret' } })],
    ['ends with totals below 0', text({ end: { files: -1, bytes: 0, changed: 0, of: 'secret' } })],
  ])('%s', (_what, line) => {
    expect(() => decodeRecord(line)).toThrow(/^a line of the manifest (is not understood|names no path)$/);
  });

  test('is no name, where names are expected', () => {
    expect(() => decodeEntry(text(extent))).toThrow(/^its parts are out of order$/);
  });
});
