/** Sources of kind TextFile (samples/plugins/image-only) whose content is a script: populator containers that do what a test needs. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewObject } from '../../../src/api/objects.ts';
import type { ClaimOptions } from './manifests.ts';
import type { Suite } from './suite.ts';

export interface ScriptPluginOptions {
  /** Of the plugin and its file. */
  readonly name: string;
  /** Default: the image that the node has. */
  readonly image?: string;
  /** More fields of the plugin's `pod`. */
  readonly pod?: object;
}

/** Writes an image plugin for TextFiles; its container runs the content as a shell script, in the volume. @returns the file's path. */
export function scriptPlugin({ directory, cluster }: Suite, { name, image, pod }: ScriptPluginOptions): string {
  const definition = {
    name,
    source: { group: 'text.example.com', version: 'v1', kind: 'TextFile' },
    pod: {
      image: image ?? cluster.toolboxImage,
      command: ['sh', '-euc'],
      args: ['$(spec.content)', 'populator', '$(attempt.number)'],
      mountPath: '/target',
      ...pod,
    },
  };
  return writeJson(directory, definition);
}

/** The environment of a controller with these settings of populator pods. */
export function podSettings({ directory }: Suite, settings: object): Readonly<Record<string, string>> {
  return { VOLPRIME_POPULATOR_POD_SETTINGS: writeJson(directory, settings) };
}

function writeJson(directory: string, content: object): string {
  const file = join(directory, `${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** The script finds the number of the attempt in $1 and the volume in /target. */
export function aScript(namespace: string, name: string, script: string): NewObject {
  const spec = { fileName: 'script', content: script };
  return { apiVersion: 'text.example.com/v1', kind: 'TextFile', metadata: { name, namespace }, spec };
}

export const scriptRef = (name: string): ClaimOptions['source'] => ({
  apiGroup: 'text.example.com',
  kind: 'TextFile',
  name,
});
