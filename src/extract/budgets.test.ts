/** For each loop over what an archive says: an archive that makes much of it, the budget that stops it, and that the steps grow as the archive does. */
import { describe, expect, test } from '@jest/globals';
import { paxHeader, rawEntry, type RawEntry, tar } from '../../test/support/archives.ts';
import { collectEntries } from '../../test/support/read-entries.ts';
import { Budget } from './budget.ts';
import { applyPolicy, type Policy } from './entries/policy.ts';
import { TarReader } from './entries/tar-reader.ts';
import { type Budgets, type BudgetSizes, DEFAULT_BUDGETS, LimitGuard } from './limits.ts';
import type { TreeCommands } from './write/tree-commands.ts';
import { TreePlanner } from './write/tree-planner.ts';

const limits = { bytes: undefined, files: 1e9, ratio: 1e9, bandwidth: undefined };
const NOTHING: BudgetSizes = {
  globs: { steps: 0, perEntry: 0 },
  links: { steps: 0, perEntry: 0 },
  directories: { steps: 0, perEntry: 0 },
};

/** Does nothing to any disk. */
const commands: TreeCommands = {
  makeDirectory() {},
  setAttributes: () => 0,
  createFile() {},
  write() {},
  closeFile() {},
  setMode() {},
  hardLink() {},
  symbolicLink() {},
  finishDirectory() {},
};

/** All that is between the bytes of a tar archive and the commands. @returns what is left of the budgets. */
function plan(entries: readonly RawEntry[], budgets: BudgetSizes, policy: Partial<Policy> = {}): Budgets<Budget> {
  const guard = new LimitGuard(limits, budgets);
  const notes = new Map();
  const ownership = { preserve: false, uid: undefined, gid: undefined };
  const modes = { files: undefined, directories: undefined };
  const planner = new TreePlanner(commands, { ownership, modes, notes, ...guard.budgets });
  const everything = {
    stripComponents: 0,
    include: [],
    exclude: [],
    preserveOwners: false,
    globs: guard.budgets.globs,
  };
  const reader = new TarReader(applyPolicy({ ...everything, ...policy }, notes, guard.guard(planner)), notes);
  reader.write(tar(entries));
  reader.end();
  for (const _ of planner.finish());
  return guard.budgets;
}

const named = (path: string): RawEntry[] => [paxHeader({ path }), { name: 'x' }];
const link = (path: string, linkpath: string): RawEntry[] => [paxHeader({ path, linkpath }), { name: 'x', type: '2' }];
const twenty = (pattern: string) => Array.from({ length: 20 }, (_, index) => `${pattern}${index}`);
const times = (count: number, make: (index: number) => readonly RawEntry[]) =>
  Array.from({ length: count }, (_, index) => make(index)).flat();

interface Hostile {
  readonly budget: keyof BudgetSizes;
  readonly words: string;
  readonly policy?: Partial<Policy>;
  readonly entries: (count: number) => readonly RawEntry[];
}

const loop = `${'x/'.repeat(500)}${'../'.repeat(500)}l`;
const rows: readonly (readonly [string, Hostile])[] = [
  [
    'links that lead through one with a long target',
    {
      budget: 'links',
      words: 'steps for symbolic links',
      entries: (n) => [...link('l', loop), ...times(n, (i) => link(`m${i}`, loop))],
    },
  ],
  [
    'links in a chain',
    {
      budget: 'links',
      words: 'steps for symbolic links',
      // From the fortieth on each has forty others before it.
      entries: (n) => times(5 * n, (i) => link(`c${i}`, `${'x/../'.repeat(100)}c${i + 1}`)),
    },
  ],
  [
    'names for globs of many stars',
    {
      budget: 'globs',
      words: 'steps for include and exclude',
      policy: { exclude: twenty(`**/${'*-'.repeat(50)}*.log`) },
      entries: (n) => times(n, (i) => named(`${i}/${'-'.repeat(250)}`)),
    },
  ],
  [
    'names that stay in the choices of a glob',
    {
      budget: 'globs',
      words: 'steps for include and exclude',
      policy: { include: twenty(`${'{a,aa}'.repeat(100)}b`) },
      entries: (n) => times(n, (i) => named(`${'a'.repeat(99)}${i}`)),
    },
  ],
  [
    'names of many directories that have no entry',
    {
      budget: 'directories',
      words: 'directories that have no entry',
      entries: (n) => times(n, (i) => named(`${i}/${'d/'.repeat(1000)}f`)),
    },
  ],
];

