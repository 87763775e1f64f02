import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { cleanTarget } from './target.ts';

test('a volume is emptied also of names that are no UTF-8, and keeps what its file system made', () => {
  const volume = mkdtempSync(join(tmpdir(), 'volprime-target-'));
  try {
    const odd = Buffer.concat([Buffer.from(`${volume}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(odd, { mode: 0o500 });
    writeFileSync(join(volume, 'file'), '');
    mkdirSync(join(volume, 'directory'));
    writeFileSync(Buffer.concat([Buffer.from(`${volume}/directory/`), Buffer.from([0xe9])]), '');
    mkdirSync(join(volume, 'lost+found'));
    cleanTarget(volume);
    expect(readdirSync(volume)).toEqual(['lost+found']);
  } finally {
    rmSync(volume, { recursive: true, force: true });
  }
});
