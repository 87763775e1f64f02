/** What a schema complains of, field by field, for a person; `root` is the name of the whole. Any error's own words otherwise. */
export function wordsOfSchema(error: unknown, root: string): string {
  if (typeof error === 'object' && error !== null && 'issues' in error && Array.isArray(error.issues)) {
    return error.issues
      .map(
        (issue: { path?: readonly PropertyKey[]; message?: string }) =>
          `${[root, ...(issue.path ?? []).map(String)].join('.')}: ${issue.message}`,
      )
      .join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
