/** The two halves of the image's file system: what changes with Node and the distribution, and what changes with the sources. */
import { execFileSync } from 'node:child_process';
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

/** Programs of the machine that the image needs: `sync` flushes a volume, `fallocate` blanks a device, `xz` and `bzip2` unpack what Node has no codec for. */
export const programs: Readonly<Record<string, string>> = {
  '/usr/local/bin/node': realpathSync(process.execPath),
  '/usr/bin/sync': '/usr/bin/sync',
  '/usr/bin/fallocate': '/usr/bin/fallocate',
  '/usr/bin/xz': '/usr/bin/xz',
  '/usr/bin/bzip2': '/usr/bin/bzip2',
};

/** Shared libraries of the programs, the dynamic loader included. */
export function libraries(): readonly string[] {
  const found = Object.values(programs).flatMap((program) => {
    const lines = execFileSync('ldd', [program], { encoding: 'utf8' });
    return [...lines.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
  });
  return [...new Set(found)].sort();
}

/** Node with its libraries, certificates and the few files of /etc that the C library reads. */
export function stageBase(rootfs: string): void {
  for (const [path, source] of Object.entries(programs)) copyFile(source, join(rootfs, path));
  for (const library of libraries()) copyFile(library, join(rootfs, library));
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
