import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { foreign, hasForeign, joined, ownWords, type Text, unwrap } from './foreign.ts';

const address = 's3:https://minio.internal/bucket';
const quoting: Text = ['the repository cannot be opened', foreign(`: ${address}`), '; trying again'];

describe('text of another namespace', () => {
  test('is no string: the compiler rejects it where a string is wanted', () => {
    // @ts-expect-error -- this line is the test
    const text: string = foreign(address);
    expect(text).not.toBe(address);
  });

  test.each([
    ['a template', () => `${String(foreign(address))} ${quoting.toString()}`],
    ['JSON', () => JSON.stringify({ message: quoting, why: foreign(address) })],
    ['own words', () => ownWords(quoting)],
    ['keys', () => Object.keys(foreign(address)).join()],
  ])('does not show in %s', (_name, show) => {
    expect(show()).not.toContain('minio');
  });

  test('is whole for readers who may read the source', () => {
    expect(unwrap(quoting)).toBe(`the repository cannot be opened: ${address}; trying again`);
    expect(unwrap('plain')).toBe('plain');
  });

  test('stays foreign beside other words', () => {
    expect(hasForeign(joined('call 3', quoting))).toBe(true);
    expect(hasForeign(joined('call 3', 'failed'))).toBe(false);
    expect(ownWords(joined('call 3: ', quoting))).toBe('call 3: the repository cannot be opened; trying again');
  });
});

/** Each with its readers. A caller that is not here has to say who reads what it unwraps. */
const CALLERS = [
  // The owner of the claim, where the data is his; the owner of the data.
  'populate/for-owner.ts',
  // The controller's log.
  'runtime/take-steps.ts',
  // Whoever may read the snapshot: pods, Secret and repository of a capture are in its own namespace.
  'snapshot/failure.ts',
  'plugins/snapshot-capture/carry-on.ts',
  'plugins/snapshot-capture/decide-capture.ts',
  'plugins/snapshot-capture/short-work.ts',
  // The framework: what a plugin throws is foreign again.
  'plugins/snapshot-restore/prepare.ts',
  'plugins/snapshot-restore/restore-pod.ts',
  // The person at the terminal, with rights of his own.
  'cli/verify/verify.ts',
];

test('is unwrapped in no other file than these', () => {
  const source = join(import.meta.dirname, '..');
  const callers = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'api/foreign.ts')
    .filter((file) => /\bunwrap\b/.test(readFileSync(join(source, file), 'utf8')));
  expect(callers.sort()).toEqual([...CALLERS].sort());
});