describe.each(rows)('%s', (_what, { budget, words, policy, entries }) => {
  test('end at the budget, which is named with the entry', () => {
    const budgets = { ...DEFAULT_BUDGETS, [budget]: { steps: 1000, perEntry: 0 } };
    expect(() => plan(entries(50), budgets, policy)).toThrow(
      expect.objectContaining({
        code: 'LimitExceeded',
        message: expect.stringMatching(`the entry ".*" exceeds the budget of ${words}`),
      }),
    );
  });

  test('end at the default budget once there are many: no archive takes more for each entry', () => {
    const { perEntry } = DEFAULT_BUDGETS[budget];
    const budgets = { ...DEFAULT_BUDGETS, [budget]: { steps: 0, perEntry } };
    expect(() => plan(entries(20), budgets, policy)).toThrow(expect.objectContaining({ code: 'LimitExceeded' }));
  });

  test('take steps in proportion to their number', () => {
    const ample = 1e12;
    const budgets = { ...DEFAULT_BUDGETS, [budget]: { steps: ample, perEntry: 0 } };
    const steps = (count: number) => ample - plan(entries(count), budgets, policy)[budget].left;
    expect(steps(80) / steps(40)).toBeLessThan(2.2);
  });
});

test('an ordinary archive takes a small part of what an entry is granted', () => {
  const entries = times(300, (i) => [
    { name: `usr/lib/module-${i}/index.js` },
    ...link(`usr/bin/program-${i}`, `../lib/module-${i}/index.js`),
    ...link(`lib${i}`, `usr/lib/module-${i}`),
  ]);
  const exclude = ['**/*.md', 'usr/share/{doc,man}/**', '**/test/**', '*.log', '**/[._]*'];
  const tenth = Object.fromEntries(
    Object.entries(DEFAULT_BUDGETS).map(([kind, { perEntry }]) => [kind, { steps: 100, perEntry: perEntry / 10 }]),
  );
  plan(entries, { ...NOTHING, ...tenth }, { exclude });
});

describe('what needs no budget, since it is bounded by the bytes of the archive', () => {
  const steps = (entries: Buffer) => {
    const { handler } = collectEntries();
    const calls = { count: 0 };
    const counting = { ...handler, begin: () => void calls.count++, data: () => void calls.count++ };
    new TarReader(counting, new Map()).write(entries);
    return calls.count;
  };
  test.each<[string, (n: number) => Buffer]>([
    ['extended headers without a record', (n) => Buffer.concat(Array(n).fill(rawEntry({ name: 'p', type: 'x' })))],
    ['global headers', (n) => Buffer.concat(Array(n).fill(rawEntry({ name: 'g', type: 'g', data: '11 uid=123\n' })))],
  ])('%s', (_what, archive) => expect(steps(archive(2000))).toBe(0));

  test('extended headers of one entry are bounded together', () => {
    const header = rawEntry({ ...paxHeader({ comment: 'x'.repeat(300_000) }) });
    expect(() => steps(Buffer.concat([header, header, header, header]))).toThrow(
      expect.objectContaining({ code: 'UnsupportedEntry', message: expect.stringContaining('at most 1 MiB') }),
    );
  });
});

test('a budget grants what it says and not a step more', () => {
  const budget = new Budget('steps', { steps: 2, perEntry: 3 });
  budget.spend(2);
  budget.enter('ä');
  budget.spend(3);
  expect(() => budget.spend(1)).toThrow(expect.objectContaining({ code: 'LimitExceeded' }));
});
