import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { constantSource, currentCredentials, fileSource, sameTls } from './credentials.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('fileSource', () => {
  test('holds what it read, and reads again when what it gave was refused', async () => {
    const file = join(directory, 'token');
    await writeFile(file, 'one');
    const source = fileSource(file);
    expect(await source(false)).toBe('one');
    await writeFile(file, 'two');
    expect(await source(false)).toBe('one');
    expect(await source(true)).toBe('two');
    expect(await source(false)).toBe('two');
  });

  test('reads again when its time is over', async () => {
    const file = join(directory, 'token');
    await writeFile(file, 'one');
    const source = fileSource(file, 0);
    expect(await source(false)).toBe('one');
    await writeFile(file, 'two');
    expect(await source(false)).toBe('two');
  });

  test('what it held stands while the file is away; a file that never was is an error', async () => {
    const file = join(directory, 'token');
    await expect(fileSource(file)(false)).rejects.toMatchObject({ code: 'KUBE_CONFIG' });
    await writeFile(file, 'one');
    const source = fileSource(file, 0);
    await source(false);
    await rm(file);
    expect(await source(true)).toBe('one');
  });
});

describe('currentCredentials', () => {
  const plain = { headers: {}, insecure: false };

  test('a token file may end with a newline', async () => {
    const { headers } = await currentCredentials({ ...plain, token: constantSource('abc\n') }, false);
    expect(headers).toEqual({ authorization: 'Bearer abc' });
  });

  test('what was issued goes before files', async () => {
    const sources = {
      ...plain,
      cert: constantSource('file cert'),
      key: constantSource('file key'),
      issuer: () =>
        Promise.resolve({ headers: { Authorization: 'Bearer issued' }, cert: 'issued cert', key: 'issued key' }),
    };
    const { headers, tls } = await currentCredentials(sources, false);
    expect(headers).toEqual({ Authorization: 'Bearer issued' });
    expect(tls).toEqual({ cert: 'issued cert', key: 'issued key' });
  });

  test('verification is only off where that was asked for', async () => {
    expect((await currentCredentials(plain, false)).tls).toEqual({});
    expect((await currentCredentials({ ...plain, insecure: true }, false)).tls).toEqual({ rejectUnauthorized: false });
  });
});

test('connections are kept while CA, certificate and key are the same', () => {
  expect(sameTls({ ca: 'a', cert: 'c' }, { ca: 'a', cert: 'c' })).toBe(true);
  expect(sameTls({ ca: 'a' }, { ca: 'b' })).toBe(false);
  expect(sameTls({ key: 'a' }, {})).toBe(false);
});
