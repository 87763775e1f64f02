import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { assemble } from '../src/controller.ts';
import { downloadAndExtract } from '../src/plugins/download-and-extract/index.ts';
import { type SnapshotPlugin, defineSnapshotPlugin } from '../src/sdk/index.ts';

/** Asks a controller that is assembled but never started for its series. */
export async function metricsPage(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'volprime-generate-'));
  try {
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, stringify(nowhere));
    const config = { kubeconfig, populatorImage: 'none', logLevel: 'error' as const };
    const { metrics, client } = assemble({ plugins: [downloadAndExtract], snapshotPlugins: [anySnapshots], config });
    const text = await metrics.text();
    await client.close();
    return page(text);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A configuration that is whole and leads nowhere: nothing is called. */
const nowhere = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'none',
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  users: [{ name: 'none', user: {} }],
};

/** The series are the same whatever the plugin. */
const anySnapshots: SnapshotPlugin = defineSnapshotPlugin({
  name: 'any',
  driver: 'any',
  parameters: { parse: (parameters) => parameters },
  snapshot: async ({ key }) => ({ handle: key }),
  snapshotComplete: async () => ({ ready: true }),
  snapshotDelete: async () => true,
});

function page(exposition: string): string {
  const types = new Map([...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const rows = [...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .filter(([, name]) => name !== undefined && !/^(process|nodejs)_/.test(name))
    .map(([, name, help]) => `| \`${name}\` | ${types.get(name)} | ${help?.replaceAll('|', '\\|')} |`)
    .sort();
  return `<!-- Generated from the controller's own registry by "make generate"; do not edit. -->
# Metrics

Served on port 8080 (\`--metrics-port\`, with a NetworkPolicy that lets namespaces labelled \`metrics=enabled\` in) at \`/metrics\` by each replica; the Service is \`volprime-metrics\` in \`volprime-system\`. Names are those of controller-runtime,
client-go and lib-volume-populator where the meaning is the same, so that dashboards carry over. Labels are kinds, results and reasons, never
the name of an object. Beside these there are the usual \`process_*\` and \`nodejs_*\` series.

| series | type | meaning |
|---|---|---|
${rows.join('\n')}
`;
}
