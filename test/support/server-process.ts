/** A server program for one test file: started on a free port of 127.0.0.1, ended with the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export interface ServerProcess extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
}

export interface ServerProgram {
  readonly program: string;
  readonly args: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For its log. */
  readonly dir: string;
}

/** @throws with the last lines of its log where it does not listen within a while. */
export async function startServer({ program, args, env = {}, dir }: ServerProgram): Promise<ServerProcess> {
  const port = await freePort();
  const log = join(dir, 'server.log');
  const output = openSync(log, 'a');
  const child = spawn(program, args(port), {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const url = `http://127.0.0.1:${port}`;
  const answers = async () => (await listens(port)) || child.exitCode !== null;
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await eventually(`${program} listens`, answers);
  if (child.exitCode !== null) throw new Error(`${program} ended:\n${readFileSync(log, 'utf8').slice(-2000)}`);
  return { url, [Symbol.asyncDispose]: stop };
}

/** Whatever is spoken there. */
export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host);
  const asked = new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  return asked.finally(() => socket.destroy());
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
