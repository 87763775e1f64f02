/** In what a name differs from what the manifest says of it. Pure. */
import { printable } from './bytes.ts';
import type { ManifestEntry } from './manifest.ts';
import type { TreeEntry } from './entry.ts';

/** What whoever wrote the tree was able to keep. */
export interface Fidelity {
  /** Is the owner kept, and with it the bits setuid and setgid? Only root can. */
  readonly owners: boolean;
  readonly uid: number;
  readonly gid: number;
  keepsAttribute(name: string): boolean;
}

/** Of this process, as root or not. */
export function fidelityOf(uid: number, gid: number): Fidelity {
  const owners = uid === 0;
  return { owners, uid, gid, keepsAttribute: (name) => owners || name !== 'security.capability' };
}

const SET_ID = 0o6000;

/** In plain words that follow the name; content is not looked at. */
export function differencesOf(expected: ManifestEntry, found: TreeEntry, fidelity: Fidelity): string[] {
  if (expected.type !== found.type) return [`is a ${WORDS[found.type]} and was a ${WORDS[expected.type]}`];
  const differences: string[] = [];
  const tell = (what: string, now: string | number, before: string | number) => {
    if (now !== before) differences.push(`has ${what} ${now} instead of ${before}`);
  };
  tell('size', found.size, expected.size);
  if (expected.type !== 'link') tell('mode', octal(found, expected, fidelity), octal(expected, expected, fidelity));
  if (fidelity.owners) tell('owner', `${found.uid}:${found.gid}`, `${expected.uid}:${expected.gid}`);
  if (expected.type !== 'socket' && !sameTime(found.mtime, expected.mtime)) {
    tell('time', formatTime(found.mtime), formatTime(expected.mtime));
  }
  if (expected.type === 'link' && found.target !== expected.target) {
    differences.push(`leads to ${printable(found.target ?? '')} instead of ${printable(expected.target ?? '')}`);
  }
  tell('device number', deviceOf(found), deviceOf(expected));
  return differences;
}

const WORDS = {
  file: 'file',
  directory: 'directory',
  link: 'symbolic link',
  fifo: 'named pipe',
  socket: 'socket',
  blockDevice: 'block device',
  characterDevice: 'character device',
} as const;

function octal({ mode }: TreeEntry, owned: ManifestEntry, { owners, uid, gid }: Fidelity): string {
  const kept = owners || (owned.uid === uid && owned.gid === gid) ? mode : mode & ~SET_ID;
  return kept.toString(8).padStart(4, '0');
}

function deviceOf({ device }: TreeEntry): string {
  return device === undefined ? '' : `${device.major}:${device.minor}`;
}

/** File systems round times down: to 100 ns, microseconds, milliseconds, a second or two. */
const GRAINS = [1n, 100n, 1_000n, 1_000_000n, 1_000_000_000n, 2_000_000_000n];

function sameTime(found: string, expected: string): boolean {
  const [now, before] = [BigInt(found), BigInt(expected)];
  return GRAINS.some((grain) => now === before - (((before % grain) + grain) % grain));
}

/** RFC 3339 with nanoseconds. */
export function formatTime(nanoseconds: string): string {
  const time = BigInt(nanoseconds);
  const rest = ((time % SECOND) + SECOND) % SECOND;
  const seconds = Number((time - rest) / SECOND);
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${nanoseconds} ns`;
  return date.toISOString().replace(/\.\d+Z$/, `.${rest.toString().padStart(9, '0')}Z`);
}

const SECOND = 1_000_000_000n;
