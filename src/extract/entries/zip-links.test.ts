import { expect, test } from '@jest/globals';
import type { Entry } from './entry.ts';
import { PossibleLinks } from './zip-links.ts';

const entry: Entry = {
  type: 'file',
  name: 'l',
  linkName: '',
  size: 0,
  mode: 0o777,
  uid: 0,
  gid: 0,
  mtime: 0,
  attributes: undefined,
  sparse: undefined,
};

test('the oldest targets give way to new ones, each once, and as few as must', () => {
  const links = new PossibleLinks();
  const target = Buffer.alloc(4000, 'a');
  const add = (offset: number) => {
    links.begin();
    links.data(target);
    links.end(offset, entry);
  };
  const kept = Math.floor((8 * 1024 * 1024) / (target.length + 256));
  for (let offset = 0; offset < 3 * kept; offset++) {
    add(offset);
    expect(links.get(offset)).toBeDefined();
    expect(links.get(offset - kept)).toBeUndefined();
    if (offset >= kept) expect(links.get(offset - kept + 1)).toBeDefined();
  }
});
