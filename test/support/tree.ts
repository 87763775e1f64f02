/** A tree that holds what breaks copies. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  openSync,
  closeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface TreeOptions {
  /** Names in the large directory (default 10,000). */
  readonly many?: number;
}

const asRoot = process.getuid?.() === 0;

/** Content, links, holes, attributes, ACLs, modes, odd names, empty and large directories, a socket and a pipe; as root also foreign owners. */
export async function makeTree(root: string, { many = 10_000 }: TreeOptions = {}): Promise<void> {
  const at = (...parts: string[]) => join(root, ...parts);
  mkdirSync(at('directory', 'deep', 'deeper'), { recursive: true });
  mkdirSync(at('empty'));
  mkdirSync(at('lost+found'));
  mkdirSync(at('directory', 'lost+found'));
  writeFileSync(at('file'), 'content\n');
  writeFileSync(at('empty-file'), '');
  writeFileSync(at('random'), randomBytes(3_000_000));
  writeFileSync(at('directory', 'deep', 'deeper', 'file'), 'deep\n');
  writeFileSync(at('lost+found', 'of-the-file-system'), 'not ours\n');
  writeFileSync(at('directory', 'lost+found', 'ours'), 'ours\n');
  linkSync(at('file'), at('directory', 'hard-link'));
  linkSync(at('random'), at('random-too'));
  symlinkSync('/nowhere/at/all', at('dangling'));
  symlinkSync('/etc/hostname', at('absolute'));
  symlinkSync('../file', at('directory', 'relative'));
  writeFileSync(at('new\nline'), 'newline\n');
  writeFileSync(at(' leading "quotes" \\ and é ☃'), 'odd\n');
  writeFileSync(at('-option'), 'dash\n');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe, 0x20, 0x80])]), 'no text\n');
  makeSparse(at('sparse'));
  mkdirSync(at('large'));
  for (let index = 0; index < many; index++) writeFileSync(at('large', `name-${index}`), `${index}`);
  execFileSync('mkfifo', [at('pipe')]);
  await makeSocket(at('socket'));
  setAttributes(at);
  chmodSync(at('random'), 0o4751);
  chmodSync(at('directory', 'deep'), 0o2775);
  chmodSync(at('empty'), 0o1777);
  chmodSync(at('empty-file'), 0);
  utimesSync(at('file'), 1, 981_173_106.25);
  // Node takes a time before 1970 for the present.
  execFileSync('touch', ['-d', '@-1.5', at('directory', 'deep')]);
  if (asRoot) {
    chownSync(at('random'), 1234, 5678);
    chmodSync(at('random'), 0o4751);
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
  }
}

/** Data between holes, and a hole at its end. */
function makeSparse(path: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, 'begin', 0);
  writeSync(fd, 'middle', 20 * 1024 * 1024);
  closeSync(fd);
  truncateSync(path, 50 * 1024 * 1024);
}

function setAttributes(at: (...parts: string[]) => string): void {
  const set = (name: string, value: string, path: string) =>
    execFileSync('setfattr', ['--no-dereference', '-n', name, '-v', value, path]);
  set('user.text', 'a value', at('file'));
  set('user.bytes', '0x00ff0a3d5c', at('directory'));
  set('user.with \\ and ☃', 'x', at('file'));
  execFileSync('setfattr', ['-n', 'user.empty', at('random')]);
  execFileSync('setfacl', ['-m', 'u:1234:rw,g:5678:r', at('file')]);
  execFileSync('setfacl', ['-m', 'd:u:1234:rwx', at('directory')]);
}

/** Left behind by a program that was killed. */
async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`${path}-open`, resolve);
  });
  // A second name, since closing takes the first one away.
  linkSync(`${path}-open`, path);
  await new Promise((resolve) => server.close(resolve));
}
