/**
 * A JSON merge patch (RFC 7386) that makes `old` into `next`: the format keeps whatever a patch does not name, so members that `next`
 * lacks are named with null.
 */
export function replacement(old: unknown, next: object): object;
export function replacement(old: unknown, next: unknown): unknown;
export function replacement(old: unknown, next: unknown): unknown {
  if (!isRecord(old) || !isRecord(next)) return next;
  const gone = Object.keys(old).filter((key) => !Object.hasOwn(next, key));
  return {
    ...Object.fromEntries(gone.map((key) => [key, null])),
    ...Object.fromEntries(Object.entries(next).map(([key, value]) => [key, replacement(old[key], value)])),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
