import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAttributes, writeAttributes } from './attributes.ts';
import { byteStringOf } from './bytes.ts';
import { absolutePath } from './entry.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'attributes-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const { signal } = new AbortController();
const read = (paths: readonly string[]) => Array.fromAsync(readAttributes(root, paths, signal));

/** What getfattr and setfattr write in another way, or take for something else. */
const names = fc
  .array(fc.constantFrom('a', '=', '0s', '\n', '\r', '\\', '\\012', '#', ' ', '"', '\xff', '\xe2\x98\x83'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(''));
const values = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64'));

describe('extended attributes', () => {
  test('are read as they were written: names and values of any bytes, on files of any name', async () => {
    const attributes = fc.dictionary(
      names.map((name) => `user.${name}`),
      values,
      { minKeys: 1, maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(names, attributes, async (path, attributes) => {
        writeFileSync(absolutePath(Buffer.from(root), path), '');
        await writeAttributes(root, { path, attributes }, signal);
        expect(await read(['', path])).toEqual([{ path, attributes: { ...attributes } }]);
        rmSync(absolutePath(Buffer.from(root), path));
      }),
      { numRuns: 30 },
    );
  });

  test('come in the order in which they are asked for, of thousands of names, also of the root', async () => {
    const paths = Array.from({ length: 3000 }, (_, index) =>
      byteStringOf(Buffer.from(`${'name'.repeat(20)}-${index}`)),
    );
    for (const path of paths) writeFileSync(join(root, path), '');
    const some = [0, 1, 1500, 2999].map((index) => paths[index] ?? '');
    for (const path of ['', ...some]) execFileSync('setfattr', ['-n', 'user.a', '-v', '0sAA==', join(root, path)]);
    const found = await read(['', ...paths]);
    expect(found).toEqual(['', ...some].map((path) => ({ path, attributes: { 'user.a': 'AA==' } })));
  });

  test('of names that are gone are none, and no link is followed', async () => {
    mkdirSync(join(root, 'directory'));
    execFileSync('setfattr', ['-n', 'user.a', '-v', 'x', join(root, 'directory')]);
    symlinkSync('directory', join(root, 'link'));
    writeFileSync(join(root, 'file'), '');
    const gone = ['gone', 'gone\nwith a line', 'gone\xff', 'file/gone', '-option'];
    expect(await read(['link', ...gone])).toEqual([]);
    expect(await read([...gone, 'directory'])).toHaveLength(1);
  });

  test('that cannot be given are told of', async () => {
    const attributes = { 'user.a': 'AA==' };
    await expect(writeAttributes(root, { path: 'gone', attributes }, signal)).rejects.toMatchObject({
      code: 'VolumeWriteFailed',
      message: expect.stringContaining('No such file'),
    });
  });

  (process.getuid?.() === 0 ? test : test.skip)('that cannot be read are told of', async () => {
    mkdirSync(join(root, 'closed'), { mode: 0o700 });
    writeFileSync(join(root, 'closed', 'file'), '');
    execFileSync('chmod', ['755', root]);
    process.seteuid?.(65_532);
    try {
      await expect(read(['', 'closed/file'])).rejects.toMatchObject({
        code: 'AttributesUnreadable',
        message: expect.stringContaining('Permission denied'),
      });
    } finally {
      process.seteuid?.(0);
    }
  });
});
