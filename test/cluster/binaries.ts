/**
 * Builds Kubernetes, the storage sidecars and what else there is as Go modules, once per machine: each module's output is
 * cached under the hash of its sources, so a second checkout finds it ready.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { run, tryRun } from './command.ts';
import { goModules, type GoModule } from './go-modules.ts';
import { withLock } from './lock.ts';
import { cacheRoot, sourceDir } from './paths.ts';

export type Log = (line: string) => void;

/** Builds what is missing. Gives the directory that holds every program: of the modules of a cluster, kubectl among them. */
export async function ensureBinaries(log: Log, modules: readonly GoModule[] = goModules): Promise<string> {
  const root = join(cacheRoot(), 'bin');
  const builds = modules.map((module) => ({ module, dir: join(root, `${module.name}-${hashOf(module)}`) }));
  const binDir = join(
    root,
    createHash('sha256')
      .update(builds.map((build) => build.dir).join())
      .digest('hex')
      .slice(0, 16),
  );
  if (existsSync(binDir)) return binDir;
  return withLock(join(root, 'build.lock'), async () => {
    for (const build of builds) {
      if (!existsSync(build.dir)) await buildModule(build.module, build.dir, log);
    }
    if (!existsSync(binDir)) linkAll(builds, binDir);
    return binDir;
  });
}

function hashOf(module: GoModule): string {
  const hash = createHash('sha256').update(JSON.stringify([module, process.arch]));
  const dir = moduleDir(module);
  for (const file of readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/(\.go|go\.mod|go\.sum)$/.test(file) && !file.endsWith('_test.go')) {
      hash.update(file).update(readFileSync(join(dir, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

export function moduleDir({ name, dir }: Pick<GoModule, 'name' | 'dir'>): string {
  return dir === undefined ? join(sourceDir, 'go', name) : join(sourceDir, '../..', dir);
}

export function goEnvironment(module: GoModule): NodeJS.ProcessEnv {
  const noSum = [process.env['GONOSUMDB'], module.noSumDb].filter((value) => value !== undefined && value !== '');
  return { ...process.env, CGO_ENABLED: '0', GONOSUMDB: noSum.join(',') };
}

/** Builds into a temporary directory and renames it, so that a failed build leaves nothing behind. */
async function buildModule(module: GoModule, target: string, log: Log): Promise<void> {
  await requireGo(module);
  mkdirSync(join(target, '..'), { recursive: true });
  const temporary = mkdtempSync(join(target, '..', 'building-'));
  try {
    log(`building ${module.programs.join(', ')} (${module.coldTime} on two cores when Go's cache is empty)`);
    const started = Date.now();
    const output = join(temporary, module.packages.length > 1 ? '' : module.executable);
    const args = [
      'build',
      '-trimpath',
      ...(module.tags === undefined ? [] : ['-tags', module.tags]),
      '-ldflags',
      ['-s', '-w', ...module.ldflags].join(' '),
      '-o',
      output,
      ...module.packages,
    ];
    await goBuild({ module, args, logFile: join(temporary, 'build.log'), log });
    for (const program of module.programs.filter((name) => !existsSync(join(temporary, name)))) {
      symlinkSync(module.executable, join(temporary, program));
    }
    for (const crds of module.crds) await copyCrds(module, crds, join(temporary, 'crds'));
    renameSync(temporary, target);
    log(`built ${module.name} in ${seconds(started)} s`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function requireGo(module: GoModule): Promise<void> {
  const version = await tryRun({ file: 'go', args: ['version'] });
  if (version === undefined)
    throw new Error(
      `Go (1.25 or later) is needed to build ${module.programs.join(', ')}, and there is no "go" in PATH`,
    );
}

interface GoBuild {
  readonly module: GoModule;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly log: Log;
}

async function goBuild(build: GoBuild): Promise<void> {
  const started = Date.now();
  const output = openSync(build.logFile, 'w');
  const ticker = setInterval(() => build.log(`  still building ${build.module.name}, ${seconds(started)} s`), 30_000);
  try {
    const child = spawn('go', build.args, {
      cwd: moduleDir(build.module),
      env: goEnvironment(build.module),
      stdio: ['ignore', output, output],
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`go build of ${build.module.name} failed:\n${lastLines(build.logFile)}`);
  } finally {
    clearInterval(ticker);
    closeSync(output);
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-30).join('\n');
}

async function copyCrds(module: GoModule, crds: GoModule['crds'][number], target: string): Promise<void> {
  const go = { file: 'go', cwd: moduleDir(module), env: goEnvironment(module) };
  await run({ ...go, args: ['mod', 'download', crds.module] });
  const dir = (await run({ ...go, args: ['list', '-m', '-f', '{{.Dir}}', crds.module] })).trim();
  mkdirSync(target, { recursive: true });
  for (const file of crds.files) cpSync(join(dir, crds.folder, file), join(target, file));
}

function linkAll(builds: readonly { module: GoModule; dir: string }[], binDir: string): void {
  const temporary = mkdtempSync(join(binDir, '..', 'linking-'));
  for (const { module, dir } of builds) {
    for (const program of module.programs) symlinkSync(relative(binDir, join(dir, program)), join(temporary, program));
    const crds = join(dir, 'crds');
    if (existsSync(crds)) symlinkSync(relative(binDir, crds), join(temporary, `crds-${module.name}`));
  }
  renameSync(temporary, binDir);
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
