/** What receives the content: known clean before an attempt, flushed after it. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../../sdk/errors.ts';
import { codeOf } from '../error-code.ts';
import type { Job, OnExisting, Prior } from '../job.ts';
import { deviceSize } from './block-device.ts';
import { writeBackDevice } from './write-back.ts';
import { imageTooLarge } from './device-executor.ts';
import { flushVolume } from './flush-volume.ts';
import { volumeError } from './volume-error.ts';

export interface PreparedTarget {
  /** The directory that receives the content, or the device. */
  readonly root: string;
  /**
   * Refuses before a download what cannot fit: an archive is hardly ever larger than its content.
   * @param announced bytes of the body; undefined where the server does not say.
   * @throws PermanentError `VolumeFull`
   */
  checkRoom(announced: number | undefined): void;
  /** Has the disk work while the content is still coming, where that makes the flush at the end shorter. Until it is disposed of. */
  writeBack(): Disposable;
  /** Returns when everything is on stable storage. @throws VolprimeError `FlushFailed`, `VolumeFull` */
  flush(): Promise<void>;
}

/**
 * @throws PermanentError `InvalidSource` where extractPath leaves the volume, `VolumeNotWritable`, `VolumeNotEmpty` where it must be
 * empty and is not, `InvalidTarget`.
 */
export function prepareTarget({ target, onExisting }: Job): PreparedTarget {
  if (target.kind === 'device') return prepareDevice(target.path);
  const volume = target.path;
  const { prior } = target;
  const root = prepareDirectory(volume, target.extractPath, () =>
    prior === undefined ? makeRoom(volume, onExisting) : takeAsFound(volume, prior, onExisting),
  );
  return {
    root,
    checkRoom: (announced) => checkRoom(volume, announced),
    // Many small files gain nothing by it: their flush is the journal's.
    writeBack: () => ({ [Symbol.dispose]() {} }),
    async flush() {
      if (prior === undefined && onExisting === 'fail') unlinkSync(join(volume, UNFINISHED));
      await flushVolume(volume);
    },
  };
}

/** What a file system itself puts into its root. */
const NOT_OURS = new Set(['lost+found']);
/** Lies in a volume that was empty before, until the attempt is done: what is beside it is the rest of an attempt. */
const UNFINISHED = '.volprime-unfinished';

function prepareDirectory(volume: string, extractPath: string, clear: () => void): string {
  const parts = extractPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new PermanentError('InvalidSource', 'extractPath must stay inside the volume.');
  try {
    clear();
    const root = parts.reduce(enterDirectory, volume);
    // Found out here, where the cause can be named: may this user write?
    rmdirSync(mkdtempSync(join(root, '.volprime-')));
    return root;
  } catch (cause) {
    throw prepareError(volume, cause);
  }
}

/** A directory that nothing is recorded of: its owner says what becomes of its content. */
function makeRoom(volume: string, onExisting: OnExisting): void {
  if (onExisting === 'fail' && foreignContent(volume).length > 0) throw notEmpty(contentOf(volume), OF_THE_SOURCE);
  if (onExisting !== 'merge') removeContent(volume);
  if (onExisting === 'fail') writeFileSync(join(volume, UNFINISHED), '');
}

/** A volume that was looked into: only what an earlier attempt of the same population wrote is removed. */
function takeAsFound(volume: string, prior: Prior, onExisting: OnExisting): void {
  if (prior === 'remains') removeContent(volume);
  if (prior === 'empty') refuseContent(volume);
  if (prior === 'foreign' && onExisting === 'fail') throw notEmpty(contentOf(volume), OF_THE_SOURCE);
}

/**
 * Names in the root of a volume, without what its file system made. Looks at nothing else and writes nothing.
 * @throws PermanentError `VolumeNotWritable` where this user may not even read it
 */
export function lookInto(volume: string): readonly string[] {
  try {
    return contentOf(volume);
  } catch (cause) {
    throw prepareError(volume, cause);
  }
}

/** @throws PermanentError `VolumeNotEmpty` */
export function refuseContent(volume: string): void {
  const names = lookInto(volume);
  if (names.length > 0) throw notEmpty(names);
}

