/** Loop devices whose data lies below a directory. */
import { statSync } from 'node:fs';
import { tryRun } from './command.ts';
import { waitFor } from './wait.ts';

interface LoopDevice {
  readonly name: string;
  /** Inode and file system of what is behind it. */
  readonly backing: string;
  readonly backingFile: string;
}

/** Devices of a namespace that has just ended are released a moment later, by themselves. */
export async function detachLoopDevicesBelow(dir: string): Promise<void> {
  await waitFor({
    what: 'loop devices to be released',
    timeoutMs: 20_000,
    check: async () => {
      const devices = await loopDevicesBelow(dir);
      for (const device of devices) await tryRun({ file: 'losetup', args: ['--detach', device] });
      return devices.length === 0 ? { done: true } : { done: false, seen: devices.join(' ') };
    },
  });
}

/**
 * kubelet puts a loop device of its own on each raw block volume's device, to hold it. Those are found by the inode of
 * the device behind them, and come first: the other could not be released before.
 */
export async function loopDevicesBelow(dir: string): Promise<string[]> {
  const devices = await allLoopDevices();
  const direct = devices.filter(({ backingFile }) => backingFile.startsWith(`${dir}/`)).map(({ name }) => name);
  const nodes = new Set(direct.map(inodeOf));
  const onTop = devices.filter(({ backing }) => nodes.has(backing)).map(({ name }) => name);
  return [...onTop, ...direct];
}

async function allLoopDevices(): Promise<LoopDevice[]> {
  const columns = 'NAME,BACK-INO,BACK-MAJ:MIN,BACK-FILE';
  const table = await tryRun({ file: 'losetup', args: ['--list', '--noheadings', '--raw', '--output', columns] });
  return (table ?? '').split('\n').flatMap((line) => {
    // --raw writes the padding of a column as \x20.
    const [name, inode, fileSystem, backingFile] = line.replaceAll('\\x20', '').split(' ');
    if (name === undefined || inode === undefined || fileSystem === undefined || backingFile === undefined) return [];
    return [{ name, backing: `${inode} ${fileSystem}`, backingFile }];
  });
}

function inodeOf(path: string): string {
  const { ino, dev } = statSync(path);
  return `${ino} ${Math.floor(dev / 256) % 4096}:${dev % 256}`;
}
