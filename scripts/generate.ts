/** Writes what is made from the sources: crds/, deploy/components/guard, docs/reference/ and the NetworkPolicy of the populator namespace. With --check it only says whether they are up to date. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { buildCrd, kinds } from '../src/api/crd.ts';
import { lifecycleEvents, type ReasonDoc, reasons, sweepReasons } from '../src/api/reasons.ts';
import { snapshotReasons, volumeCaptureReasons } from '../src/api/snapshot-reasons.ts';
import { guardFiles } from './guard/index.ts';
import { metricsPage } from './metrics-page.ts';
import { networkPolicy } from './network-policy.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');

const files: [path: string, text: string][] = [
  ...kinds.map((kind): [string, string] => [
    `crds/${kind.resource.group}_${kind.resource.plural}.yaml`,
    `# Generated from src/api by "make generate"; do not edit.\n${stringify(buildCrd(kind), { lineWidth: 0, aliasDuplicateObjects: false })}`,
  ]),
  ...guardFiles(),
  ['docs/reference/reasons.md', reasonsPage()],
  ['docs/reference/metrics.md', await metricsPage()],
  ['deploy/components/cross-namespace/network-policy.yaml', networkPolicy()],
];

let outdated = 0;
for (const [path, text] of files) {
  const file = join(root, path);
  if (check) {
    if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
    outdated++;
    console.error(`${relative(root, file)} is not what the sources say: run "make generate" and commit the result`);
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
process.exitCode = outdated === 0 ? 0 : 1;

function reasonsPage(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rowsOf = (docs: Readonly<Record<string, ReasonDoc>>) =>
    Object.entries(docs)
      .map(([reason, { next, meaning, help }]) => `| \`${reason}\` | ${next} | ${cell(meaning)} | ${cell(help)} |`)
      .join('\n');
  const normal = Object.entries(lifecycleEvents).map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`);
  const leftovers = Object.entries(sweepReasons).map(
    ([reason, { meaning, help }]) => `| \`${reason}\` | ${cell(meaning)} | ${cell(help)} |`,
  );
  return `<!-- Generated from src/api/reasons.ts by "make generate"; do not edit. -->
# Reasons

Why a claim is not populated yet stands in one word, in three places: the \`Ready\` condition of its Population
(\`kubectl get populations\`), the Warning event on the claim (\`kubectl describe pvc\`), and the label \`reason\` of
\`volprime_population_failures_total\`. A container of somebody's plugin may bring words of its own; waiting reasons of a
pod (\`ImagePullBackOff\`) are Kubernetes'.

*waits*: goes on by itself when the world changes. *retries*: tried again, with backoff, up to the plugin's limit (ten failures unless it says
otherwise), then as *stops*. *stops*: nothing of ours is left but the record, and nothing more happens until the spec of the source changes.

| reason | next | meaning | what to do |
|---|---|---|---|
${rowsOf(reasons)}

## Normal events

| reason | meaning |
|---|---|
${normal.join('\n')}

## Snapshots

Why a VolumeSnapshot of a driver of Volprime is not ready, or does not go: the Warning event on the VolumeSnapshot, the first word of its
\`status.error.message\`, and the label \`reason\` of \`volprime_snapshot_failures_total\`. A plugin may bring words of its own,
which the label counts as \`Other\`.
*retries* has no limit here: every five minutes at the least.

| reason | next | meaning | what to do |
|---|---|---|---|
${rowsOf(snapshotReasons)}

## VolumeCaptures

The \`Ready\` condition of a VolumeCapture.

| reason | next | meaning | what to do |
|---|---|---|---|
${rowsOf(volumeCaptureReasons)}

## Leftovers

What the sweeper finds, as events on the object itself and as lines of the controller's log; \`volprime_orphans\` counts it.

| reason | meaning | what to do |
|---|---|---|
${leftovers.join('\n')}
`;
}
