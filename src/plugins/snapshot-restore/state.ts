/**
 * What a restore remembers in its Population before it makes anything: enough to find and to undo all of it. It is readable in the namespace of
 * the claim, so it says nothing of a snapshot elsewhere that the claim's source does not say.
 */
import * as z from 'zod';

export const routes = ['Native', 'Copy', 'Repository'] as const;
/** `Native`: the CSI driver makes the volume from the snapshot. `Copy`: from a volume that it makes so. `Repository`: from a repository. */
export type Route = (typeof routes)[number];

const restoreStateSchema = z.object({
  route: z.enum(routes),
  /** Which of the snapshots that had this name. */
  snapshot: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  /** Where prime, alias and source volume are. */
  home: z.string(),
});
export type RestoreState = z.infer<typeof restoreStateSchema>;

/** Undefined where there is none, or not of this plugin. */
export function parseState(prepared: unknown): RestoreState | undefined {
  return restoreStateSchema.safeParse(prepared).data;
}

/** The snapshot in another namespace than prime and source volume: CSI restores within one namespace, so it needs an alias there. */
export function needsAlias({ snapshot, home, route }: RestoreState): boolean {
  return route !== 'Repository' && snapshot.namespace !== home;
}
