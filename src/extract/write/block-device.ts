/** What the kernel tells of a block device. */
import { readFileSync, type Stats } from 'node:fs';

const SECTOR = 512;

/** In bytes; undefined where the kernel's word is not to be had. */
export function deviceSize({ rdev }: Stats): number | undefined {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  try {
    return Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * SECTOR;
  } catch {
    return undefined;
  }
}
