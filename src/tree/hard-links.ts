/** Are files that had one content still one file, and others not? Keeps what has several names in memory. */
import { printable, type ByteString } from './bytes.ts';
import type { TreeEntry } from './entry.ts';

interface Known {
  readonly inode: string;
  readonly path: ByteString;
}

export class HardLinks {
  /** From the inode in the manifest to the one in the tree, and back. */
  readonly #found = new Map<string, Known>();
  readonly #expected = new Map<string, Known>();
  readonly #digests = new Map<string, string>();

  /** @returns what is wrong, or undefined. */
  check(expected: TreeEntry, found: TreeEntry): string | undefined {
    if (expected.links === 1 && found.links === 1) return undefined;
    const { path } = expected;
    const twin = this.#found.get(expected.inode);
    const other = this.#expected.get(found.inode);
    this.#found.set(expected.inode, { inode: found.inode, path });
    this.#expected.set(found.inode, { inode: expected.inode, path });
    if (twin !== undefined && twin.inode !== found.inode) return `is no hard link of ${printable(twin.path)} any more`;
    if (other !== undefined && other.inode !== expected.inode)
      return `has become a hard link of ${printable(other.path)}`;
    return undefined;
  }

  digestOf({ inode, links }: TreeEntry): string | undefined {
    return links > 1 ? this.#digests.get(inode) : undefined;
  }

  keepDigest({ inode, links }: TreeEntry, digest: string): void {
    if (links > 1) this.#digests.set(inode, digest);
  }
}
