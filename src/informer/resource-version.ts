/**
 * Since Kubernetes 1.35 (KEP-5504) resourceVersions of one resource are decimal integers that grow with each write, so two of them can
 * be ordered. Servers that spell them otherwise get `undefined`: not comparable.
 */

const canonicalDecimal = /^[1-9][0-9]*$/;

/** Negative when `a` is older than `b`, positive when newer, 0 when equal. */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!canonicalDecimal.test(a) || !canonicalDecimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
