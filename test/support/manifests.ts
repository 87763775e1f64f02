/** Manifests, and what is made of them, as tests of trees need them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeTree } from '../../src/tree/describe.ts';
import type { ManifestEntry, ManifestHeader } from '../../src/tree/manifest.ts';

export const headerOf = (kind: ManifestHeader['kind']): ManifestHeader => ({
  manifest: 'volprime',
  version: 1,
  kind,
  about: {},
  startedAt: '2026-01-01T00:00:00.000Z',
});

/** Of a file, unless told otherwise. */
export function entryOf(path: string, rest: Partial<ManifestEntry> = {}): ManifestEntry {
  const times = { mtime: '1', ctime: '1', inode: '7' };
  const plain = { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, ...times, links: 1 } as const;
  const ofFile = { size: 3, sha256: 'a'.repeat(64) };
  return { ...plain, ...((rest.type ?? 'file') === 'file' && ofFile), ...rest };
}

export async function* inPieces(text: Buffer, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
}

export async function bytesFrom(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

/** @param meanwhile what somebody does to the tree during a live capture. */
export async function manifestTextOf(root: string, meanwhile?: () => void): Promise<Buffer> {
  const scratch = mkdtempSync(join(tmpdir(), 'manifest-'));
  try {
    const { signal } = new AbortController();
    const description = await describeTree({ root, scratch, live: meanwhile !== undefined, signal });
    await description.read();
    meanwhile?.();
    const manifest = await description.complete(headerOf('directory'));
    return await bytesFrom(manifest.text());
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
