/** What runs: the pod's program with a task, restic as somebody would type it, and the making of a manifest alone. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { CaptureTask } from '../../src/plugins/snapshot-capture/task.ts';
import type { RestoreTask } from '../../src/plugins/snapshot-restore/task.ts';
import type { TestRepository } from '../../test/support/restic.ts';
import { type Command, pod, shell } from '../data-path/commands.ts';

/** Where one of the two sides works. */
export interface Side {
  readonly repository: TestRepository;
  /** For caches and packs under way. */
  readonly scratch: string;
}

/** Whose captures build on each other. */
export const CLAIM_UID = 'bench-claim';

export function capture({ repository, scratch }: Side, tree: string, key: string): Command {
  const task: CaptureTask = {
    version: 1,
    plugin: 'snapshot-capture',
    action: 'capture',
    key,
    source: { path: tree, kind: 'directory' },
    consistency: 'clone',
    origin: { namespace: 'bench', claim: 'bench', claimUid: CLAIM_UID },
  };
  return pod(task, { flush: false, variables: { ...repository.variables, TMPDIR: scratch } });
}

export function restore({ repository, scratch }: Side, key: string, target: string, verify: boolean): Command {
  const task: RestoreTask = {
    version: 1,
    plugin: 'snapshot-restore',
    attemptId: 'bench',
    target: { path: target, kind: 'directory' },
    from: { type: 'repository', key },
    verify,
  };
  return pod(task, { flush: false, variables: { ...repository.variables, TMPDIR: scratch } });
}

export function captureByHand(side: Side, tree: string): Command {
  return shell(`cd ${tree} && exec ${restic(side)} backup .`);
}

export function restoreByHand(side: Side, target: string): Command {
  return shell(`exec ${restic(side)} restore latest --target ${target}`);
}

function restic({ repository: { path, secretDir }, scratch }: Side): string {
  return `restic --repo ${path} --password-file ${join(secretDir, 'password')} --cache-dir ${join(scratch, 'cache')} --quiet`;
}

export const costSchema = z.object({ seconds: z.number(), cpuSeconds: z.number() });
export type Cost = z.infer<typeof costSchema>;

/** Nothing but the manifest, on the side's repository, as the next capture of the claim would make it. */
export async function manifestAlone({ repository, scratch }: Side, tree: string): Promise<Cost> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'manifest.ts'), tree], {
    env: { PATH: process.env['PATH'], ...repository.variables, TMPDIR: scratch },
  });
  return costSchema.parse(JSON.parse(stdout));
}
