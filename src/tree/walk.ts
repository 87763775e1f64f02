/** Walks a tree in an order that does not depend on its file system: a directory before its content, names by their bytes. */
import { readdirSync } from 'node:fs';
import { type ByteString, joinPath } from './bytes.ts';
import { absolutePath, hasCode, OF_THE_FILE_SYSTEM, readEntry, type TreeEntry } from './entry.ts';

/**
 * All of the tree, its root first, without what the file system itself put into the root. Keeps the names of the directories on the way in memory,
 * and nothing else. What disappears meanwhile is left out.
 * @throws what the system says of a directory that cannot be read.
 */
export function* walkTree(root: Buffer): Generator<TreeEntry, void, undefined> {
  const top = readEntry(root, '');
  if (top === undefined) return;
  yield top;
  if (top.type !== 'directory') return;
  const ahead: Names[] = [{ directory: '', names: namesIn(root, '').filter((name) => !OF_THE_FILE_SYSTEM.has(name)) }];
  for (let names = ahead.at(-1); names !== undefined; names = ahead.at(-1)) {
    const name = names.names.pop();
    if (name === undefined) {
      ahead.pop();
      continue;
    }
    const entry = readEntry(root, joinPath(names.directory, name));
    if (entry === undefined) continue;
    yield entry;
    if (entry.type === 'directory') ahead.push({ directory: entry.path, names: namesIn(root, entry.path) });
  }
}

interface Names {
  readonly directory: ByteString;
  /** The next one last. */
  readonly names: ByteString[];
}

function namesIn(root: Buffer, directory: ByteString): ByteString[] {
  try {
    return readdirSync(absolutePath(root, directory), { encoding: 'latin1' }).sort().reverse();
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}
