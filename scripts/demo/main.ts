/** make demo: from nothing to an application pod that reads a populated volume, with what happens on the way. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '../install.ts';
import { exportLines, kubectl, run, type TargetCluster, targetCluster } from '../target-cluster.ts';
import { watchUntilDone } from './watch.ts';

const namespace = 'volprime-demo';
const projectDirectory = join(import.meta.dirname, '..', '..');
const started = Date.now();

const say = (line: string) => console.log(line);
const step = (title: string) => say(`\n== ${title} (${Math.round((Date.now() - started) / 1000)} s)`);

try {
  step('A cluster with Volprime');
  const target = await targetCluster(say);
  await install(target, say);
  step('A real archive, served inside of the cluster');
  await kubectl(target, ['delete', 'namespace', namespace, '--ignore-not-found'], { quiet: true });
  await kubectl(target, ['create', 'namespace', namespace]);
  const archive = await packedDependency();
  const url = await serve(target, archive);
  await populate(target, archive, url);
  await show(target);
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** One of this project's own dependencies, exactly as its registry packed it. */
async function packedDependency(): Promise<Buffer> {
  const { version }: { version: string } = JSON.parse(
    await readFile(join(projectDirectory, 'node_modules', 'yaml', 'package.json'), 'utf8'),
  );
  const directory = await mkdtemp(join(tmpdir(), 'volprime-demo-'));
  try {
    await run('npm', ['pack', `yaml@${version}`, '--prefer-offline', '--silent', '--pack-destination', directory], {
      quiet: true,
    });
    say(`yaml-${version}.tgz, the npm package`);
    return await readFile(join(directory, `yaml-${version}.tgz`));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function serve(target: TargetCluster, archive: Buffer): Promise<string> {
  const script = await readFile(join(import.meta.dirname, 'server.mjs'), 'utf8');
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'archive' },
    data: { 'server.mjs': script },
    binaryData: { 'archive.tgz': archive.toString('base64') },
  };
  await inNamespace(target, ['create', '-f', '-'], JSON.stringify(config));
  const manifest = await readFile(join(import.meta.dirname, 'archive-server.yaml'), 'utf8');
  await inNamespace(target, ['apply', '-f', '-'], manifest.replace('IMAGE', target.image));
  await inNamespace(target, ['wait', '--for=condition=Ready', 'pod/archive-server', '--timeout=120s']);
  // By address: not every cluster resolves names for its pods.
  const address = await inNamespace(
    target,
    ['get', 'service', 'archive-server', '-o', 'jsonpath={.spec.clusterIP}'],
    undefined,
    true,
  );
  return `http://${address}/archive.tgz`;
}

async function populate(target: TargetCluster, archive: Buffer, url: string): Promise<void> {
  step('A Provider, a claim that names it, and an application that mounts the claim');
  const checksum = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
  const storageClass = target.embedded ? 'fast-ssd' : await defaultClass(target);
  const template = await readFile(join(import.meta.dirname, 'claim.yaml'), 'utf8');
  const values = { URL: url, CHECKSUM: checksum, CLASS: storageClass, SHELL_IMAGE: target.shellImage };
  const manifest = template.replaceAll(
    /: (URL|CHECKSUM|CLASS|SHELL_IMAGE)$/gm,
    (_match, name: keyof typeof values) => `: ${values[name]}`,
  );
  say(manifest.split('---').slice(0, 2).join('---').trim());
  say('');
  await inNamespace(target, ['apply', '-f', '-'], manifest);
  step('What happens (the archive is served slowly, so that you can watch)');
  await watchUntilDone(target, namespace, say);
}

async function defaultClass(target: TargetCluster): Promise<string> {
  const template =
    '{range .items[?(@.metadata.annotations.storageclass\\.kubernetes\\.io/is-default-class=="true")]}{.metadata.name}{end}';
  const name = await kubectl(target, ['get', 'storageclass', '-o', `jsonpath=${template}`], { quiet: true });
  if (name === '')
    throw new Error(
      'the cluster has no default StorageClass; mark one that a CSI driver serves with storageclass.kubernetes.io/is-default-class=true',
    );
  return name;
}

async function show(target: TargetCluster): Promise<void> {
  step('The events of the claim');
  await inNamespace(target, ['events', '--for', 'pvc/app-data']);
  step('What the application found in its volume');
  await inNamespace(target, ['logs', 'app']);
  step('Done');
  say(`Try next:
${exportLines(target)
  .map((line) => `  ${line}`)
  .join('\n')}
  kubectl -n ${namespace} get providers,pvc,populations
  kubectl -n ${namespace} describe population
  kubectl explain provider.spec
  ls samples/                # database initialisation, application prefill, environment sync, backup restore, snapshots, plugins
  ${target.embedded ? 'make cluster-down          # remove the cluster and all that it left' : `make undeploy              # take Volprime off again; kubectl delete namespace ${namespace}`}`);
}

function inNamespace(target: TargetCluster, args: readonly string[], input?: string, quiet = false): Promise<string> {
  return kubectl(target, ['-n', namespace, ...args], { quiet, ...(input !== undefined && { input }) });
}
