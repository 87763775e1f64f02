/** Images that the cluster brings along, and the import of others. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageFiles, writeOciImage } from '../../image/oci-image.ts';
import { run } from './command.ts';
import { containerdSocket } from './node.ts';

export const toolboxImage = 'localhost/toolbox:1';
export const pauseImage = 'localhost/pause:1';

export async function importImage(stateDir: string, tar: string): Promise<void> {
  const address = containerdSocket(stateDir);
  await run({ file: 'ctr', args: ['--address', address, '--namespace', 'k8s.io', 'images', 'import', tar] });
}

/** Gives an image that the node has another name. */
export async function tagImage(stateDir: string, from: string, to: string): Promise<void> {
  const address = containerdSocket(stateDir);
  await run({
    file: 'ctr',
    args: ['--address', address, '--namespace', 'k8s.io', 'images', 'tag', '--force', from, to],
  });
}

export async function loadOwnImages(stateDir: string, binDir: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'volprime-images-'));
  try {
    const pause = join(work, 'pause.tar');
    await stageFiles(join(work, 'pause'), { pause: join(binDir, 'pause') });
    await writeOciImage({ tag: pauseImage, rootfs: join(work, 'pause'), out: pause, entrypoint: ['/pause'] });
    const toolbox = join(work, 'toolbox.tar');
    await stageToolbox(join(work, 'toolbox'));
    await writeOciImage({ tag: toolboxImage, rootfs: join(work, 'toolbox'), out: toolbox, cmd: ['/bin/sh'] });
    await importImage(stateDir, pause);
    await importImage(stateDir, toolbox);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A static busybox with a link for each of its programs. */
async function stageToolbox(rootfs: string): Promise<void> {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('busybox is not installed');
  await stageFiles(rootfs, { 'bin/busybox': busybox });
  const applets = (await run({ file: busybox, args: ['--list'] })).trim().split('\n');
  for (const applet of applets) if (applet !== 'busybox') await symlink('busybox', join(rootfs, 'bin', applet));
  for (const dir of ['etc', 'proc', 'dev', 'var', 'usr/bin']) await mkdir(join(rootfs, dir), { recursive: true });
  // glibc's resolver in a static program must not look for modules.
  await writeFile(join(rootfs, 'etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  await mkdir(join(rootfs, 'tmp'));
  await chmod(join(rootfs, 'tmp'), 0o1777);
}
