/** Takes a volume into the repository. */
import { reportProgress } from '../../extract/progress.ts';
import type { Repository, Summary } from '../../restic/index.ts';
import type { CaptureResult } from '../../sdk/pod-report.ts';
import { AttemptFailedError } from '../../sdk/index.ts';
import {
  describeDevice,
  describeTree,
  type EarlierManifest,
  type Manifest,
  type ManifestHeader,
  OF_THE_FILE_SYSTEM,
  readDevice,
  requireDevice,
  type TreeDescription,
} from '../../tree/index.ts';
import {
  type About,
  type Capture,
  dataTags,
  DEVICE_FILE,
  type Earlier,
  findCapture,
  findEarlier,
  MANIFEST_FILE,
  manifestTags,
  resultOf,
  tagsOfClaim,
  tagsOfKey,
} from './captures.ts';
import type { CaptureTask } from './task.ts';
import { makeScratch, type Opened, openRepository, type RunOptions, type Scratch, together } from './work.ts';

export type Task = Extract<CaptureTask, { action: 'capture' }>;

/**
 * A capture that the repository has already is told of and not made again. Otherwise: the data, then, once all of it is there, the manifest.
 *
 * @throws VolprimeError; then the repository holds no complete capture of the key, and at most data without a manifest.
 */
export async function capture(task: Task, given: RunOptions): Promise<CaptureResult> {
  using scratch = makeScratch();
  const halt = new AbortController();
  const options = { ...given, signal: AbortSignal.any([given.signal, halt.signal]) };
  const { claimUid } = task.origin;
  const startedAt = new Date();
  const begun = performance.now();
  // Opening is mostly the deriving of a key: meanwhile the names of a tree are walked.
  const [{ repository, listed }, tree] = await together(
    halt,
    open(task, options, scratch),
    task.source.kind === 'device' ? Promise.resolve(undefined) : survey(task, options, scratch),
  );
  const there = findCapture(listed, task.key);
  if (there !== undefined) return resultOf(there);
  const run = { task, options, halt, repository, startedAt, scratch: scratch.path };
  const { manifest, data } =
    tree === undefined ? await captureDevice(run) : await captureTree(run, tree, findEarlier(listed, claimUid));
  const about: About = {
    takenAt: startedAt.toISOString(),
    bytes: manifest.totals.bytes,
    files: manifest.totals.files,
    addedBytes: data?.addedBytes ?? 0,
    changed: manifest.totals.changed,
    durationMs: Math.round(performance.now() - begun),
    ...(data && { data: data.snapshotId }),
    kind: task.source.kind,
    length: manifest.length,
  };
  const tags = manifestTags(task.key, claimUid, about);
  const written = await repository.backupStream(MANIFEST_FILE, manifest.text(), { tags });
  if (written.bytes !== manifest.length) {
    throw new AttemptFailedError('RepositoryFailed', 'restic did not take all of the manifest.');
  }
  return resultOf({ about, manifest: written.snapshotId });
}

async function open({ key, origin }: Task, options: RunOptions, scratch: Scratch): Promise<Opened> {
  const wanted = [tagsOfKey(key), tagsOfClaim(origin.claimUid)];
  const opened = await openRepository(options, { scratch, absent: 'create', wanted });
  // At once, though the walk may take minutes yet: captures wait for the word that the repository is there.
  options.onProgress({ bytesDone: 0, files: 0 });
  return opened;
}

function survey({ source, consistency }: Task, { signal }: RunOptions, { path }: Scratch): Promise<TreeDescription> {
  return describeTree({ root: source.path, scratch: path, live: consistency === 'live', signal });
}

interface Run {
  readonly task: Task;
  readonly options: RunOptions;
  /** Ends all work at once. */
  readonly halt: AbortController;
  readonly repository: Repository;
  readonly startedAt: Date;
  readonly scratch: string;
}

interface Taken {
  /** Undefined: there was nothing to take. */
  readonly data: Summary | undefined;
  readonly manifest: Manifest;
}

/** Names of an empty volume. */
const ROOT_ALONE = 1;

async function captureTree(
  { task, options, halt, repository, startedAt }: Run,
  description: TreeDescription,
  earlier: Earlier,
): Promise<Taken> {
  const { key, origin, source, consistency } = task;
  const { names, files, bytes } = description.survey;
  options.logger.info('capturing', { files, bytes, consistency });
  if (names === ROOT_ALONE) {
    await description.read();
    return { data: undefined, manifest: await description.complete(headerOf(task, startedAt)) };
  }
  const counted = { bytes: 0, length: bytes, files: 0 };
  using _ = reportProgress(() => counted, options.onProgress);
  const [data] = await together(
    halt,
    repository.backupTree(source.path, {
      tags: dataTags(key, origin.claimUid),
      exclude: [...OF_THE_FILE_SYSTEM],
      parent: earlier.data,
      onStatus: ({ bytes_done = 0, files_done = 0 }) => {
        counted.bytes = bytes_done;
        counted.files = files_done;
      },
    }),
    description.read(manifestOf(repository, earlier.capture, options)),
  );
  return { data, manifest: await description.complete(headerOf(task, startedAt)) };
}

async function captureDevice({ task, options, repository, startedAt, scratch }: Run): Promise<Taken> {
  const { key, origin, source } = task;
  requireDevice(source.path);
  const counted = { bytes: 0, length: origin.capacityBytes, files: 0 };
  using _ = reportProgress(() => counted, options.onProgress);
  const description = describeDevice(scratch);
  const content = description.describe(readDevice(source.path, options.signal), (bytes) => (counted.bytes += bytes));
  const data = await repository.backupStream(DEVICE_FILE, content, { tags: dataTags(key, origin.claimUid) });
  const manifest = description.complete(headerOf(task, startedAt));
  if (data.bytes !== manifest.totals.bytes) {
    throw new AttemptFailedError('RepositoryFailed', 'restic did not take all of the device.');
  }
  return { data, manifest };
}

function headerOf({ key, origin, source, consistency }: Task, startedAt: Date): ManifestHeader {
  return {
    manifest: 'volprime',
    version: 1,
    kind: source.kind,
    about: { key, consistency, origin },
    startedAt: startedAt.toISOString(),
  };
}

/** What the last capture of the claim knows of its files. A manifest that cannot be read costs time and nothing else. */
function manifestOf(
  repository: Repository,
  earlier: Capture | undefined,
  { logger, signal }: RunOptions,
): EarlierManifest | undefined {
  if (earlier === undefined || earlier.about.kind !== 'directory') return undefined;
  return {
    text: repository.dump(earlier.manifest, MANIFEST_FILE),
    onUnreadable(error) {
      signal.throwIfAborted();
      logger.warn('the manifest of the last capture cannot be read; files are', { error: String(error) });
    },
  };
}
