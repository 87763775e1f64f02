/**
 * What is known of one capture beside upstream's status, kept as an annotation on the content: written before the first side effect, gone
 * with the content, and readable to whoever may read contents. Why there and not in a kind of its own: docs/decisions.
 */
import * as z from 'zod';
import type { Volume } from '../api/objects.ts';
import { parseQuantity } from '../api/quantity.ts';
import { ANNOTATION_CAPTURE, type VolumeSnapshotContent } from '../api/snapshots.ts';
import type { CaptureParams, PluginState } from '../sdk/index.ts';

/** It grows when a controller that knows only the old meaning would do harm. A record of a later format is left alone. */
export const CAPTURE_FORMAT = 1;

const json: z.ZodType<PluginState> = z.json();

const captureRecordSchema = z.object({
  format: z.literal(CAPTURE_FORMAT),
  key: z.string().min(1),
  /** How often the capture was begun: again after each failure that ended it. */
  attempt: z.int().min(1),
  source: z.object({
    namespace: z.string().min(1),
    claim: z.string().min(1),
    claimUid: z.string().min(1),
    volume: z.string().min(1),
    capacityBytes: z.int().min(0).optional(),
  }),
  /** Of the class, without those of the framework. */
  parameters: z.record(z.string(), z.string()),
  /** The plugin's answer to this attempt's beginning. */
  handle: z.string().min(1).optional(),
  state: json.optional(),
});

export type CaptureRecord = z.infer<typeof captureRecordSchema>;

/** Undefined: there is none. `unreadable`: of a later version, or spoilt by somebody; nothing may be done on its account. */
export function captureRecordOf({ metadata }: VolumeSnapshotContent): CaptureRecord | 'unreadable' | undefined {
  const text = metadata.annotations?.[ANNOTATION_CAPTURE];
  if (text === undefined) return undefined;
  try {
    return captureRecordSchema.safeParse(JSON.parse(text)).data ?? 'unreadable';
  } catch {
    return 'unreadable';
  }
}

/** The annotation that says it. */
export function recorded(record: CaptureRecord): Readonly<Record<string, string>> {
  return { [ANNOTATION_CAPTURE]: JSON.stringify(record) };
}

/** The source as the plugin's functions get it. */
export function sourceOf({ source }: CaptureRecord): CaptureParams<unknown>['source'] {
  return { ...source, capacityBytes: source.capacityBytes };
}

/** As a member of a record's source; none where the volume does not say. */
export function capacityOf({ spec }: Volume): { readonly capacityBytes?: number } {
  const bytes = Number(parseQuantity(spec.capacity?.storage ?? '') ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? { capacityBytes: bytes } : {};
}
