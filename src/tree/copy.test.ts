import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeTree } from '../../test/support/tree.ts';
import { copyTree, type CopyOptions } from './copy.ts';

let work: string;
let from: string;
let to: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'copy-'));
  [from, to] = [join(work, 'from'), join(work, 'to')];
  for (const directory of [from, to]) mkdirSync(directory);
});
afterEach(() => rmSync(work, { recursive: true }));

function copy(more: Partial<CopyOptions> = {}): Promise<void> {
  const { signal } = new AbortController();
  return copyTree({ from, to, wholeVolume: true, onBytes: () => undefined, signal, ...more });
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;

describe('a copy', () => {
  test('is in nothing other than its source, as find, getfattr and sha256sum see both', async () => {
    await makeTree(from, { many: 50 });
    if (process.getuid?.() !== 0) chmodSync(join(from, 'empty-file'), 0o400);
    // Before 1970, which Node takes for the present.
    execFileSync('touch', ['-d', '@-1.5', join(from, 'directory/deep')]);
    let told = 0;
    await copy({ onBytes: (bytes) => (told = bytes) });
    const [source, target] = [look(from), look(to)];
    expect(target).toEqual(source);
    // The looking itself: a few of what it must have seen.
    expect(source.names.length).toBeGreaterThan(70);
    for (const seen of [
      /^pipe p 644 /,
      /^directory\/deep d 2775 .* -\d\.5/,
      /^random f 4751 .* 3000000 2 $/,
      /^new\nline f /,
      /^\xff\xfe \x80 f /,
      /^dangling l .* \/nowhere\/at\/all$/,
    ]) {
      expect(source.names).toContainEqual(expect.stringMatching(seen));
    }
    for (const name of ['user.bytes', 'user.empty', 'posix_acl_access', 'posix_acl_default']) {
      expect(source.attributes.join()).toContain(name);
    }
    expect(told).toBeGreaterThanOrEqual(50 * 1024 * 1024 + 3_000_000);
  });

  /** rsync keeps its own notes in them (--fake-super), leaves them out of a plain copy, and disguises names as them. */
  test.each([
    'user.rsync.%stat',
    'user.rsync.%aacl',
    'user.rsync.%dacl',
    'user.rsync.%other',
    'user.rsync.security.capability',
    'user.rsync.rsync.%stat',
    'user.rsync.',
    'user.rsync',
    'user.rsync.plain',
  ])('keeps the attribute %s, whatever it is to rsync', async (name) => {
    for (const path of ['file', 'directory/below']) {
      mkdirSync(join(from, 'directory'), { recursive: true });
      writeFileSync(join(from, path), 'x');
      execFileSync('setfattr', ['-n', name, '-v', '100644 0,0 1:1', join(from, path)]);
    }
    execFileSync('setfattr', ['-n', name, '-v', '40755 0,0 1:1', join(from, 'directory')]);
    await copy();
    const read = (root: string) => execFileSync('getfattr', ['-Rd', '-m-', '.'], { cwd: root, encoding: 'utf8' });
    expect(read(from)).toContain(name);
    expect(read(to)).toBe(read(from));
  });

  test('keeps holes, and names of one file', async () => {
    await makeTree(from, { many: 0 });
    if (process.getuid?.() !== 0) chmodSync(join(from, 'empty-file'), 0o400);
    await copy();
    expect(statSync(join(to, 'sparse')).size).toBe(50 * 1024 * 1024);
    expect(statSync(join(to, 'sparse')).blocks * 512).toBeLessThan(1024 * 1024);
    const inode = (name: string) => lstatSync(join(to, name)).ino;
    expect(inode('directory/hard-link')).toBe(inode('file'));
    expect(inode('random-too')).toBe(inode('random'));
    expect(inode('random')).not.toBe(inode('file'));
  });

  test('has the times of its source to the nanosecond, though it is made in the same second', async () => {
    const second = () => Math.floor(Date.now() / 1000);
    for (let began = 0; began !== second(); ) {
      for (const directory of [from, to]) rmSync(directory, { recursive: true, force: true });
      began = second();
      for (const directory of [to, join(from, 'directory')]) mkdirSync(directory, { recursive: true });
      symlinkSync('nowhere', join(from, 'link'));
      execFileSync('mkfifo', [join(from, 'pipe')]);
      await copy();
    }
    expect(look(to)).toEqual(look(from));
  });

  test('leaves out what the file system has at the root of a volume, and at no other place', async () => {
    for (const directory of ['lost+found', 'a/lost+found']) mkdirSync(join(from, directory), { recursive: true });
    await copy();
    expect(['lost+found', 'a/lost+found'].map((path) => existsSync(join(to, path)))).toEqual([false, true]);
    await copy({ wholeVolume: false });
    expect(existsSync(join(to, 'lost+found'))).toBe(true);
  });

  asRoot('leaves labels of the running system where they are, and takes capabilities along if it may', async () => {
    const capability = '0x0100000202000000000000000000000000000000';
    const file = join(from, 'file');
    writeFileSync(file, '');
    execFileSync('setfacl', ['-m', 'u:1234:r', file]);
    for (const [name, value] of [
      ['user.a', 'x'],
      ['trusted.a', 'x'],
      ['security.capability', capability],
    ] as const) {
      execFileSync('setfattr', ['-n', name, '-v', value, file]);
    }
    const namesOf = () =>
      look(to)
        .attributes.join()
        .match(/^[a-z_.]+(?==)/gm);
    await copy();
    expect(namesOf()).toEqual(['security.capability', 'system.posix_acl_access', 'user.a']);
    rmSync(join(to, 'file'));
    await asNobody(() => copy());
    expect(namesOf()).toEqual(['system.posix_acl_access', 'user.a']);
  });
});

/** Who may read all that others let him, and write to the target. */
async function asNobody(act: () => Promise<void>): Promise<void> {
  chmodSync(work, 0o755);
  chownSync(to, 65_532, 65_532);
  process.seteuid?.(65_532);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}

describe('a copy that fails says why', () => {
  test('where there is no source', async () => {
    await expect(copy({ from: join(work, 'nowhere') })).rejects.toMatchObject({
      code: 'CopyFailed',
      message: expect.stringContaining('No such file or directory'),
      retry: { type: 'backoff' },
    });
  });

  asRoot('where the volume is full', async () => {
    writeFileSync(join(from, 'large'), Buffer.alloc(1024 * 1024, 1));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', to]);
    try {
      await expect(copy()).rejects.toMatchObject({ code: 'VolumeFull', retry: { type: 'never' } });
    } finally {
      execFileSync('umount', [to]);
    }
  });

  asRoot('where files belong to others and there is no root', async () => {
    writeFileSync(join(from, 'secret'), '', { mode: 0o600 });
    await asNobody(async () => {
      await expect(copy()).rejects.toMatchObject({
        code: 'CopyFailed',
        message: expect.stringContaining('need root'),
        retry: { type: 'never' },
      });
    });
  });

  test('where it was stopped', async () => {
    const reason = new Error('stopped');
    await expect(copy({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

/** By programs that know nothing of ours. Sizes of directories are their file systems' business. */
function look(root: string) {
  const run = (file: string, ...args: readonly string[]) =>
    execFileSync(file, args, {
      cwd: root,
      encoding: 'latin1',
      maxBuffer: 2 ** 26,
      env: { ...process.env, LC_ALL: 'C' },
    });
  const common = '%P %y %m %U:%G %T@';
  const ofDirectory = ['-type', 'd', '-printf', `${common}\\0`];
  const ofOther = ['-printf', `${common} %s %n %l\\0`];
  const notOurs = ['-path', './lost+found', '-prune', '-o'];
  const digests = ['-type', 'f', '-exec', 'sha256sum', '--zero', '{}', '+'];
  const dump = run('getfattr', '-R', '-h', '-d', '-m', '-', '-e', 'hex', '.');
  return {
    names: run('find', '.', ...notOurs, ...ofDirectory, '-o', ...ofOther)
      .split('\0')
      .toSorted(),
    digests: run('find', '.', ...notOurs, ...digests)
      .split('\0')
      .toSorted(),
    attributes: dump.trim().split('\n\n').toSorted(),
  };
}
