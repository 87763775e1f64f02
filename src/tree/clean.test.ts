import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makeTree } from '../../test/support/tree.ts';
import { cleanTree } from './clean.ts';

let work: string;
let volume: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'clean-'));
  volume = join(work, 'volume');
  mkdirSync(volume);
});
afterEach(() => rmSync(work, { recursive: true }));

const { signal } = new AbortController();
const asRoot = process.getuid?.() === 0 ? test : test.skip;

test('a volume is emptied of all that there may be, but of what its file system made', async () => {
  await makeTree(volume, { many: 50 });
  await cleanTree(volume, signal);
  expect(readdirSync(volume)).toEqual(['lost+found']);
  expect(readdirSync(join(volume, 'lost+found'))).toEqual(['of-the-file-system']);
});

test('no link is followed out of the volume', async () => {
  const outside = join(work, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'stays');
  chmodSync(outside, 0o500);
  symlinkSync('../outside', join(volume, 'directory'));
  symlinkSync(join(outside, 'file'), join(volume, 'file'));
  await cleanTree(volume, signal);
  expect(readdirSync(volume)).toEqual([]);
  expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('stays');
});

// Root may write to a directory whatever its mode says, so this is done by somebody else.
asRoot('directories without any permission are emptied; what belongs to others is refused for good', async () => {
  execFileSync('sh', ['-c', 'mkdir -p mine/deep && touch mine/deep/file && chmod -R 0 mine/deep'], { cwd: volume });
  execFileSync('chown', ['-R', '65532', volume]);
  chmodSync(join(volume, 'mine'), 0);
  chmodSync(work, 0o755);
  process.seteuid?.(65_532);
  try {
    await cleanTree(volume, signal);
    expect(readdirSync(volume)).toEqual([]);
    process.seteuid?.(0);
    mkdirSync(join(volume, 'theirs\n/deep'), { recursive: true });
    process.seteuid?.(65_532);
    await expect(cleanTree(volume, signal)).rejects.toMatchObject({
      code: 'VolumeNotWritable',
      message: 'The volume fails at "theirs\\n": EPERM.',
      retry: { type: 'never' },
    });
  } finally {
    process.seteuid?.(0);
  }
});
