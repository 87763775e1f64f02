/** Whether the machine has a program: tests against programs that few machines have are left out where it is missing. */
import { spawnSync } from 'node:child_process';

export function installed(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}
