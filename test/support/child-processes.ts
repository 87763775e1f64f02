/**
 * Programs that a test starts. One that still runs when its test is over, since the test failed or gave up, is ended: it would keep Jest from
 * ending, and go on working beside the tests that follow.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach } from '@jest/globals';

/** For the top of a test file, once. What it returns takes note of a child. */
export function childrenOfTests(): <C extends ChildProcess>(child: C) => C {
  const running = new Set<ChildProcess>();
  afterEach(async () => {
    await Promise.all([...running].map(end));
  });
  return (child) => {
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
