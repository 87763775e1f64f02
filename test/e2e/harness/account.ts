/** Kubeconfigs for the controller under test: its own service account, so that a right that deploy/ forgot is missed here. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type Cluster, systemNamespace } from './cluster.ts';

const viewSchema = z.object({
  clusters: z
    .array(
      z.object({
        cluster: z.object({ server: z.url(), 'certificate-authority-data': z.string().optional() }),
      }),
    )
    .length(1),
});

export interface Account {
  readonly server: string;
  /** Base64 of PEM. */
  readonly ca: string | undefined;
  readonly token: string;
}

export async function controllerAccount(cluster: Cluster): Promise<Account> {
  const [view, token] = await Promise.all([
    cluster.kubectl(['config', 'view', '--raw', '--minify', '--flatten', '--output=json']),
    cluster.kubectl(['create', 'token', 'volprime-controller', `--namespace=${systemNamespace}`, '--duration=4h']),
  ]);
  const [entry] = viewSchema.parse(JSON.parse(view)).clusters;
  if (entry === undefined) throw new Error('the kubeconfig names no cluster');
  return { server: entry.cluster.server, ca: entry.cluster['certificate-authority-data'], token: token.trim() };
}

/** @returns the file's path. */
export function writeKubeconfig(directory: string, { server, ca, token }: Account): string {
  const cluster = { server, ...(ca !== undefined && { 'certificate-authority-data': ca }) };
  const name = cluster.server.replaceAll(/[^a-z0-9]+/gi, '-');
  const file = join(directory, `${name}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: 'controller' } }],
    clusters: [{ name, cluster }],
    users: [{ name: 'controller', user: { token } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
