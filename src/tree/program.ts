/** A program as child process: fed, drained and ended without losing an error on the way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { VolprimeError } from '../api/errors.ts';
import { AttemptFailedError } from '../sdk/errors.ts';
import { splitLines } from './lines.ts';

export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Beside PATH and a locale in which messages do not change. No secret belongs among the arguments: they can be read by others. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: AsyncIterable<Buffer>;
  /** Each line of standard error, as it comes. */
  readonly onComplaint?: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Program extends AsyncDisposable {
  /** Must be read to its end, or the program be disposed of. */
  readonly output: AsyncIterable<Buffer>;
  /**
   * The exit code, once the program and its input have ended; undefined where a signal ended it.
   * @throws the signal's reason; what the input threw (the program was killed before it could take that for its end); VolprimeError
   * `ProgramMissing`.
   */
  readonly ended: Promise<number | undefined>;
}

/** After SIGINT, on which restic takes its lock away. */
const PATIENCE_MS = 10_000;

export function startProgram(options: ProgramOptions): Program {
  const { file, args, cwd, env, input, signal, onComplaint = () => undefined } = options;
  const child = spawn(file, args, {
    ...(cwd !== undefined && { cwd }),
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const closed = waitFor(child, file);
  const complaints = readComplaints(child, onComplaint);
  const onAbort = () => void stop(child);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const fed = input === undefined ? Promise.resolve() : feed(child, input);
  const ended = (async () => {
    const [end, feeding] = await Promise.allSettled([closed, fed, complaints]);
    signal.removeEventListener('abort', onAbort);
    signal.throwIfAborted();
    if (end.status === 'rejected') throw end.reason;
    if (feeding.status === 'rejected') throw feeding.reason;
    return end.value;
  })();
  // Whoever disposes of a program early does not ask how it ended.
  ended.catch(() => undefined);
  return {
    output: child.stdout ?? emptyOutput(),
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop(child);
      child.stdout?.destroy();
      await ended.catch(() => undefined);
    },
  };
}

/** @returns the exit code and the last line that is no answer but a complaint. Standard output is given line by line. */
export async function runProgram(
  options: ProgramOptions & { readonly onLine?: (line: string) => void },
): Promise<{ readonly code: number | undefined; readonly complaint: string }> {
  let complaint = '';
  const onComplaint = (line: string) => {
    if (line.trim() !== '') complaint = line.trim();
    options.onComplaint?.(line);
  };
  await using program = startProgram({ ...options, onComplaint });
  for await (const line of splitLines(program.output, 'any')) options.onLine?.(line);
  return { code: await program.ended, complaint };
}

function waitFor(child: ChildProcess, file: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(missing(file, cause)));
    child.once('close', (code) => resolve(code ?? undefined));
  });
}

async function readComplaints(child: ChildProcess, onComplaint: (line: string) => void): Promise<void> {
  if (child.stderr === null) return;
  for await (const line of splitLines(child.stderr, 'any')) onComplaint(line);
}

/** The end of the input is told only where it was the end: a program that is fed half of its input must not take it for the whole. */
async function feed(child: ChildProcess, input: AsyncIterable<Buffer>): Promise<void> {
  const { stdin } = child;
  if (stdin === null) return;
  let broken = false;
  // A program that ends early says why by its exit code.
  stdin.on('error', () => (broken = true));
  const gone = once(child, 'close').catch(() => undefined);
  try {
    for await (const piece of input) {
      if (broken || child.exitCode !== null || child.signalCode !== null) return;
      if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain').catch(() => undefined), gone]);
    }
    stdin.end();
  } catch (error) {
    child.kill('SIGKILL');
    await gone;
    throw error;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await gone.catch(() => undefined);
  clearTimeout(timer);
}

async function* emptyOutput(): AsyncGenerator<Buffer, void, undefined> {}

function missing(file: string, cause: Error): VolprimeError {
  const message = `The program ${file} cannot be started (${cause.message}): is it in the image?`;
  return new AttemptFailedError('ProgramMissing', message, { cause });
}
