/** A real sshd for one test file, which serves sftp and nothing else: an ordinary process on a port of its own, with one key that may come in. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { cacheRoot } from '../cluster/paths.ts';
import { eventually } from './eventually.ts';
import { freePort, listens } from './server-process.ts';

export interface SftpServer extends AsyncDisposable {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** Directory that is free to be written to. */
  readonly data: string;
  /** Lets `user` in. */
  readonly privateKey: string;
  /** A line for known_hosts. */
  readonly knownHost: string;
  /** What known_hosts would say were the server another one. */
  readonly otherHost: string;
}

/**
 * As root it runs as another user: without rights over the machine sshd needs no user and no directory of its own. Of the users that every
 * Debian has, `daemon` is one that may log in.
 */
const ROOT_RUNS_AS = { name: 'daemon', uid: 1, gid: 1 };

/** @param dir whose parents all may pass. @param host the address to listen at. */
export async function startSftpServer(dir: string, host = '127.0.0.1'): Promise<SftpServer> {
  const found = findSshd();
  const own = userInfo();
  const as = own.uid === 0 ? ROOT_RUNS_AS : { name: own.username, uid: own.uid, gid: own.gid };
  const at = (name: string) => join(dir, name);
  // The cache may be in a home that nobody else can pass.
  const program = at('sshd');
  copyFileSync(found.program, program);
  for (const library of found.libraries) copyFileSync(library, at(basename(library)));
  const data = at('data');
  mkdirSync(data);
  for (const name of ['host', 'other', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  }
  const port = await freePort();
  writeFileSync(at('config'), configOf({ host, port, dir }));
  for (const path of [data, at('host')]) chownSync(path, as.uid, as.gid);
  const output = openSync(at('sshd.log'), 'a');
  const child = spawn(program, ['-D', '-e', '-f', at('config')], {
    env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: dir },
    stdio: ['ignore', output, output],
    ...(own.uid === 0 && { uid: as.uid, gid: as.gid }),
  });
  closeSync(output);
  await eventually('sshd listens', async () => (await listens(port, host)) || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(`sshd ended:\n${readFileSync(at('sshd.log'), 'utf8').slice(-2000)}`);
  const line = (name: string) => `[${host}]:${port} ${readFileSync(at(`${name}.pub`), 'utf8')}`;
  return {
    user: as.name,
    host,
    port,
    data,
    privateKey: readFileSync(at('user'), 'utf8'),
    knownHost: line('host'),
    otherHost: line('other'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function configOf({ host, port, dir }: { readonly host: string; readonly port: number; readonly dir: string }): string {
  return [
    `ListenAddress ${host}:${port}`,
    `HostKey ${join(dir, 'host')}`,
    `AuthorizedKeysFile ${join(dir, 'user.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'Subsystem sftp internal-sftp',
    'ForceCommand internal-sftp',
    '',
  ].join('\n');
}

/** This machine's, or that of Debian's package (elsewhere, have sshd installed), taken out of it and not installed: an installed one would begin to serve the machine. */
function findSshd(): { readonly program: string; readonly libraries: readonly string[] } {
  const root = join(cacheRoot(), 'openssh-server');
  if (existsSync('/usr/sbin/sshd')) return { program: '/usr/sbin/sshd', libraries: [] };
  if (!existsSync(root)) {
    mkdirSync(cacheRoot(), { recursive: true });
    const fresh = mkdtempSync(`${root}-`);
    const apt = (...args: string[]) => execFileSync('apt-get', args, { cwd: fresh, stdio: 'ignore' });
    const download = () => apt('download', '-q', 'openssh-server', 'libwrap0');
    try {
      download();
    } catch {
      // No lists of packages yet, or old ones.
      apt('update');
      download();
    }
    for (const file of globSync('*.deb', { cwd: fresh })) execFileSync('dpkg', ['-x', join(fresh, file), fresh]);
    renameSync(fresh, root);
  }
  return { program: join(root, 'usr/sbin/sshd'), libraries: globSync(join(root, 'usr/lib/*-linux-gnu/*.so.*')) };
}
