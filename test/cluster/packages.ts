/** The Linux programs that a node needs, and the Debian packages that bring them. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Log } from './binaries.ts';
import { run, tryRun } from './command.ts';
import { withLock } from './lock.ts';
import { clusterRoot } from './paths.ts';

export const cniBinDir = '/usr/lib/cni';

const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`.split(delimiter);

/** Each program's package. A name with a slash is a path. */
const packages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  [`${cniBinDir}/bridge`]: 'containernetworking-plugins',
  [`${cniBinDir}/host-local`]: 'containernetworking-plugins',
  [`${cniBinDir}/loopback`]: 'containernetworking-plugins',
  nft: 'nftables',
  ip: 'iproute2',
  'mkfs.ext4': 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  blkid: 'util-linux',
  fsfreeze: 'util-linux',
  losetup: 'mount',
  mount: 'mount',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  busybox: 'busybox-static',
};

function isPresent(program: string): boolean {
  return program.includes('/') ? existsSync(program) : searchPath.some((dir) => existsSync(join(dir, program)));
}

/**
 * Several clusters may begin at once: one of them installs, the others wait for it.
 * @throws with the list of what is missing where this machine cannot install it.
 */
export async function ensureNodePackages(log: Log): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('a cluster with a node needs root (namespaces, mounts, cgroups)');
  if (missingPackages().length === 0) return;
  await withLock(join(clusterRoot(), 'packages.lock'), async () => {
    const missing = missingPackages();
    if (missing.length > 0) await install(missing, log);
  });
}

function missingPackages(): string[] {
  return [...new Set(Object.entries(packages).flatMap(([program, name]) => (isPresent(program) ? [] : [name])))];
}

async function install(missing: readonly string[], log: Log): Promise<void> {
  if (!isPresent('apt-get'))
    throw new Error(`please install what provides these Debian packages: ${missing.join(', ')}`);
  log(`installing Debian packages: ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Somebody else may be installing something on this machine: waited for, ten minutes at most.
  const patience = ['-o', 'DPkg::Lock::Timeout=600'];
  const command = {
    file: 'apt-get',
    args: [...patience, 'install', '-y', '--no-install-recommends', ...missing],
    env,
  };
  if ((await tryRun(command)) !== undefined) return;
  await run({ file: 'apt-get', args: [...patience, 'update'], env });
  await run(command);
}
