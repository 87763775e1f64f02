/** kubeconfig files: their schema, and finding an entry in several of them. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { KubeError } from './errors.ts';

const text = z.string().min(1).nullish();

const clusterSchema = z.object({
  server: z.url(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});

const execSchema = z.object({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
});

const userSchema = z.object({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  password: text,
  as: text,
  exec: execSchema.nullish(),
  'auth-provider': z.object({ name: z.string(), config: z.record(z.string(), z.string()).nullish() }).nullish(),
});

const kubeconfigSchema = z.object({
  'current-context': text,
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: text }) })).nullish(),
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })).nullish(),
});

export type Cluster = z.infer<typeof clusterSchema>;
export type User = z.infer<typeof userSchema>;
export type Exec = z.infer<typeof execSchema>;

/** A parsed file and the directory that its relative paths start from. */
export interface Kubeconfig {
  readonly config: z.infer<typeof kubeconfigSchema>;
  readonly directory: string;
}

export function loadKubeconfig(file: string): Kubeconfig {
  try {
    const config = kubeconfigSchema.parse(parseYaml(readFileSync(file, 'utf8')));
    return { config, directory: dirname(resolve(file)) };
  } catch (error) {
    // The parser's own message may quote the file, and the file holds secrets.
    const why = error instanceof z.ZodError ? z.prettifyError(error) : 'it cannot be read or is not YAML';
    throw new KubeError('KUBE_CONFIG', `kubeconfig ${file}: ${why}`);
  }
}

/** The first entry of that name, as kubectl merges files. */
export function findEntry<E extends { readonly name: string }>(
  loaded: readonly Kubeconfig[],
  entriesOf: (config: Kubeconfig['config']) => readonly E[] | null | undefined,
  name: string,
): { readonly entry: E; readonly directory: string } {
  for (const { config, directory } of loaded) {
    const entry = entriesOf(config)?.find((candidate) => candidate.name === name);
    if (entry !== undefined) return { entry, directory };
  }
  throw new KubeError('KUBE_CONFIG', `the kubeconfig has no entry "${name}", though it refers to one`);
}
