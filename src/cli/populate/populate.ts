/**
 * `volprime populate`: fills a directory as a populator pod fills a volume, by the same code.
 *
 * Guarantee: with exit code 0 the directory holds all of the content, verified and flushed. With any other it is as empty as it was
 * found, or as `--on-existing Clean` made it; what is told at the end says so.
 */
import { exitCodeOf, failureReport } from '../../pod/index.ts';
import { AttemptFailedError, PermanentError, type PopulateReport } from '../../sdk/index.ts';
import type { ProviderSpec } from '../../api/provider.ts';
import { holdsImage } from '../../plugins/download-and-extract/job-of.ts';
import { TASK_VERSION } from '../../plugins/download-and-extract/task.ts';
import { kindOf, type LocalTarget, type OnExisting, openTarget } from './local-target.ts';
import type { Reporter } from './reporter.ts';
import { readSource, type SourceFlags } from './source.ts';

export interface PopulateFlags extends SourceFlags {
  readonly target: string;
  /** Undefined: as the Provider says, else Fail. */
  readonly onExisting?: OnExisting;
}

export interface PopulateOptions {
  readonly flags: PopulateFlags;
  readonly reporter: Reporter;
  /** Its reason is the name of the signal that came. */
  readonly signal: AbortSignal;
}

/** As of a program that SIGINT ended. */
export const INTERRUPTED = 130;

/** @returns the exit code: 0 populated, 1 worth another try, 2 not to be mended by one, 130 interrupted from the keyboard. */
export async function populate({ flags, reporter, signal }: PopulateOptions): Promise<number> {
  let target: LocalTarget | undefined;
  try {
    const { spec, ...files } = await readSource(flags);
    const onExisting = flags.onExisting ?? spec.onExisting ?? 'Fail';
    refuseMisfit(spec, flags.target);
    target = openTarget(flags.target, onExisting);
    const { path, kind } = target;
    const { runTask } = await import('../../plugins/download-and-extract/run.ts');
    const targets = await runTask(
      {
        version: TASK_VERSION,
        plugin: 'download-and-extract',
        attemptId: 'local',
        targets: [{ path, kind, spec: { ...spec, onExisting } }],
      },
      {
        ...files,
        logger: reporter.logger,
        onProgress: (progress) => reporter.progress(progress),
        signal,
      },
    );
    const report: PopulateReport = { outcome: 'succeeded', targets };
    reporter.end(report, undefined);
    return exitCodeOf(report);
  } catch (error) {
    const report = failureReport(signal.aborted ? interrupted(signal.reason) : error);
    // What is in a directory that somebody else fills is theirs.
    reporter.end(report, report.reason === 'VolumeBusy' ? undefined : undo(target));
    return signal.reason === 'SIGINT' ? INTERRUPTED : exitCodeOf(report);
  }
}

/** Before anything is made, or may be emptied. */
function refuseMisfit(spec: ProviderSpec, path: string): void {
  const kind = kindOf(path);
  if (holdsImage(spec) === (kind === 'device')) return;
  const what =
    kind === 'device'
      ? `${path} is a block device, which takes the image of a disk: say format Raw where the source is one, or name a directory`
      : `the image of a disk (format Raw) goes onto a block device: name one with --target, or say format File to have it as a file`;
  throw new PermanentError('InvalidTarget', `${what}.`);
}

function undo(target: LocalTarget | undefined): string | undefined {
  try {
    return target?.undo();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return `what was written to ${target?.path} so far is still there: ${words}`;
  }
}

function interrupted(reason: unknown): AttemptFailedError {
  return new AttemptFailedError('Interrupted', `It was told to stop (${String(reason)}) before it was complete.`);
}
