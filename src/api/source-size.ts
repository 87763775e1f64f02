/**
 * How large the spec of a source may be, whatever its kind: many claims may name one source, so what it holds must not be multiplied by them. The
 * kernel takes at most 128 KiB in one environment variable (MAX_ARG_STRLEN), by which a pod gets it.
 */
import { createHash } from 'node:crypto';

/** Bytes of JSON in UTF-8. */
export const MAX_SOURCE_BYTES = 64 * 1024;

/** Bytes of JSON in UTF-8 up to which each record keeps the spec of its source. Of a larger one it keeps the digest. */
export const MAX_RECORDED_SOURCE_BYTES = 4 * 1024;

/** Bytes of JSON in UTF-8 that a plugin may keep in a record between calls. */
export const MAX_STATE_BYTES = 4 * 1024;

/** Bytes of JSON in UTF-8; 0 for undefined. */
export function jsonBytes(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

/** `sha256:` and 64 hexadecimal digits. The order of members does not count. */
export function jsonDigest(value: unknown): string {
  const text = JSON.stringify(value, (_key, member: unknown) => inOrder(member)) ?? '';
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
