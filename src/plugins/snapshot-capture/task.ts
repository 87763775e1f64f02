/** What the controller asks of a pod that works on a repository of snapshots: the JSON in the pod's VOLPRIME_TASK. It holds no secrets. */
import * as z from 'zod';

export const PLUGIN_NAME = 'snapshot-capture';

/**
 * Where the repository's Secret is mounted, each key a file: `repository` (a restic repository: `s3:…`, `sftp:…`, a path under
 * REPOSITORY_DIR) and `password`; the others are the back end's credentials by the names of restic's environment variables.
 */
export const REPOSITORY_SECRET_DIR = '/var/run/volprime/repository';
/** Where the claim is mounted that holds the repository, if one does. */
export const REPOSITORY_DIR = '/repository';
/** Most that a pod keeps in /tmp: restic's cache of the repository's index, and the manifest, some 250 bytes a file. */
export const SCRATCH_SIZE = '4Gi';

const kind = z.enum(['directory', 'device']);

/** Names one capture in its repository, whatever becomes of the objects that asked for it: a UID. */
export const keySchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/);

const base = { version: z.literal(1), plugin: z.literal(PLUGIN_NAME), key: keySchema };

export const captureTaskSchema = z.discriminatedUnion('action', [
  z.object({
    ...base,
    action: z.literal('capture'),
    source: z.object({ path: z.string().startsWith('/'), kind }),
    /** `clone`: nobody writes to the source; `live`: somebody may, and what changed meanwhile is recorded as such. */
    consistency: z.enum(['clone', 'live']),
    /** Whose volume it is, in the words of the cluster: told by the manifest, and the captures of one claim build on each other. */
    origin: z.object({
      namespace: z.string(),
      claim: z.string(),
      claimUid: z.string(),
      capacityBytes: z.int().min(0).optional(),
    }),
  }),
  /** Removes the data of the key, also what an interrupted capture left; done where there is none. */
  z.object({ ...base, action: z.literal('forget') }),
  /** Whether the repository holds the key, complete; reads no data. */
  z.object({ ...base, action: z.literal('look') }),
  /** Reads all data of the key and compares them with its manifest. */
  z.object({ ...base, action: z.literal('verify') }),
]);

export type CaptureTask = z.infer<typeof captureTaskSchema>;

const PREFIX = 'restic-v1:';

/** The handle of a capture, as it stands in `status.snapshotHandle`. */
export function handleOf(key: string): string {
  return `${PREFIX}${key}`;
}

/** Undefined for a handle that is not of ours. */
export function keyOfHandle(handle: string): string | undefined {
  if (!handle.startsWith(PREFIX)) return undefined;
  return keySchema.safeParse(handle.slice(PREFIX.length)).data;
}

/**
 * What `spec.hostname` of the pods that capture or forget a key must say: by it restic knows that a lock was left by a dead one of them, and
 * takes it away. Never two of these pods of one key at a time; pods that look, verify or restore keep their own names.
 */
export function hostnameOf(key: string): string {
  return key;
}
