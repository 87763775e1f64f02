#!/usr/bin/env node
/** Entry of the populator pod. Exit code 0: populated; 1: worth another attempt; 2: no later attempt can succeed. */
import { exitCodeOf, writeReport } from './report.ts';
import { runPod } from './run-pod.ts';

/** The kubelet's default terminationMessagePath; another one is for trying the pod outside of a cluster. */
const reportPath = process.env['VOLPRIME_REPORT_PATH'] ?? '/dev/termination-log';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));

const report = await runPod({
  variables: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  announce: (early) => writeReport(reportPath, early),
  signal: stop.signal,
});
writeReport(reportPath, report);
process.exit(exitCodeOf(report));
