/**
 * What a populator container tells the controller.
 *
 * The result is the container's termination message (at most 4,096 bytes, see `terminationMessagePath`): one JSON object in the shape below.
 * Progress is one JSON line a second on standard output. A container that writes no message is judged by its exit code alone.
 */
import * as z from 'zod';
import { progressSchema, resultSchema } from '../api/population.ts';
import { visible } from '../visible.ts';
import { findings } from '../api/populator-program.ts';

const count = z.int().min(0);

/** A capture of a volume in a repository. */
export const captureResultSchema = z.object({
  /** RFC 3339: when it was begun. What is not counted as changed is as it was then. */
  takenAt: z.iso.datetime(),
  /** Of the files' content, holes counted; of a device its size. */
  bytes: count,
  /** 1 of a device. */
  files: count,
  /** By which the repository grew. */
  addedBytes: count,
  /** Names that somebody wrote to meanwhile: what the capture holds of them is not known, and not compared. */
  changed: count,
  durationMs: count,
});
export type CaptureResult = z.infer<typeof captureResultSchema>;

/** What the pod found in the volume before its first write; absent where it did not look, or cannot tell (a block device). */
const found = z.enum(findings).optional();

export const podReportSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('succeeded'),
    found,
    /** One entry per target of the task, in the task's order. */
    targets: z.array(resultSchema.extend({ digest: z.string().max(256).transform(visible).optional() })).min(1),
  }),
  /** A capture was made, or is there (or, where `verified` is true, was read whole and agrees with its manifest). */
  z.object({
    outcome: z.literal('captured'),
    capture: captureResultSchema,
    verified: z.boolean(),
  }),
  z.object({ outcome: z.literal('forgotten') }),
  /** Written before the first write to the volume, and replaced at the end: the last word of a container that was killed. */
  z.object({ outcome: z.literal('unfinished'), found: z.enum(findings) }),
  /** Of the init container that only looks. */
  z.object({ outcome: z.literal('inspected'), found }),
  z.object({
    outcome: z.literal('failed'),
    found,
    /** CamelCase; becomes the reason of condition and event. */
    reason: z.string().regex(/^[A-Z][A-Za-z0-9]{0,127}$/),
    message: z.string().max(2048),
    permanent: z.boolean(),
    retryAfterMs: z.int().min(0).optional(),
  }),
]);
export type PodReport = z.infer<typeof podReportSchema>;
export type FailureReport = Extract<PodReport, { outcome: 'failed' }>;
/** Of a pod that populates. */
export type PopulateReport = Extract<PodReport, { outcome: 'succeeded' }> | FailureReport;

export const progressLineSchema = z.object({ progress: progressSchema.omit({ updatedAt: true }) });
export type ProgressLine = z.infer<typeof progressLineSchema>;

/** The report, or undefined where the text is not one. */
export function parsePodReport(text: string | undefined): PodReport | undefined {
  const json = parseJson(text);
  const parsed = podReportSchema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

/** The newest progress line in the tail of a log, or undefined where there is none. */
export function lastProgress(log: string): ProgressLine['progress'] | undefined {
  for (const line of log.split('\n').reverse()) {
    const parsed = progressLineSchema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data.progress;
  }
  return undefined;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined || !text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
