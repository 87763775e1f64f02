/** What the kit has to say. */
export interface ConformanceReport {
  readonly plugin: string;
  /** Names of the rules that were held to. */
  readonly passed: readonly string[];
  readonly skipped: readonly Skipped[];
  /** Empty where all is well. */
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly rule: string;
  readonly message: string;
}

/** A rule that could not be tried, and what the kit would need for it. */
export interface Skipped {
  readonly rule: string;
  readonly why: string;
}

export function describeReport({ plugin, passed, skipped, problems }: ConformanceReport): string {
  const verdict = problems.length === 0 ? 'keeps its promises' : 'does not keep its promises';
  return [
    `plugin ${plugin} ${verdict}: ${passed.length} rules held, ${problems.length} problems, ${skipped.length} not tried`,
    ...problems.map(({ rule, message }) => `  wrong      ${rule}: ${message}`),
    ...skipped.map(({ rule, why }) => `  not tried  ${rule}: ${why}`),
  ].join('\n');
}
