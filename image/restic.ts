/**
 * The restic program: this machine's where it is new enough, else built from the Go module in go/restic, once per machine.
 * `node image/restic.ts` prints its path.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBinaries, type Log } from '../test/cluster/binaries.ts';
import type { GoModule } from '../test/cluster/go-modules.ts';

/** Since 0.17 its exit codes tell a missing repository, a lock and a wrong password apart. */
const MINIMUM = [0, 17] as const;

const module: GoModule = {
  name: 'restic',
  dir: 'image/go/restic',
  packages: ['github.com/restic/restic/cmd/restic'],
  // As restic's own releases: a quarter less to carry, and what is left out only measures Google's client.
  tags: 'disable_grpc_modules',
  executable: 'restic',
  programs: ['restic'],
  ldflags: [],
  coldTime: 'about 3 minutes',
  crds: [],
};

/** @returns the absolute path of the program. */
export async function findRestic(log: Log): Promise<string> {
  return ofMachine() ?? join(await ensureBinaries(log, [module]), 'restic');
}

function ofMachine(): string | undefined {
  const path = spawnSync('/bin/sh', ['-c', 'command -v restic'], { encoding: 'utf8' }).stdout.trim();
  if (path === '') return undefined;
  const version = /^restic (\d+)\.(\d+)/.exec(spawnSync(path, ['version'], { encoding: 'utf8' }).stdout);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]) ? path : undefined;
}

if (import.meta.main) console.log(await findRestic((line) => console.error(line)));
