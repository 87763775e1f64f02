const FIRST_MS = 2_000;
const CAP_MS = 5 * 60_000;

/**
 * Wait before attempt n+1, in milliseconds: doubles from two seconds to five minutes.
 * The jitter (up to a fifth) comes from the object's UID, so that a decision stays pure and objects that failed together still spread out.
 */
export function backoffMs(failures: number, uid: string): number {
  const base = Math.min(CAP_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(base * (0.8 + 0.2 * fraction(`${uid}/${failures}`)));
}

/** A stable number in [0, 1) for a text (FNV-1a). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}
