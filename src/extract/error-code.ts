/**
 * The code of a failed system or library call ("ENOSPC", "UND_ERR_SOCKET"), by its shape: an error of Node's own need not be an
 * instance of this realm's Error.
 */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
