import { allRules } from './rules.ts';
import { type ConformanceReport, describeReport, type Problem, type Skipped } from './report.ts';
import { type Rule, wordsOf } from './rule.ts';
import type { Subject } from './subject.ts';
import { createTrial, type Trial } from './trial.ts';

/** Holds the plugin to every rule that can be tried, one after the other. Takes as long as the plugin's work does, a few times over. */
export async function checkPlugin(subject: Subject): Promise<ConformanceReport> {
  const plugin = await createTrial(subject, 'first').plugin();
  const passed: string[] = [];
  const skipped: Skipped[] = [];
  const problems: Problem[] = [];
  for (const rule of allRules) {
    const why = rule.skip(plugin, subject);
    if (why !== undefined) {
      skipped.push({ rule: rule.name, why });
      continue;
    }
    const found = await tryRule(rule, subject);
    if (found.length === 0) passed.push(rule.name);
    problems.push(...found.map((message) => ({ rule: rule.name, message })));
  }
  return { plugin: plugin.name, passed, skipped, problems };
}

/** @throws Error with the report, where the plugin broke a rule. */
export async function assertConforms(subject: Subject): Promise<void> {
  const report = await checkPlugin(subject);
  if (report.problems.length > 0) throw new Error(describeReport(report));
}

async function tryRule(rule: Rule, subject: Subject): Promise<readonly string[]> {
  const trial = createTrial(subject, rule.name);
  try {
    return await rule.check(trial);
  } catch (error) {
    return [`the rule could not be tried: ${wordsOf(error)}`];
  } finally {
    await forget(trial);
  }
}

/** What a rule has begun must not stand in the way of the next one. */
async function forget(trial: Trial): Promise<void> {
  const plugin = await trial.plugin();
  for (const attempt of [1, 2]) {
    await trial.call((signal) => plugin.populateCleanup?.(trial.params({ attempt, signal })));
  }
}
