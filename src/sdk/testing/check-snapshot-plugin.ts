/** Does to a snapshot plugin what the framework may do to it in the life of a snapshot, and says in plain words what it got wrong. */
import { type ConformanceReport, describeReport, type Problem, type Skipped } from './report.ts';
import { wordsOf } from './rule.ts';
import { faultRules } from './snapshot-fault-rules.ts';
import { lateRules } from './snapshot-late-rules.ts';
import { lifeRules } from './snapshot-life-rules.ts';
import type { SnapshotRule } from './snapshot-rule.ts';
import type { SnapshotSubject } from './snapshot-subject.ts';
import { SnapshotTrial } from './snapshot-trial.ts';

const rules: readonly SnapshotRule[] = [...lifeRules, ...faultRules, ...lateRules];

/** Holds the plugin to every rule that can be tried, each with snapshots of its own, and removes what it made. */
export async function checkSnapshotPlugin(subject: SnapshotSubject): Promise<ConformanceReport> {
  const { name: plugin } = await subject.plugin();
  const passed: string[] = [];
  const skipped: Skipped[] = [];
  const problems: Problem[] = [];
  for (const { name: rule, skip, check } of rules) {
    const why = skip?.(subject);
    if (why !== undefined) {
      skipped.push({ rule, why });
      continue;
    }
    const found = await tryRule(check, new SnapshotTrial(subject));
    if (found.length === 0) passed.push(rule);
    problems.push(...found.map((message) => ({ rule, message })));
  }
  return { plugin, passed, skipped, problems };
}

/** @throws Error with the report, where the plugin broke a rule. */
export async function assertSnapshotsConform(subject: SnapshotSubject): Promise<void> {
  const report = await checkSnapshotPlugin(subject);
  if (report.problems.length > 0) throw new Error(describeReport(report));
}

/** The first reason alone: what a broken rule leaves behind is its consequence. */
async function tryRule(check: SnapshotRule['check'], trial: SnapshotTrial): Promise<readonly string[]> {
  const { outside } = trial.subject;
  const before = await outside?.left?.();
  const found = await check(trial).catch((error: unknown) => [wordsOf(error)]);
  const left = await trial.forget().then(
    () => [],
    (error: unknown) => [`what it made cannot be removed: ${wordsOf(error)}`],
  );
  if (found.length > 0 || left.length > 0) return found.length > 0 ? found : left;
  const after = await outside?.left?.();
  if (before === undefined || after === undefined || after <= before) return [];
  return [`the store still holds ${after - before} of what was deleted`];
}
