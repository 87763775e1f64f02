import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inPieces, manifestTextOf } from '../../test/support/manifests.ts';
import { compareTree, type CompareOptions } from './compare.ts';
import { fidelityOf } from './differences.ts';
import { absolutePath } from './entry.ts';
import { readManifest } from './read-manifest.ts';
import { walkTree } from './walk.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'compare-'));
  makeSmallTree();
  settle();
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (path: string) => join(root, path);
const bytesAt = (path: string) => absolutePath(Buffer.from(root), path);
const run = (file: string, ...args: readonly string[]) => void execFileSync(file, args, { cwd: root });

function makeSmallTree(): void {
  for (const directory of ['dir/deep', 'dir/lost+found', 'dir-two', 'lost+found']) {
    mkdirSync(at(directory), { recursive: true });
  }
  for (const file of ['dir/file', 'dir/deep/inner', 'dir/lost+found/theirs', 'dir-two/file', 'hard-a', 'twin']) {
    writeFileSync(at(file), 'content');
  }
  linkSync(at('hard-a'), at('hard-b'));
  symlinkSync('dir/file', at('link'));
  symlinkSync('/nowhere', at('dangling'));
  writeFileSync(at('sparse'), 'x');
  truncateSync(at('sparse'), 1024 * 1024);
  writeFileSync(at('new\nline'), 'content');
  writeFileSync(bytesAt('\xff'), 'content');
  run('mkfifo', 'pipe');
  run('setfattr', '-n', 'user.a', '-v', 'value', 'dir/file');
  run('setfacl', '-m', 'u:1234:r', 'dir/file');
}

/** The same whole second for all, so that a directory does not tell that somebody was in it. */
function settle(): void {
  for (const { path } of walkTree(Buffer.from(root))) lutimesSync(bytesAt(path), 1_000_000_000, 1_000_000_000);
}

function write(path: string, text: string, place: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, text, place);
  closeSync(fd);
}

async function compare(text: Buffer, { within = '', ...more }: Partial<CompareOptions> & { within?: string } = {}) {
  const sizes: number[] = [];
  const compared = await compareTree(join(root, within), readManifest(inPieces(text, 1000)), {
    subtree: '',
    fidelity: fidelityOf(process.getuid?.() ?? 0, process.getgid?.() ?? 0),
    onFile: (bytes) => void sizes.push(bytes),
    signal: new AbortController().signal,
    ...more,
  });
  expect(sizes).toHaveLength(compared.files);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(compared.bytes);
  return compared;
}

const PREFIX = 'What was written is not what the snapshot holds: ';

/** All that the comparison complains of. */
async function complaintsOf(...args: Parameters<typeof compare>): Promise<string[]> {
  try {
    await compare(...args);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'DataMismatch', message: expect.stringMatching(`^${PREFIX}.*\\.$`) });
    return (error as Error).message.slice(PREFIX.length, -1).split('; ');
  }
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;

describe('a tree that is as it was', () => {
  test('agrees, whatever a copy does not keep', async () => {
    const text = await manifestTextOf(root);
    // Another inode, a hole that is filled, another time of change, what the file system has at its root.
    copyFileSync(at('twin'), at('other'));
    renameSync(at('other'), at('twin'));
    write(at('sparse'), '\0'.repeat(1024 * 1024 - 1), 1);
    expect(statSync(at('sparse')).blocks * 512).toBeGreaterThanOrEqual(1024 * 1024);
    writeFileSync(at('lost+found/found'), 'again');
    settle();
    expect(await compare(text)).toEqual({ files: 10, bytes: 9 * 7 + 1024 * 1024, changed: 0 });
  });

  test('is not proven by a manifest that is cut', async () => {
    const text = await manifestTextOf(root);
    await expect(compare(text.subarray(0, text.length / 2))).rejects.toMatchObject({ code: 'ManifestDamaged' });
  });
});

