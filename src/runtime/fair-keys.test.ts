import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairKeys } from './fair-keys.ts';

type Step = { readonly add: string; readonly group: string } | 'take';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ add: fc.string({ maxLength: 2 }), group: fc.constantFrom('a', 'b', 'c', 'd') }) },
  { weight: 1, arbitrary: fc.constant('take' as const) },
);

/** A key that waits: how many of its own group came before it, and how many of each group were taken since it came. */
interface Waiter {
  readonly group: string;
  readonly before: number;
  readonly taken: Map<string, number>;
}

test('a key waits for at most one key of each other group for each of its own group before it, and one more', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const keys = new FairKeys<string>();
      const waiting = new Map<string, Waiter>();
      for (const each of steps) {
        if (each === 'take') take(keys, waiting);
        else {
          const key = `${each.group}/${each.add}`;
          keys.add(key, each.group, 0);
          const before = [...waiting.values()].filter(({ group }) => group === each.group).length;
          if (!waiting.has(key)) waiting.set(key, { group: each.group, before, taken: new Map() });
        }
        if (keys.size !== waiting.size) throw new Error(`${keys.size} keys, not ${waiting.size}`);
      }
    }),
  );
});

function take(keys: FairKeys<string>, waiting: Map<string, Waiter>): void {
  const next = keys.take();
  const waiter = waiting.get(next?.key ?? '');
  if (next === undefined && waiting.size === 0) return;
  if (next === undefined || waiter === undefined) throw new Error('a key is lost');
  if ((waiter.taken.get(waiter.group) ?? 0) !== waiter.before) throw new Error(`${next.key} is out of turn`);
  waiting.delete(next.key);
  for (const other of waiting.values()) {
    const count = (other.taken.get(waiter.group) ?? 0) + 1;
    other.taken.set(waiter.group, count);
    if (other.group !== waiter.group && count > other.before + 1) throw new Error(`${other.group} waits too long`);
  }
}

test('the time that a key began to wait comes back with it, and a key waits once', () => {
  const keys = new FairKeys<string>();
  keys.add('k', 'a', 7);
  keys.add('k', 'b', 9);
  expect([keys.size, keys.has('k'), keys.take(), keys.take(), keys.size]).toEqual([
    1,
    true,
    { key: 'k', since: 7 },
    undefined,
    0,
  ]);
});
