/** Runs a program to its end and gives its output, or an error that holds the command and what it printed. */
import { execFile } from 'node:child_process';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

const OUTPUT_LIMIT = 64 * 1024 * 1024;

export function run(command: Command): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command.file,
      [...command.args],
      { cwd: command.cwd ?? '/', env: command.env ?? process.env, maxBuffer: OUTPUT_LIMIT },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            new Error(`${command.file} ${command.args.join(' ')}: ${`${stderr}${stdout}`.trim() || error.message}`),
          );
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(command.input ?? '');
  });
}

/** Like run, for a program whose failure means "there is none" (a mount, a link, a device that is gone already). */
export async function tryRun(command: Command): Promise<string | undefined> {
  return run(command).catch(() => undefined);
}