/** Leaves a volume as empty as its file system made it. @throws PermanentError `VolumeNotWritable` */
export function cleanTarget(volume: string): void {
  try {
    removeContent(volume);
  } catch (cause) {
    throw prepareError(volume, cause);
  }
}

function removeContent(volume: string): void {
  const root = Buffer.from(volume);
  for (const name of namesIn(root)) if (!NOT_OURS.has(name.toString('latin1'))) removeTree(below(root, name));
}

/** Names for which a directory is not empty: neither what its file system made, nor the rest of an attempt that was not finished. */
export function foreignContent(directory: string): string[] {
  const names = contentOf(directory);
  return names.includes(UNFINISHED) ? [] : names;
}

function contentOf(volume: string): string[] {
  return readdirSync(volume).filter((name) => !NOT_OURS.has(name));
}

/** The directory below, made when missing. A link that was there before is not followed. */
function enterDirectory(parent: string, name: string): string {
  const path = join(parent, name);
  try {
    mkdirSync(path, 0o755);
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST' || !lstatSync(path).isDirectory()) {
      throw codeOf(cause) === 'EEXIST' ? notADirectory(path, cause) : cause;
    }
  }
  return path;
}

function checkRoom(volume: string, announced: number | undefined): void {
  const { bavail, bsize } = statfsSync(volume);
  const free = bavail * bsize;
  if (announced === undefined || announced <= free) return;
  const message = `The volume is too small: the archive alone has ${announced} bytes, and there is room for ${free}. Ask for more storage in the claim.`;
  throw new PermanentError('VolumeFull', message);
}

function prepareDevice(path: string): PreparedTarget {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isBlockDevice() !== true) throw new PermanentError('InvalidTarget', `${path} is not a block device.`);
  const size = deviceSize(stats);
  return {
    root: path,
    checkRoom(announced) {
      if (announced !== undefined && size !== undefined && announced > size * COMPRESSION_OVERHEAD) {
        throw imageTooLarge(path);
      }
    },
    writeBack: () => writeBackDevice(path),
    // The device was flushed when it was closed.
    flush: () => Promise.resolve(),
  };
}

/** What does not compress becomes a little larger in the attempt. */
const COMPRESSION_OVERHEAD = 1.01;

/**
 * Never follows a link. A directory may have lost its write permission to an archive's modes: it gets it back first. Names are bytes: an archive's
 * need not be UTF-8, and as text they would name nothing.
 */
function removeTree(path: Buffer): void {
  if (!lstatSync(path).isDirectory()) return unlinkSync(path);
  chmodSync(path, 0o700);
  for (const name of namesIn(path)) removeTree(below(path, name));
  rmdirSync(path);
}

function namesIn(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: 'buffer' });
}

function below(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

function prepareError(volume: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return volumeError('.', cause);
  const { uid, gid, mode } = statSync(volume);
  const owner = `its root belongs to ${uid}:${gid} with mode ${(mode & 0o7777).toString(8)}`;
  const self = `the populator runs as ${process.getuid?.()}:${process.getgid?.()}`;
  return new PermanentError(
    'VolumeNotWritable',
    `The populator may not write to the volume (${code}): ${owner}, ${self}. Does the volume's driver apply fsGroup?`,
    { cause },
  );
}

const OF_THE_CLASS =
  'Use a class whose provisioner makes a directory of its own for each volume; ' +
  'where volumes of the class may come with content, annotate the StorageClass with volprime.dev/volumes-may-hold-content=true';
const OF_THE_SOURCE = 'onExisting of the source is "Fail"';

/** @param names what lies in the volume */
export function notEmpty(names: readonly string[], advice: string = OF_THE_CLASS): PermanentError {
  const shown = names.slice(0, 3).map((name) => JSON.stringify(name));
  const more = names.length > shown.length ? ', …' : '';
  return new PermanentError(
    'VolumeNotEmpty',
    `The volume is not empty: it holds ${shown.join(', ')}${more}. Nothing was written to it and nothing removed. ${advice}.`,
  );
}

function notADirectory(path: string, cause: unknown): PermanentError {
  return new PermanentError('InvalidTarget', `${path} of extractPath is there already and is not a directory.`, {
    cause,
  });
}
