/** The two halves of the image's file system: what changes with Node and the distribution, and what changes with the sources. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { POPULATOR_ID } from '../src/api/pod-settings.ts';
import { bundle } from './bundle.ts';

export const appDir = '/app';

/**
 * Programs that the image needs, by their places in it: `sync` flushes a volume, `fallocate` blanks a device, `flock` (with `cat`) locks a
 * volume, `xz` and `bzip2` unpack what Node has no codec for, `rsync` and `restic` move trees, restic by `ssh` too. What Node cannot ask the
 * system for, `getfattr` and `setfattr` do (extended attributes), in batches by `xargs`, and `touch` (times to the nanosecond). `timeout` is the first
 * process of a populator pod: it ends what does not hear a signal.
 */
export function programs(restic: string): Readonly<Record<string, string>> {
  const ofMachine = [
    'sync',
    'fallocate',
    'flock',
    'cat',
    'xz',
    'bzip2',
    'rsync',
    'getfattr',
    'setfattr',
    'xargs',
    'touch',
    'timeout',
    'ssh',
  ];
  return {
    '/usr/local/bin/node': realpathSync(process.execPath),
    '/usr/bin/restic': realpathSync(restic),
    ...Object.fromEntries(ofMachine.map((name) => [`/usr/bin/${name}`, `/usr/bin/${name}`])),
  };
}

/** Shared libraries of the programs, the dynamic loader included. */
export function libraries(programs: Readonly<Record<string, string>>): readonly string[] {
  return [...new Set(Object.values(programs).flatMap(librariesOf))].sort();
}

function librariesOf(program: string): string[] {
  const { stdout, stderr, status } = spawnSync('ldd', [program], { encoding: 'utf8', env: { LC_ALL: 'C' } });
  if (status !== 0) {
    if (/not a dynamic executable/.test(stdout + stderr)) return [];
    throw new Error(`ldd ${program} failed: ${stderr.trim()}`);
  }
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}

/** Node with its libraries, certificates and the few files of /etc that the C library reads. */
export function stageBase(rootfs: string, programs: Readonly<Record<string, string>>): void {
  for (const [path, source] of Object.entries(programs)) copyFile(source, join(rootfs, path));
  for (const library of libraries(programs)) copyFile(library, join(rootfs, library));
  // Mozilla's list as pinned by the Node release: this machine's own additions have no business in an image.
  writeText(join(rootfs, 'etc/ssl/certs/ca-certificates.crt'), `${rootCertificates.join('\n')}\n`);
  writeText(
    join(rootfs, 'etc/passwd'),
    `root:x:0:0:root:/:/sbin/nologin\nvolprime:x:${POPULATOR_ID}:${POPULATOR_ID}::/:/sbin/nologin\n`,
  );
  writeText(join(rootfs, 'etc/group'), `root:x:0:\nvolprime:x:${POPULATOR_ID}:\n`);
  writeText(join(rootfs, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  for (const mountPoint of ['tmp', 'target', 'var/run']) mkdirSync(join(rootfs, mountPoint), { recursive: true });
  chmodSync(join(rootfs, 'tmp'), 0o1777);
}

/** The bundled programs at /app; `import 'volprime'` and `import 'zod'` work for plugins wherever they are mounted. */
export async function stageApp(projectDir: string, rootfs: string): Promise<void> {
  const app = join(rootfs, appDir);
  await bundle(projectDir, join(app, 'dist'));
  const { name, version, license, type, exports } = JSON.parse(readFileSync(join(projectDir, 'package.json'), 'utf8'));
  writeText(join(app, 'package.json'), JSON.stringify({ name, version, license, type, exports }, null, 2));
  copyFile(join(projectDir, 'LICENSE'), join(app, 'LICENSE'));
  mkdirSync(join(rootfs, 'node_modules'), { recursive: true });
  symlinkSync(appDir, join(rootfs, 'node_modules', name));
  cpSync(join(projectDir, 'node_modules/zod'), join(rootfs, 'node_modules/zod'), {
    recursive: true,
    filter: (path) => !/(\.[cm]?ts|\.cjs|\.map|\.md|\/zod\/src)$/.test(path),
  });
}

function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
