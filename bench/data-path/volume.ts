/**
 * A fresh file system for each run: ext4 on a loop device over tmpfs. What a new volume is; and files made where others were deleted
 * a moment ago take up to seven times as long on ext4, which would be all that is measured.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface BenchVolume extends Disposable {
  /** Where the file system is mounted; a run's target. */
  readonly mountPoint: string;
  /** The loop device itself, for images. */
  readonly device: string;
  /** A directory in memory, beside the file system. */
  readonly scratch: string;
  /** Makes the file system anew and mounts it. */
  renew(): void;
  /** Takes it off and mounts it again: nothing of its files is in memory any more. */
  remount(): void;
  /** Takes the file system off the device. */
  detach(): void;
}

const SIZE = 4 * 1024 ** 3;
const SCRATCH_SIZE = 2 * 1024 ** 3;

/** @param onDisk the loop device's file lies on this machine's disk instead of in memory. */
export function openVolume({ onDisk }: { readonly onDisk: boolean }): BenchVolume {
  const work = mkdtempSync(join(onDisk ? join(import.meta.dirname, '../../build/bench') : tmpdir(), 'volume-'));
  const memory = join(work, 'memory');
  const mountPoint = join(work, 'mounted');
  const scratch = join(memory, 'scratch');
  for (const directory of [memory, mountPoint]) mkdirSync(directory);
  if (!onDisk) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE + SCRATCH_SIZE}`, 'tmpfs', memory]);
  mkdirSync(scratch);
  const file = join(memory, 'disk');
  writeFileSync(file, '');
  truncateSync(file, SIZE);
  const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  let mounted = false;
  const detach = () => {
    if (mounted) execFileSync('umount', [mountPoint]);
    mounted = false;
  };
  const mount = () => {
    execFileSync('mount', [device, mountPoint]);
    mounted = true;
  };
  return {
    mountPoint,
    device,
    scratch,
    renew() {
      detach();
      // Lazy initialisation would run beside the measurement.
      const options = 'lazy_itable_init=0,lazy_journal_init=0';
      execFileSync('mkfs.ext4', ['-q', '-F', '-E', options, device]);
      mount();
    },
    remount() {
      detach();
      mount();
    },
    detach,
    [Symbol.dispose]() {
      detach();
      execFileSync('losetup', ['--detach', device]);
      // The kernel lets go of a loop device a moment after it was detached.
      if (!onDisk && existsSync(memory)) execFileSync('umount', ['--lazy', memory]);
      rmSync(work, { recursive: true });
    },
  };
}
