/** What a directory tree is, file by file, for comparison with another one. */
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** By name as bytes in latin1, one line each. */
export type TreeSnapshot = ReadonlyMap<string, string>;

/** Directories' sizes are their file systems' business; times count to the microsecond, which is as fine as Node sets them. */
export function snapshot(root: string): TreeSnapshot {
  const inodes = new Map<bigint, string>();
  const tree = new Map<string, string>();
  for (const name of namesBelow(root)) {
    const path = Buffer.from(`${root}/${name}`, 'latin1');
    const stats = lstatSync(path, { bigint: true });
    tree.set(name, describe(path, stats, linkedTo(inodes, name, stats)));
  }
  return tree;
}

/** In sorted order, so that the first name of a file with several links is the same in every tree. */
function namesBelow(root: string): readonly string[] {
  const names = readdirSync(Buffer.from(root), { recursive: true, encoding: 'buffer' });
  return names.map((name) => name.toString('latin1')).sort();
}

function linkedTo(inodes: Map<bigint, string>, name: string, stats: BigIntStats): string {
  const first = inodes.get(stats.ino) ?? name;
  inodes.set(stats.ino, first);
  return stats.isFile() && stats.nlink > 1n ? ` links=${stats.nlink} first=${first}` : '';
}

function describe(path: Buffer, stats: BigIntStats, links: string): string {
  const mode = (Number(stats.mode) & 0o7777).toString(8);
  const common = `mode=${mode} owner=${stats.uid}:${stats.gid} mtime=${stats.mtimeNs / 1000n}${links}`;
  if (stats.isDirectory()) return `directory ${common}`;
  if (stats.isSymbolicLink())
    return `link ${common} to=${readlinkSync(path, { encoding: 'buffer' }).toString('latin1')}`;
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
  const hasHoles = stats.blocks * 512n < stats.size / 2n;
  return `file ${common} size=${stats.size} sha256=${hash}${hasHoles ? ' sparse' : ''}`;
}
