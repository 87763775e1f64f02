/** One repository: each method is one run of restic. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AttemptFailedError, PermanentError } from '../sdk/errors.ts';
import type { PluginLogger } from '../sdk/index.ts';
import { type Program, runProgram, splitLines, startProgram } from '../tree/index.ts';
import type { Credentials } from './credentials.ts';
import { type Ending, failureOf, unreachable } from './failure.ts';
import { parseJson, parseMessage, type ResticStatus, type ResticSummary, snapshotsSchema } from './messages.ts';
import { Words } from './words.ts';

export interface RepositoryOptions {
  readonly credentials: Credentials;
  /** For caches and packs under way; some hundred MB for a large repository. */
  readonly scratch: string;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
  /** Of the program; found in PATH unless told. */
  readonly program?: string;
  /** How long the repository may take to answer at all (default 60,000). */
  readonly openTimeoutMs?: number;
}

export interface RepositorySnapshot {
  readonly id: string;
  readonly time: Date;
  readonly tags: readonly string[];
  /** Undefined where restic died before it could say. */
  readonly bytes: number | undefined;
  readonly addedBytes: number | undefined;
}

/** What a backup came to. */
export interface Summary {
  readonly snapshotId: string;
  readonly bytes: number;
  /** By which the repository grew. */
  readonly addedBytes: number;
}

export interface BackupOptions {
  readonly tags: readonly string[];
  readonly onStatus?: (status: ResticStatus) => void;
}

