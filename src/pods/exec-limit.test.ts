import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { MAX_EXEC_STRING, refuseLongTexts } from './exec-limit.ts';

const value = (name: string, bytes: number) => 'x'.repeat(bytes - name.length - '='.length - 1);
/** Whether the kernel of this machine starts a process with it. */
const starts = (env: Record<string, string>, args: string[] = []) =>
  spawnSync('/bin/true', args, { env }).error === undefined;

describe('a text of a pod is refused where the kernel would refuse it', () => {
  test.each([
    [MAX_EXEC_STRING, true],
    [MAX_EXEC_STRING + 1, false],
  ])('a variable of %i bytes: %s', (bytes, fits) => {
    const env = { TASK: value('TASK', bytes) };
    expect(starts(env)).toBe(fits);
    const refuse = () => refuseLongTexts({ env });
    if (fits) expect(refuse).not.toThrow();
    else expect(refuse).toThrow(`variable TASK of the populator pod has ${bytes} bytes`);
  });

  test.each([
    [MAX_EXEC_STRING, true],
    [MAX_EXEC_STRING + 1, false],
  ])('an argument of %i bytes: %s', (bytes, fits) => {
    const argument = 'x'.repeat(bytes - 1);
    expect(starts({}, [argument])).toBe(fits);
    const refuse = () => refuseLongTexts({ command: ['/bin/true'], args: [argument] });
    if (fits) expect(refuse).not.toThrow();
    else expect(refuse).toThrow('argument 1 of the populator pod');
  });

  test('characters count as the bytes that they are', () => {
    expect(() => refuseLongTexts({ args: ['é'.repeat(MAX_EXEC_STRING / 2)] })).toThrow('argument 0');
  });
});
