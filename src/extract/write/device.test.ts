import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
import { jobOf, layerOf, memorySource } from '../../../test/support/extraction.ts';
import { silent } from '../../../test/support/silent-logger.ts';
import { populate } from '../populate.ts';
import { writeBackDevice } from './write-back.ts';

/** Everything is flushed to a disk that others use as well. */
jest.setTimeout(60_000);

const SIZE = 8 * 1024 * 1024;
/** Zeros in the middle: they must come out as zeros, whatever the device held. */
const image = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(2_000_000), randomBytes(777)]);

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

describeAsRoot('an image onto a block device', () => {
  let work: string;
  let device: string;
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'device-'));
    const file = join(work, 'disk');
    const fd = openSync(file, 'w');
    ftruncateSync(fd, SIZE);
    closeSync(fd);
    device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
    writeFileSync(device, Buffer.alloc(SIZE, 0xee));
  });
  afterEach(() => {
    execFileSync('losetup', ['--detach', device]);
    rmSync(work, { recursive: true });
  });

  function run(body: Buffer, format: 'raw' | undefined = 'raw') {
    const job = jobOf('', { target: { kind: 'device', path: device }, layers: [layerOf({ format })] });
    const { signal } = new AbortController();
    return populate(job, {
      openSource: async () => memorySource(body, 100_000),
      logger: silent,
      onProgress: () => undefined,
      signal,
    });
  }

  test.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('%s', async (_what, pack) => {
    for (const content of [image, image.subarray(-1000)]) {
      expect(await run(pack(content))).toMatchObject({ files: 1 });
      const written = readFileSync(device).subarray(0, content.length);
      expect(written.equals(content)).toBe(true);
    }
  });

  test('zeros of the image take no room, whatever the device held; without the program they are written', async () => {
    const blank = Buffer.concat([Buffer.alloc(1_000_000, 1), Buffer.alloc(6_000_000)]);
    const path = process.env['PATH'];
    for (const [found, room, behind] of [
      [path, 2_000_000, 0],
      ['/nowhere', SIZE, 0xee],
    ] as const) {
      writeFileSync(device, Buffer.alloc(SIZE, 0xee));
      process.env['PATH'] = found;
      try {
        await run(gzipSync(blank));
      } finally {
        process.env['PATH'] = path;
      }
      expect(readFileSync(device).subarray(0, blank.length).equals(blank)).toBe(true);
      expect(statSync(join(work, 'disk')).blocks * 512).toBeLessThanOrEqual(room);
      expect(readFileSync(device).at(-1)).toBe(behind);
    }
  });

  test('what was written goes to the disk while more of it comes', async () => {
    const room = () => statSync(join(work, 'disk')).blocks * 512;
    execFileSync('blkdiscard', [device]);
    using _ = writeBackDevice(device);
    for (const position of [0, SIZE / 2]) {
      const before = room();
      const fd = openSync(device, 'r+');
      writeSync(fd, randomBytes(1_000_000), 0, 1_000_000, position);
      // Until all of them are closed, nobody but the one under test writes it back.
      await eventually('the disk to have it', room, (bytes) => bytes >= before + 1_000_000);
      closeSync(fd);
    }
  });

  test('an image need not be named: a device takes nothing else', async () => {
    await run(image, undefined);
    expect(readFileSync(device).subarray(0, image.length).equals(image)).toBe(true);
  });

  test('row 25: what is larger than the device is refused: at once where that is known, else when it is full', async () => {
    const large = Buffer.alloc(SIZE + 1_000_000, 1);
    for (const body of [large, gzipSync(large)]) {
      await expect(run(body)).rejects.toMatchObject({
        code: 'VolumeFull',
        retry: { type: 'never' },
        message: expect.stringContaining('larger than the device'),
      });
    }
    await expect(run(large)).rejects.toMatchObject({ code: 'VolumeFull' });
    expect(
      readFileSync(device)
        .subarray(-10)
        .every((byte) => byte === 1),
    ).toBe(true);
  });

  test.each([
    ['qcow2', 'QFI\xfb\0\0\0\x03'],
    ['vmdk', 'KDMV\x01'],
    ['vhdx', 'vhdxfile'],
    ['vdi', `<<< Oracle VM VirtualBox Disk Image >>>\n${'\0'.repeat(24)}\x7f\x10\xda\xbe`],
  ])('row 25: an image of the format %s is refused by name, whatever it refers to', async (format, magic) => {
    const start = Buffer.from(magic, 'latin1');
    const named = Buffer.concat([start, Buffer.alloc(1024), Buffer.from('/etc/shadow')]);
    for (const body of [named, gzipSync(named)]) {
      await expect(run(body)).rejects.toMatchObject({
        code: 'ImageNotRaw',
        retry: { type: 'never' },
        message: expect.stringContaining(format),
      });
    }
    expect(readFileSync(device).every((byte) => byte === 0xee)).toBe(true);
  });

  test('row 25: a device that is mounted, or that another one has claimed, is left alone', async () => {
    const mountPoint = join(work, 'mounted');
    mkdirSync(mountPoint);
    execFileSync('mkfs.ext4', ['-q', device]);
    execFileSync('mount', [device, mountPoint]);
    try {
      await expect(run(image)).rejects.toMatchObject({ code: 'VolumeBusy', retry: { type: 'backoff' } });
    } finally {
      execFileSync('umount', [mountPoint]);
    }
    await run(image);
  });

  test('a page of a website is no image', async () => {
    await expect(run(Buffer.from('\n<!DOCTYPE html><p>log in'), undefined)).rejects.toMatchObject({
      code: 'NotAnArchive',
    });
  });

  test('what is no block device is refused', async () => {
    const job = jobOf('', { target: { kind: 'device', path: join(work, 'disk') } });
    const openSource = () => Promise.reject(new Error('not to be opened'));
    const { signal } = new AbortController();
    await expect(
      populate(job, { openSource, logger: silent, onProgress: () => undefined, signal }),
    ).rejects.toMatchObject({ code: 'InvalidTarget' });
  });
});
