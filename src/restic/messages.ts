/** What restic prints with --json, one object a line (its documentation, "JSON output"). */
import * as z from 'zod';

const count = z.number().min(0);

const statusSchema = z.object({
  message_type: z.literal('status'),
  bytes_done: count.optional(),
  files_done: count.optional(),
  bytes_restored: count.optional(),
  files_restored: count.optional(),
});

const summarySchema = z.object({
  message_type: z.literal('summary'),
  snapshot_id: z.string().optional(),
  /** Bytes that the repository grew by, compressed and encrypted. */
  data_added_packed: count.optional(),
  total_bytes_processed: count.optional(),
  total_files_processed: count.optional(),
});

const errorSchema = z.object({
  message_type: z.literal('error'),
  error: z.object({ message: z.string() }),
  item: z.string().optional(),
});

const exitSchema = z.object({ message_type: z.literal('exit_error'), message: z.string() });

const messageSchema = z.discriminatedUnion('message_type', [statusSchema, summarySchema, errorSchema, exitSchema]);
export type ResticMessage = z.infer<typeof messageSchema>;
export type ResticStatus = z.infer<typeof statusSchema>;
export type ResticSummary = z.infer<typeof summarySchema>;

/** Undefined for what is no message, or one that nobody here needs. */
export function parseMessage(line: string): ResticMessage | undefined {
  const parsed = messageSchema.safeParse(parseJson(line));
  return parsed.success ? parsed.data : undefined;
}

export const snapshotsSchema = z.array(
  z.object({
    id: z.string(),
    time: z.string(),
    tags: z.array(z.string()).nullish(),
    summary: z.object({ total_bytes_processed: count, data_added_packed: count.optional() }).nullish(),
  }),
);

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
