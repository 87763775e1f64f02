/** What a cluster of the tests stands on: the embedded node or one of somebody else's, with our kinds, our roles and our image. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ClusterHandle, clusterUp, loadImage, runningCluster, toolboxImage } from '../../cluster/index.ts';
import { run } from '../../cluster/command.ts';
import { withLock } from '../../cluster/lock.ts';

export const projectDir = resolve(import.meta.dirname, '../../..');
export const controllerImage = process.env['VOLPRIME_E2E_IMAGE'] ?? 'localhost/volprime:dev';
export const systemNamespace = 'volprime-system';

export interface ClusterGround {
  /** With all rights. */
  readonly kubeconfig: string;
  /** Address of this machine that pods reach. */
  readonly hostAddress: string;
  /** Has a shell; the node has it already. */
  readonly toolboxImage: string;
  /** Undefined on a cluster that these tests did not make: there the storage cannot be looked into. */
  readonly embedded: ClusterHandle | undefined;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

const imageTar = join(projectDir, 'build/volprime-image.tar');
/** The policies are in force in all tests, as users have them: the tests' own rights let them write what only the controller may write. */
const kinds = [
  'deploy/namespace.yaml',
  'deploy/rbac.yaml',
  'deploy/components/guard/settings.yaml',
  'deploy/components/guard/marks.yaml',
  'deploy/components/guard/controller.yaml',
  'deploy/components/guard/hooks.yaml',
  'samples/plugins/http-transfer/crd.yaml',
  'samples/plugins/image-only/crd.yaml',
];

/** `$KUBECONFIG`, or the embedded cluster, which is brought up where it is not. */
export async function bringUpGround(): Promise<ClusterGround> {
  const foreign = foreignGround();
  if (foreign !== undefined) return foreign;
  const name = process.env['VOLPRIME_E2E_CLUSTER'];
  return embeddedGround(await clusterUp(name === undefined ? {} : { name }));
}

/** The same, where it is up. */
export function runningGround(): ClusterGround | undefined {
  const foreign = foreignGround();
  if (foreign !== undefined) return foreign;
  const embedded = runningCluster(process.env['VOLPRIME_E2E_CLUSTER']);
  return embedded === undefined ? undefined : embeddedGround(embedded);
}

/** Needs the cluster for itself. */
export async function prepare(ground: ClusterGround): Promise<void> {
  if (ground.embedded !== undefined) await provideImage(ground.embedded);
  await removeDeployment(ground);
  await installKinds(ground);
}

/** Stands for what `prepare` puts into a cluster; another value means other sources. */
export async function preparation(): Promise<string> {
  const hash = createHash('sha256').update(foreignGround() === undefined ? await buildImage() : controllerImage);
  for (const file of [...kinds, ...globSync('crds/*.yaml', { cwd: projectDir })].sort()) {
    hash.update(readFileSync(join(projectDir, file)));
  }
  return hash.digest('hex');
}

function foreignGround(): ClusterGround | undefined {
  const kubeconfig = process.env['KUBECONFIG'];
  if (kubeconfig === undefined || kubeconfig === '') return undefined;
  const hostAddress = process.env['VOLPRIME_E2E_HOST'];
  if (hostAddress === undefined)
    throw new Error('VOLPRIME_E2E_HOST must name the address at which pods reach this machine');
  const toolbox = process.env['VOLPRIME_E2E_TOOLBOX'] ?? 'docker.io/library/busybox:1.37';
  return {
    kubeconfig,
    hostAddress,
    toolboxImage: toolbox,
    embedded: undefined,
    kubectl: kubectlOf('kubectl', tmpdir(), kubeconfig),
  };
}

function embeddedGround(embedded: ClusterHandle): ClusterGround {
  const { kubeconfig, hostAddress, binDir, stateDir } = embedded;
  const kubectl = kubectlOf(join(binDir, 'kubectl'), stateDir, kubeconfig);
  return { kubeconfig, hostAddress, toolboxImage, embedded, kubectl };
}

function kubectlOf(file: string, home: string, kubeconfig: string): ClusterGround['kubectl'] {
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig };
  return (args, input) => run({ file, args, env, ...(input !== undefined && { input }) });
}

/** Where its sources have changed. @returns what stands for them. */
async function buildImage(): Promise<string> {
  const build = { file: process.execPath, args: ['image/build.ts', '--out', imageTar], cwd: projectDir };
  await withLock(`${imageTar}.lock`, () => run(build));
  return readFileSync(`${imageTar}.inputs`, 'utf8');
}

/** Imports the image where the node has another one. */
async function provideImage(cluster: ClusterHandle): Promise<void> {
  const built = await buildImage();
  const record = join(cluster.stateDir, 'e2e-image');
  if (existsSync(record) && readFileSync(record, 'utf8') === built) return;
  await loadImage(cluster, imageTar);
  writeFileSync(record, built);
}

async function installKinds({ kubectl }: ClusterGround): Promise<void> {
  const inProject = (path: string) => join(projectDir, path);
  const apply = ['apply', '--server-side', '--force-conflicts'];
  await kubectl([...apply, '--kustomize', inProject('crds')]);
  await kubectl([...apply, ...kinds.map((file) => `--filename=${inProject(file)}`)]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
}

/** A controller that works on all namespaces would take part in every test. */
async function removeDeployment({ kubectl, embedded }: ClusterGround): Promise<void> {
  const found = await kubectl(['get', 'deployment', '--output=name', `--namespace=${systemNamespace}`]);
  if (found.trim() === '') return;
  if (embedded === undefined)
    throw new Error(`${found.trim()} runs in ${systemNamespace} of this cluster: take it off first (make undeploy)`);
  await kubectl(['delete', 'deployment', '--all', '--wait', `--namespace=${systemNamespace}`]);
}
