import { expect, test } from '@jest/globals';
import type { Entry } from '../entries/entry.ts';
import type { Notes } from '../entries/notes.ts';
import { AttributeStore } from './attribute-store.ts';

test('many small attributes are bounded by the memory that keeps them, and the rest is counted as lost', () => {
  const notes: Notes = new Map();
  const store = new AttributeStore({ preserve: false, uid: undefined, gid: undefined }, notes);
  const entry = (name: string): Entry => ({
    type: 'file',
    name,
    linkName: '',
    size: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    attributes: new Map([['user.a', Buffer.alloc(0)]]),
    sparse: undefined,
  });
  const count = 400_000;
  for (let index = 0; index < count; index++) store.add(`${index}`, entry(`${index}`), 0o644);
  let kept = 0;
  store.set({ setAttributes: (given) => (kept = given.size) && 0, setMode: () => undefined });
  expect(kept).toBeGreaterThan(100_000);
  expect(kept).toBeLessThan(200_000);
  expect(notes.get('attributesLost')).toBe(count - kept);
});
