/** The real restic for tests, and repositories as pods find them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findRestic } from '../../image/restic.ts';

/** From now on the programs that this process starts find restic. */
export async function resticInPath(): Promise<string> {
  const restic = await findRestic(() => undefined);
  const [directory, path = ''] = [dirname(restic), process.env['PATH']];
  if (!path.split(':').includes(directory)) process.env['PATH'] = `${directory}:${path}`;
  return restic;
}

export interface TestRepository {
  /** As a pod is told of them. */
  readonly variables: {
    readonly VOLPRIME_REPOSITORY_SECRET_DIR: string;
    readonly VOLPRIME_REPOSITORY_DIR: string;
  };
  readonly path: string;
  readonly secretDir: string;
  /** Runs restic as somebody would by hand. */
  restic(...args: readonly string[]): string;
}

/** @param directory gets a Secret's directory, and the repository once somebody makes it. */
export function testRepository(directory: string): TestRepository {
  const [secretDir, claim] = [join(directory, 'secret'), join(directory, 'claim')];
  const path = join(claim, 'repository');
  mkdirSync(secretDir, { recursive: true });
  mkdirSync(claim, { recursive: true });
  writeFileSync(join(secretDir, 'repository'), `${path}\n`);
  writeFileSync(join(secretDir, 'password'), 'correct horse battery\n');
  const common = ['--repo', path, '--password-file', join(secretDir, 'password'), '--no-cache'];
  return {
    variables: { VOLPRIME_REPOSITORY_SECRET_DIR: secretDir, VOLPRIME_REPOSITORY_DIR: claim },
    path,
    secretDir,
    restic: (...args) =>
      execFileSync('restic', [...common, ...args], { encoding: 'utf8', stdio: 'pipe', env: process.env }),
  };
}
