/** What the tests put into archives, and what a consumer must then print: honest little trees, different for each name. */
import { createHash } from 'node:crypto';
import { tarGz } from '../../support/archives.ts';

export interface Content {
  readonly files: Readonly<Record<string, Buffer>>;
  /** The tree as a tar.gz. */
  readonly archive: Buffer;
  /** `sha256:…` of the archive. */
  readonly checksum: string;
  /** `sha256sum` of each file, sorted by path: what a consumer in the directory of the tree prints. */
  readonly listing: string;
}

/** @param bytes size of the largest file, which does not compress. */
export function contentOf(name: string, bytes = 48 * 1024): Content {
  const files: Readonly<Record<string, Buffer>> = {
    'README.txt': Buffer.from(`the data of ${name}\n`),
    'nested/deeper/large.bin': noise(name, bytes),
    'nested/empty': Buffer.alloc(0),
  };
  const entries = Object.entries(files).map(([path, data]) => ({ name: path, data }));
  const archive = tarGz([{ name: 'nested/', type: '5' }, { name: 'nested/deeper/', type: '5' }, ...entries]);
  return { files, archive, checksum: `sha256:${sha256(archive)}`, listing: listingOf(files) };
}

/** As `find . -type f | sort | xargs sha256sum` prints it. */
export function listingOf(files: Readonly<Record<string, Buffer>>): string {
  return Object.keys(files)
    .sort()
    .map((path) => `${sha256(files[path] ?? Buffer.alloc(0))}  ./${path}`)
    .join('\n');
}

function noise(seed: string, bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) =>
    createHash('sha256').update(`${seed}/${index}`).digest(),
  );
  return Buffer.concat(blocks, bytes);
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
