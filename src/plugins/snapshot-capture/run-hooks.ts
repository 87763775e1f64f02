/** Runs the commands that pods ask for around a capture. */
import type { Pod } from '../../api/objects.ts';
import { pods } from '../../api/resources.ts';
import type { Owner } from './helper-objects.ts';
import type { PodAccess } from './ports.ts';
import type { HookCommand, HookedPod } from './state.ts';

/** @returns what went wrong, in words; undefined where all commands succeeded. The first failure ends it. */
export async function runPre(
  live: PodAccess,
  owner: Owner,
  hooks: readonly HookedPod[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const hooked of hooks) {
    const problem = hooked.pre && (await run(live, owner, hooked, hooked.pre, signal));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** All of them, whatever becomes of one. @returns what went wrong, in words; empty where all succeeded. */
export async function runPost(
  live: PodAccess,
  owner: Owner,
  hooks: readonly HookedPod[],
  signal: AbortSignal,
): Promise<string[]> {
  const problems: string[] = [];
  for (const hooked of hooks) {
    const problem = hooked.post && (await run(live, owner, hooked, hooked.post, signal));
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

async function run(
  live: PodAccess,
  { namespace }: Owner,
  { pod: name, podUid }: HookedPod,
  { container, command, timeoutMs }: HookCommand,
  signal: AbortSignal,
): Promise<string | undefined> {
  const what = `command ${JSON.stringify(command[0])} in pod ${name}`;
  const pod: Pod | undefined = await live.get(pods, { namespace, name }, { signal });
  // What the command was to hold, or to let go, went with the pod.
  if (pod === undefined || pod.metadata.uid !== podUid) return undefined;
  try {
    const outcome = await live.exec({ namespace, name }, { container, command }, { signal, timeoutMs });
    if (outcome.type === 'absent') return undefined;
    if (outcome.type === 'refused')
      return `${what} was not run: ${outcome.message}. Hooks need the right to create pods/exec (deploy/components/snapshot-hooks)`;
    if (outcome.exitCode === 0) return undefined;
    return `${what} ended with exit code ${outcome.exitCode}: ${outcome.output.trim().slice(-500)}`;
  } catch (error) {
    signal.throwIfAborted();
    return `${what}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
