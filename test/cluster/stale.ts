/** Whether a cluster that was found can be used as it is. */
import { existsSync } from 'node:fs';
import { isAlive } from './process-table.ts';
import type { ClusterState } from './state.ts';

/** Gives the reason why not; nothing when it can be used, or when there is none. */
export function staleReason(
  found: ClusterState | undefined,
  wanted: ClusterState,
  stateDir: string,
): string | undefined {
  if (found === undefined) return existsSync(stateDir) ? 'its state is unreadable' : undefined;
  if (found.bootId !== wanted.bootId) return 'the machine was restarted';
  if (found.kind !== wanted.kind) return `it is a ${found.kind} cluster`;
  if (!found.complete) return 'it never came up completely';
  const dead = found.processes.filter((record) => !isAlive(record)).map(({ name }) => name);
  if (dead.length > 0) return `${dead.join(', ')} died`;
  if (found.fingerprint !== wanted.fingerprint) return 'its programs or configuration changed';
  return undefined;
}
