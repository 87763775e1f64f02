/**
 * Whether a failure of the operating system has this code. No instanceof: under Jest, errors of Node itself come from
 * another realm.
 */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
