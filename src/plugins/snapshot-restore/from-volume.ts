/** From a volume that a CSI driver made of the snapshot to another one. Nobody writes to either meanwhile. */
import { reportProgress } from '../../extract/progress.ts';
import { flushVolume } from '../../extract/write/flush-volume.ts';
import { PermanentError } from '../../sdk/index.ts';
import {
  compareExtents,
  compareTree,
  copyTree,
  describeDevice,
  describeTree,
  fidelityOf,
  type ManifestHeader,
  readDevice,
  readEntry,
  readManifest,
  requireDevice,
  writeDevice,
} from '../../tree/index.ts';
import { makeScratch, together } from '../snapshot-capture/work.ts';
import { makeRoom, type RestoreOptions } from './make-room.ts';
import type { Restored } from './restored.ts';
import { normalSubtree, refuseSubtreeOfDevice, requireSameKind } from './subtree.ts';
import type { RestoreTask } from './task.ts';

type Place = RestoreTask['target'];

/** @throws VolprimeError; then the target must not be used. */
export async function restoreFromVolume(task: RestoreTask, source: Place, given: RestoreOptions): Promise<Restored> {
  requireSameKind(source.kind, task.target.kind);
  using scratch = makeScratch();
  const halt = new AbortController();
  const run = {
    task,
    source,
    scratch: scratch.path,
    halt,
    options: { ...given, signal: AbortSignal.any([given.signal, halt.signal]) },
  };
  return await (source.kind === 'device' ? copyDevice(run) : copyFiles(run));
}

interface Run {
  readonly task: RestoreTask;
  readonly source: Place;
  readonly scratch: string;
  /** Ends all work at once. */
  readonly halt: AbortController;
  readonly options: RestoreOptions;
}

async function copyFiles({
  task: { target, subtree: asked, verify },
  source,
  scratch,
  halt,
  options,
}: Run): Promise<Restored> {
  const { logger, signal, onProgress } = options;
  const subtree = normalSubtree(asked);
  const from = directoryIn(source.path, subtree);
  const description = await describeTree({ root: from, scratch, live: false, signal });
  const { files, bytes } = description.survey;
  const counted = { bytes: 0, length: bytes, files };
  using _ = reportProgress(() => counted, onProgress);
  await makeRoom(target.path, options);
  logger.info('copying', { bytes, files, subtree });
  const copied = copyTree({
    from,
    to: target.path,
    wholeVolume: subtree === '',
    onBytes: (done) => (counted.bytes = done),
    signal,
  });
  await together(halt, copied, verify ? description.read() : Promise.resolve());
  await flushVolume(target.path, signal);
  if (verify) {
    logger.info('comparing');
    const manifest = await description.complete(header('directory'));
    const fidelity = fidelityOf(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    const options = { subtree: '', fidelity, onFile: () => undefined, signal };
    await compareTree(target.path, readManifest(manifest.text()), options);
  }
  return { files, bytes };
}

async function copyDevice({ task, source, scratch, options }: Run): Promise<Restored> {
  const { logger, signal, onProgress } = options;
  refuseSubtreeOfDevice(normalSubtree(task.subtree));
  for (const { path } of [source, task.target]) requireDevice(path);
  const counted = { bytes: 0, length: undefined, files: 0 };
  using _ = reportProgress(() => counted, onProgress);
  const description = describeDevice(scratch);
  const content = description.describe(readDevice(source.path, signal), (bytes) => (counted.bytes += bytes));
  await writeDevice(task.target.path, content, () => undefined);
  const manifest = description.complete(header('device'));
  if (task.verify) {
    logger.info('comparing');
    const target = readDevice(task.target.path, signal);
    await compareExtents(target, readManifest(manifest.text()), () => undefined);
  }
  return { files: 1, bytes: manifest.totals.bytes };
}

/** No link on the way is followed: it could lead out of the volume. @throws PermanentError `PathNotInSnapshot` */
function directoryIn(volume: string, subtree: string): string {
  let path = '';
  for (const part of subtree.split('/').filter((name) => name !== '')) {
    path = path === '' ? part : `${path}/${part}`;
    if (readEntry(Buffer.from(volume), Buffer.from(path).toString('latin1'))?.type === 'directory') continue;
    throw new PermanentError('PathNotInSnapshot', `The snapshot has no directory ${JSON.stringify(path)}.`);
  }
  return subtree === '' ? volume : `${volume}/${subtree}`;
}

function header(kind: Place['kind']): ManifestHeader {
  return { manifest: 'volprime', version: 1, kind, about: {}, startedAt: new Date().toISOString() };
}