describe('a single damage is found and named', () => {
  test.each<[string, () => void, string[]]>([
    ['one byte of content', () => write(at('dir/deep/inner'), 'x', 3), ['"dir/deep/inner" has other content']],
    ['a byte where there was a hole', () => write(at('sparse'), 'x', 500_000), ['"sparse" has other content']],
    ['a byte more', () => write(at('twin'), 'x', 7), ['"twin" has size 8 instead of 7']],
    [
      'content behind a hard link',
      () => write(at('hard-b'), 'x', 0),
      ['"hard-a" has other content', '"hard-b" has other content'],
    ],
    ['a mode', () => chmodSync(at('dir-two'), 0o751), ['"dir-two" has mode 0751 instead of 0755']],
    ['the mode of the root', () => chmodSync(root, 0o2700), ['"." has mode 2700 instead of 0700']],
    ['a setuid bit', () => chmodSync(at('twin'), 0o4644), ['"twin" has mode 4644 instead of 0644']],
    [
      'the target of a link',
      () => {
        unlinkSync(at('link'));
        symlinkSync('dir/file\n', at('link'));
      },
      ['"link" leads to "dir/file\\n" instead of "dir/file"'],
    ],
    [
      'a hard link that became a file of its own',
      () => {
        copyFileSync(at('hard-b'), at('copy'));
        renameSync(at('copy'), at('hard-b'));
      },
      ['"hard-b" is no hard link of "hard-a" any more'],
    ],
    [
      'a file that became a hard link',
      () => {
        unlinkSync(at('twin'));
        linkSync(at('hard-a'), at('twin'));
      },
      ['"twin" has become a hard link of "hard-b"'],
    ],
    [
      'a pipe that became a file',
      () => {
        unlinkSync(at('pipe'));
        writeFileSync(at('pipe'), '');
      },
      ['"pipe" is a file and was a named pipe'],
    ],
    ['a name that is missing', () => unlinkSync(at('new\nline')), ['"new\\nline" is missing']],
    ['the last name that is missing', () => unlinkSync(bytesAt('\xff')), ['"\\xff" is missing']],
    [
      'a directory that is missing',
      () => rmSync(at('dir/deep'), { recursive: true }),
      ['"dir/deep" is missing', '"dir/deep/inner" is missing'],
    ],
    ['a name too many', () => writeFileSync(at('dir/extra'), ''), ['"dir/extra" is not in the snapshot']],
    [
      'a name too many at the end',
      () => writeFileSync(bytesAt('\xff\xff'), ''),
      ['"\\xff\\xff" is not in the snapshot'],
    ],
    [
      'a name of other bytes',
      () => renameSync(bytesAt('\xff'), bytesAt('\xfe')),
      ['"\\xfe" is not in the snapshot', '"\\xff" is missing'],
    ],
    [
      'an attribute that is missing',
      () => run('setfattr', '-x', 'user.a', 'dir/file'),
      ['"dir/file" lacks the attribute "user.a"'],
    ],
    [
      'an attribute of another value',
      () => run('setfattr', '-n', 'user.a', '-v', 'VALUE', 'dir/file'),
      ['"dir/file" has another value of the attribute "user.a"'],
    ],
    [
      'an attribute too many, at the root',
      () => run('setfattr', '-n', 'user.b', '-v', '', '.'),
      ['"." has the attribute "user.b"'],
    ],
    [
      'an ACL that lets somebody write',
      () => run('setfacl', '-n', '-m', 'u:1234:rw', 'dir/file'),
      ['"dir/file" has another value of the ACL system.posix_acl_access'],
    ],
    [
      'an ACL for all that will be made',
      () => run('setfacl', '-m', 'd:u:1234:r', 'dir'),
      ['"dir" has the ACL system.posix_acl_default'],
    ],
  ])('%s', async (_what, damage, told) => {
    const text = await manifestTextOf(root);
    damage();
    settle();
    expect(await complaintsOf(text)).toEqual(told);
  });

  test('a time, to the nanosecond', async () => {
    run('touch', '-m', '-d', '2001-02-03T04:05:06.123456789Z', 'twin');
    const text = await manifestTextOf(root);
    run('touch', '-m', '-d', '2001-02-03T04:05:06.123456788Z', 'twin');
    expect(await complaintsOf(text)).toEqual([
      '"twin" has time 2001-02-03T04:05:06.123456788Z instead of 2001-02-03T04:05:06.123456789Z',
    ]);
  });

  test('the first five are named, and that there are more', async () => {
    const text = await manifestTextOf(root);
    for (let index = 0; index < 5; index++) writeFileSync(at(`dir/${index}`), '');
    settle();
    const names = [0, 1, 2, 3, 4].map((index) => `"dir/${index}" is not in the snapshot`);
    expect(await complaintsOf(text)).toEqual(names);
    unlinkSync(at('twin'));
    settle();
    expect(await complaintsOf(text)).toEqual([...names, 'and there is more']);
  });

  asRoot('an owner, and a capability, unless who wrote them could not keep them', async () => {
    run('setfattr', '-n', 'security.capability', '-v', '0x0100000202000000000000000000000000000000', 'twin');
    settle();
    const text = await manifestTextOf(root);
    chownSync(at('dir/file'), 1234, 0);
    run('setfattr', '-x', 'security.capability', 'twin');
    settle();
    expect(await complaintsOf(text)).toEqual([
      '"dir/file" has owner 1234:0 instead of 0:0',
      '"twin" lacks the attribute "security.capability"',
    ]);
    expect(await complaintsOf(text, { fidelity: fidelityOf(65_532, 65_532) })).toEqual([]);
  });
});

describe('what changed during a live capture', () => {
  test('is not compared; all else is', async () => {
    const text = await manifestTextOf(root, () => {
      writeFileSync(at('dir/deep/log'), 'new');
      write(at('twin'), 'x', 0);
    });
    // Of the directory that somebody wrote to; with all below what was not in it at first.
    mkdirSync(at('dir/deep/more'));
    writeFileSync(at('dir/deep/more/still'), '');
    unlinkSync(at('twin'));
    for (const path of ['', 'dir']) lutimesSync(at(path), 1_000_000_000, 1_000_000_000);
    expect(await compare(text)).toMatchObject({ files: 9, changed: 5 });
    write(at('dir/deep/inner'), 'x', 0);
    writeFileSync(at('dir/extra'), '');
    settle();
    expect(await complaintsOf(text)).toEqual([
      '"dir/deep/inner" has other content',
      '"dir/extra" is not in the snapshot',
    ]);
  });
});

describe('a directory of the manifest', () => {
  test('is compared as if it were the root, and nothing beside it', async () => {
    const text = await manifestTextOf(root);
    rmSync(at('dir-two'), { recursive: true });
    unlinkSync(at('dir/lost+found/theirs'));
    settle();
    const part = { within: 'dir', subtree: 'dir' };
    expect(await compare(text, part)).toEqual({ files: 2, bytes: 14, changed: 0 });
    chmodSync(at('dir'), 0o700);
    write(at('dir/deep/inner'), 'x', 0);
    unlinkSync(at('dir/file'));
    settle();
    expect(await complaintsOf(text, part)).toEqual([
      '"." has mode 0700 instead of 0755',
      '"deep/inner" has other content',
      '"file" is missing',
    ]);
  });
});
