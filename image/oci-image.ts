/**
 * Packs a directory as a container image without a container engine: an OCI layout in one tar file, which
 * `ctr images import`, `kind load image-archive`, `podman load` and `docker load` take. The same directory gives the
 * same bytes: entries are sorted, owned by root and dated 1970.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';

export interface OciImageOptions {
  /** Full reference, such as localhost/toolbox:1. */
  readonly tag: string;
  /** Becomes the only layer; of several, each becomes one, the lowest first. */
  readonly rootfs: string | readonly string[];
  readonly out: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Blob {
  /** sha256:HEX */
  readonly digest: string;
  readonly size: number;
}

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64', arm64: 'arm64' };

/** @returns the digest of the image's manifest. */
export async function writeOciImage(options: OciImageOptions): Promise<string> {
  await mkdir(dirname(options.out), { recursive: true });
  const layout = await mkdtemp(join(tmpdir(), 'oci-image-'));
  try {
    await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
    const layers: Blob[] = [];
    for (const rootfs of [options.rootfs].flat()) layers.push(await addLayer(layout, rootfs));
    const config = await addJson(layout, imageConfig(options, layers));
    const manifest = await addJson(layout, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer })),
    });
    await writeIndexes(layout, { tag: options.tag, manifest, config, layers });
    await pack(layout, `${options.out}.partial`);
    await rename(`${options.out}.partial`, options.out);
    return manifest.digest;
  } finally {
    await rm(layout, { recursive: true, force: true });
    await rm(`${options.out}.partial`, { force: true });
  }
}

function imageConfig(options: OciImageOptions, layers: readonly Blob[]): object {
  return {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Env: Object.entries({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...options.env }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      ...(options.entrypoint && { Entrypoint: options.entrypoint }),
      ...(options.cmd && { Cmd: options.cmd }),
      ...(options.user !== undefined && { User: options.user }),
      ...(options.workingDir !== undefined && { WorkingDir: options.workingDir }),
      ...(options.labels && { Labels: options.labels }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'volprime image/oci-image.ts' })),
  };
}

interface Parts {
  readonly tag: string;
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** index.json is what OCI tools read; manifest.json what older `docker load` reads. */
async function writeIndexes(layout: string, { tag, manifest, config, layers }: Parts): Promise<void> {
  const annotations = { 'io.containerd.image.name': tag, 'org.opencontainers.image.ref.name': tag };
  const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations };
  const pathOf = (blob: Blob) => `blobs/sha256/${blob.digest.slice('sha256:'.length)}`;
  const docker = [{ Config: pathOf(config), RepoTags: [tag], Layers: layers.map(pathOf) }];
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  await writeFile(join(layout, 'manifest.json'), JSON.stringify(docker));
}

async function addLayer(layout: string, rootfs: string): Promise<Blob> {
  const temporary = join(layout, 'layer.tar');
  await pack(rootfs, temporary);
  const hash = createHash('sha256');
  await pipeline(createReadStream(temporary), hash);
  const digest = hash.digest('hex');
  const { size } = await stat(temporary);
  await rename(temporary, join(layout, 'blobs', 'sha256', digest));
  return { digest: `sha256:${digest}`, size };
}

async function addJson(layout: string, value: object): Promise<Blob> {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(join(layout, 'blobs', 'sha256', digest), text);
  return { digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

/** Every entry is named, in order, so that the order of the file system does not show. */
async function pack(dir: string, file: string): Promise<void> {
  const entries = (await readdir(dir, { recursive: true })).filter((entry) => join(dir, entry) !== file).sort();
  await create(
    { file, cwd: dir, portable: true, mtime: new Date(0), noDirRecurse: true, follow: false },
    entries.map(plain),
  );
}

/** node-tar reads a leading @ as the name of an archive to include. */
function plain(entry: string): string {
  return entry.startsWith('@') ? `./${entry}` : entry;
}

/** Copies single programs into an empty directory: the root file system of a static program. */
export async function stageFiles(rootfs: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [target, source] of Object.entries(files)) {
    const path = join(rootfs, target);
    await mkdir(dirname(path), { recursive: true });
    await cp(source, path, { dereference: true });
  }
}
