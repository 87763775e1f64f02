/** nginx on loopback: one worker, sendfile; the server costs as little of the machine as a server can. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataDir } from './data-sets.ts';

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** The same files, each connection limited to 40 MiB/s. */
  readonly slowUrl: string;
}

const PORT = 18_480;
const SLOW_PORT = 18_481;

export async function startFileServer(): Promise<FileServer> {
  const work = mkdtempSync(join(tmpdir(), 'nginx-'));
  const configuration = join(work, 'nginx.conf');
  const server = (port: number, rest: string) =>
    `server { listen 127.0.0.1:${port}; root ${dataDir}; access_log off; ${rest} }`;
  writeFileSync(
    configuration,
    `user root; worker_processes 1; daemon off; pid ${work}/pid; error_log ${work}/error.log;
     events { worker_connections 256; }
     http { sendfile on; tcp_nopush on; ${server(PORT, '')} ${server(SLOW_PORT, 'limit_rate 40m;')} }`,
  );
  const child = spawn('nginx', ['-c', configuration, '-e', `${work}/error.log`], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (const port of [PORT, SLOW_PORT]) await listening(port);
  return {
    url: `http://127.0.0.1:${PORT}`,
    slowUrl: `http://127.0.0.1:${SLOW_PORT}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      rmSync(work, { recursive: true });
    },
  };
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await delay(50);
  }
  throw new Error(`nginx does not listen on port ${port}; is it installed? (apt-get install nginx-light)`);
}