interface Command {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly input?: AsyncIterable<Buffer>;
  readonly onStatus?: ((status: ResticStatus) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** Waits so long for others' locks. */
const RETRY_LOCK = '1m';
const OPEN_TIMEOUT_MS = 60_000;
const HOST = 'volprime';
const MINIMUM = [0, 17] as const;
const NO_REPOSITORY = 10;

export class Repository {
  readonly #options: RepositoryOptions;
  readonly #program: string;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#program = options.program ?? 'restic';
    mkdirSync(join(options.scratch, 'cache'), { recursive: true });
  }

  /**
   * Makes sure that it answers and that the password opens it, and lists the snapshots that have all tags of one of the sets, the oldest first:
   * one run, since each costs the better part of a second to derive the key.
   * @param absent what to do where there is no repository; two that make it at once both find one, if it is a path: elsewhere perhaps none that
   * opens, and who calls sees to it that there is one at a time.
   * @throws VolprimeError `ProgramMissing`, `RepositoryNotFound`, `RepositoryUnreachable`, `RepositoryDenied`, `RepositoryPasswordWrong`
   */
  async open(absent: 'create' | 'refuse', wanted: readonly (readonly string[])[]): Promise<RepositorySnapshot[]> {
    // An older one may say anything: its age is what is told then.
    const [version, listing] = await Promise.allSettled([this.#checkVersion(), this.#list(wanted)]);
    if (version.status === 'rejected') throw version.reason;
    if (listing.status === 'rejected') throw listing.reason;
    const first = listing.value;
    if (first.ending.code === 0) return first.snapshots();
    if (first.ending.code !== NO_REPOSITORY || absent === 'refuse') throw failureOf(first.ending);
    const made = await this.#create();
    if (made.code === 0) this.#options.logger.info('repository created');
    // Somebody else may have been faster.
    const second = await this.#list(wanted);
    if (second.ending.code === 0) return second.snapshots();
    throw failureOf(second.ending.code === NO_REPOSITORY ? made : second.ending);
  }

  /** The content of a directory, without `exclude` (names in it). `parent`: files that have not changed since are not read again. */
  async backupTree(
    directory: string,
    options: BackupOptions & { readonly exclude: readonly string[]; readonly parent: string | undefined },
  ): Promise<Summary> {
    const { tags, exclude, parent, onStatus } = options;
    const args = [
      'backup',
      '--no-scan',
      ...exclude.flatMap((name) => ['--exclude', join(directory, name)]),
      ...(parent === undefined ? ['--force'] : ['--parent', parent]),
      ...described(tags),
      '.',
    ];
    return this.#backup({ args, cwd: directory, onStatus });
  }

  /** One file whose content is given. */
  async backupStream(name: string, input: AsyncIterable<Buffer>, { tags, onStatus }: BackupOptions): Promise<Summary> {
    const args = ['backup', '--stdin', '--stdin-filename', name, '--force', ...described(tags)];
    return this.#backup({ args, input, onStatus });
  }

  /**
   * The content of one file; without `name` all of the snapshot as a tar stream. Disposing of it early ends the program.
   * @throws while it is read: VolprimeError of the reason.
   */
  async *dump(snapshot: string, name?: string): AsyncGenerator<Buffer, void> {
    const what = name === undefined ? ['--archive', 'tar', snapshot, '/'] : [snapshot, `/${name}`];
    const ending = new Words(this.#options.credentials);
    await using program = this.#start({ args: ['dump', ...what] }, ending);
    yield* program.output;
    const code = await program.ended;
    if (code !== 0) throw failureOf(ending.of(code));
  }

  /** @param subtree a directory of the snapshot, whose content is restored; '' is all. Holes stay holes. */
  async restore(
    snapshot: string,
    subtree: string,
    target: string,
    onStatus: (status: ResticStatus) => void,
  ): Promise<void> {
    const from = subtree === '' ? snapshot : `${snapshot}:/${subtree}`;
    await this.#must({ args: ['restore', from, '--target', target, '--sparse'], onStatus });
  }

  /** Removes them, and the data that only they used: restic rewrites packs that are mostly unused. */
  async forget(snapshots: readonly string[]): Promise<void> {
    await this.#must({ args: snapshots.length > 0 ? ['forget', '--prune', ...snapshots] : ['prune'] });
  }

  /**
   * Takes away locks whose owner is dead: restic knows it where the host bears the same name as this one and has no such process, or the lock
   * has not been renewed for half an hour. Twice, since the first run may have the process number of the dead one.
   */
  async unlock(): Promise<void> {
    await this.#must({ args: ['unlock'] });
    await this.#must({ args: ['unlock'] });
  }

  async #backup(command: Command): Promise<Summary> {
    let summary: ResticSummary | undefined;
    await this.#must(command, (line) => {
      const message = parseMessage(line);
      if (message?.message_type === 'summary') summary = message;
    });
    if (summary?.snapshot_id === undefined) {
      throw new AttemptFailedError('RepositoryFailed', 'restic ended without a snapshot.');
    }
    const { snapshot_id, total_bytes_processed = 0, data_added_packed = 0 } = summary;
    return { snapshotId: snapshot_id, bytes: total_bytes_processed, addedBytes: data_added_packed };
  }

  async #checkVersion(): Promise<void> {
    let version = '';
    const { signal } = this.#options;
    await runProgram({ file: this.#program, args: ['version'], signal, onLine: (line) => (version += line) });
    const [, major = 0, minor = 0] = (/restic (\d+)\.(\d+)/.exec(version) ?? []).map(Number);
    if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
    const message = `restic 0.17 or later is needed, and ${JSON.stringify(version.slice(0, 80))} is what there is.`;
    throw new PermanentError('ProgramMissing', message);
  }

  /**
   * Where the repository is a path it is made beside it and takes its place whole: of two that restic makes at once in one place, the second
   * leaves a key behind that fits the password and not the repository, and nobody can open it any more.
   */
  async #create(): Promise<Ending> {
    const { credentials, scratch } = this.#options;
    const { path } = credentials;
    if (path === undefined || isMountPoint(path)) return this.#run({ args: ['init'] });
    const beside = mkdtempSync(`${path}.new-`);
    try {
      const file = join(scratch, basename(beside));
      writeFileSync(file, beside, { mode: 0o600 });
      const made = await this.#run({ args: ['init', '--repository-file', file] });
      return made.code === 0 && !takePlace(beside, path) ? { ...made, code: NO_REPOSITORY } : made;
    } finally {
      rmSync(beside, { recursive: true, force: true });
    }
  }

  /** With a time limit: restic itself would try for a quarter of an hour. */
  async #list(wanted: readonly (readonly string[])[]): Promise<{
    readonly ending: Ending;
    readonly snapshots: () => RepositorySnapshot[];
  }> {
    const { signal, openTimeoutMs = OPEN_TIMEOUT_MS } = this.#options;
    const timeout = AbortSignal.timeout(openTimeoutMs);
    const words = new Words(this.#options.credentials);
    const lines: string[] = [];
    const args = ['snapshots', '--no-lock', ...wanted.flatMap((tags) => ['--tag', tags.join(',')])];
    try {
      const command = { args, signal: AbortSignal.any([signal, timeout]) };
      const ending = words.of(await this.#drain(command, words, (line) => lines.push(line)));
      return { ending, snapshots: () => snapshotsIn(lines.join('\n')) };
    } catch (error) {
      if (!timeout.aborted || signal.aborted) throw error;
      throw unreachable(words.words === '' ? 'no answer' : words.words);
    }
  }

  async #must(command: Command, onLine?: (line: string) => void): Promise<void> {
    const ending = await this.#run(command, onLine);
    if (ending.code !== 0) throw failureOf(ending);
  }

  async #run(command: Command, onLine?: (line: string) => void): Promise<Ending> {
    const ending = new Words(this.#options.credentials);
    return ending.of(await this.#drain(command, ending, onLine));
  }

  async #drain(command: Command, ending: Words, onLine?: (line: string) => void): Promise<number | undefined> {
    await using program = this.#start(command, ending);
    for await (const line of splitLines(program.output, 'any')) {
      onLine?.(line);
      const message = parseMessage(line);
      if (message?.message_type === 'status') command.onStatus?.(message);
    }
    return program.ended;
  }

  #start({ args, cwd, input, signal }: Command, ending: Words): Program {
    const { credentials, scratch } = this.#options;
    const common = ['--json', '--retry-lock', RETRY_LOCK, '--cache-dir', join(scratch, 'cache')];
    return startProgram({
      file: this.#program,
      args: [...credentials.args, ...common, ...args],
      env: { ...proxies(), ...credentials.env, RESTIC_PROGRESS_FPS: '1', TMPDIR: scratch, HOME: scratch },
      ...(cwd !== undefined && { cwd }),
      ...(input && { input }),
      onComplaint: (line) => ending.take(line),
      signal: signal ?? this.#options.signal,
    });
  }
}

/** @returns false where there is something already. */
function takePlace(directory: string, path: string): boolean {
  try {
    renameSync(directory, path);
    return true;
  } catch {
    return false;
  }
}

/** The root of a volume cannot be replaced. */
function isMountPoint(path: string): boolean {
  const here = statSync(path, { throwIfNoEntry: false });
  return here !== undefined && here.dev !== statSync(dirname(path)).dev;
}

function snapshotsIn(text: string): RepositorySnapshot[] {
  const parsed = snapshotsSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new AttemptFailedError('RepositoryFailed', 'restic lists snapshots in an unknown way.');
  return parsed.data
    .map(({ id, time, tags, summary }) => ({
      id,
      time: new Date(time),
      tags: tags ?? [],
      bytes: summary?.total_bytes_processed,
      addedBytes: summary?.data_added_packed,
    }))
    .sort((a, b) => a.time.getTime() - b.time.getTime());
}

/** The host is always the same: what belongs together is told by tags. */
function described(tags: readonly string[]): string[] {
  return ['--host', HOST, ...tags.flatMap((tag) => ['--tag', tag])];
}

/** What the operator says of the way out, and whom to trust on it. */
function proxies(): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'SSL_CERT_FILE'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
