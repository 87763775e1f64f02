/** A real registry (distribution/distribution), and what puts images and artifacts into it, over its API. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBinaries, sourceServers } from '../cluster/index.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  file: 'application/vnd.example.file',
} as const;

/** @param auth of the registry's configuration, as YAML. */
export async function startRegistry(dir: string, auth = ''): Promise<ServerProcess> {
  const program = join(await ensureBinaries(console.log, sourceServers), 'registry');
  mkdirSync(join(dir, 'blobs'), { recursive: true });
  const file = join(dir, 'registry.yaml');
  const configure = (port: number) =>
    `version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: ${join(dir, 'blobs')}}}\nhttp: {addr: "127.0.0.1:${port}"}\n${auth}`;
  const args = (port: number) => {
    writeFileSync(file, configure(port));
    return ['serve', file];
  };
  return startServer({ program, args, dir, env: { OTEL_TRACES_EXPORTER: 'none' } });
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Puts things into one repository. */
export function pusher(registry: string, repository: string, headers: Readonly<Record<string, string>> = {}) {
  const api = `${registry}/v2/${repository}`;
  const blob = async ({ mediaType, bytes }: Blob): Promise<Descriptor> => {
    const begun = await fetch(`${api}/blobs/uploads/`, { method: 'POST', headers });
    const location = new URL(begun.headers.get('location') ?? '', registry);
    const digest = digestOf(bytes);
    location.searchParams.set('digest', digest);
    await accepted(fetch(location, { method: 'PUT', headers, body: new Uint8Array(bytes) }));
    return { mediaType, digest, size: bytes.length };
  };
  const manifest = async (
    content: { readonly mediaType: string; readonly [field: string]: unknown },
    tag?: string,
  ): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...content }));
    const [digest, type] = [digestOf(bytes), { 'content-type': content.mediaType }];
    await accepted(
      fetch(`${api}/manifests/${tag ?? digest}`, {
        method: 'PUT',
        headers: { ...headers, ...type },
        body: new Uint8Array(bytes),
      }),
    );
    return { mediaType: content.mediaType, digest, size: bytes.length };
  };
  return {
    blob,
    manifest,
    /** An image or artifact of these layers. */
    image: async (layers: readonly Blob[], tag?: string): Promise<Descriptor> => {
      const config = await blob({ mediaType: types.config, bytes: Buffer.from('{}') });
      const pushed: Descriptor[] = [];
      for (const layer of layers) pushed.push(await blob(layer));
      return manifest({ mediaType: types.manifest, config, layers: pushed }, tag);
    },
  };
}

async function accepted(asked: Promise<Response>): Promise<void> {
  const response = await asked;
  if (!response.ok) throw new Error(`the registry answered ${response.status}: ${await response.text()}`);
}
