/** The pod's last word: the container's termination message and the exit code that goes with it. */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type FailureReport, VolprimeError, type PodReport } from '../sdk/index.ts';
import { visible, visibleJson } from '../visible.ts';
import { withoutCredentials } from '../without-credentials.ts';

/** The kubelet cuts what is longer. */
const MAX_REPORT_BYTES = 4096;
const MAX_MESSAGE_BYTES = 2000;

export const exitCodes = { succeeded: 0, retryable: 1, permanent: 2 } as const;

export function failureReport(error: unknown): FailureReport {
  if (!(error instanceof VolprimeError)) {
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { outcome: 'failed', reason: 'PopulatorFailed', message: shorten(words), permanent: false };
  }
  return {
    outcome: 'failed',
    reason: error.code,
    message: shorten(error.message),
    permanent: error.retry.type === 'never',
    ...(error.retry.type === 'after' && { retryAfterMs: error.retry.ms }),
  };
}

export function exitCodeOf(report: PodReport): number {
  if (report.outcome !== 'failed') return exitCodes.succeeded;
  return report.permanent ? exitCodes.permanent : exitCodes.retryable;
}

export function writeReport(path: string, report: PodReport): void {
  const json = visibleJson(JSON.stringify(report));
  if (Buffer.byteLength(json) > MAX_REPORT_BYTES) throw new Error(`the report exceeds ${MAX_REPORT_BYTES} bytes`);
  // Not emptied first: a process that is killed in between must leave the earlier report.
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    ftruncateSync(file, writeSync(file, json, 0));
  } finally {
    closeSync(file);
  }
}

/** Cuts at a character's border; JSON escapes are allowed for by counting the escaped form. */
function shorten(message: string): string {
  let kept = '';
  let size = 0;
  for (const character of visible(withoutCredentials(message))) {
    size += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (size > MAX_MESSAGE_BYTES) return `${kept}…`;
    kept += character;
  }
  return kept;
}
