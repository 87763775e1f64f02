/** Which cluster a command works on: the one that KUBECONFIG names, or the embedded one, brought up if it is not. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { clusterUp, loadImage, toolboxImage } from '../test/cluster/index.ts';

const projectDirectory = join(import.meta.dirname, '..');
const builtImage = 'localhost/volprime:dev';

export interface TargetCluster {
  readonly kubeconfig: string;
  /** Program name or path. */
  readonly kubectl: string;
  readonly embedded: boolean;
  /** The controller's and populator's image, as the nodes know it. */
  readonly image: string;
  /** An image with a shell, for consumers. */
  readonly shellImage: string;
}

export type Say = (line: string) => void;

/** What a shell needs so that its kubectl speaks to the cluster. */
export function exportLines({ kubeconfig, kubectl: program, embedded }: TargetCluster): string[] {
  const path = embedded ? [`export PATH=${dirname(program)}:$PATH`] : [];
  return [`export KUBECONFIG=${kubeconfig}`, ...path];
}

/** @throws Error that says what to set where the image cannot get to the cluster. */
export async function targetCluster(say: Say): Promise<TargetCluster> {
  const kubeconfig = process.env['KUBECONFIG'];
  return kubeconfig === undefined || kubeconfig === '' ? embeddedCluster(say) : foreignCluster(kubeconfig, say);
}

async function embeddedCluster(say: Say): Promise<TargetCluster> {
  say(
    'Embedded cluster: a real single-node Kubernetes. The first time its programs are compiled (about 12 min on 2 cores); then it is up in 20 s.',
  );
  const cluster = await clusterUp({ log: say });
  const tar = await buildImage(say);
  await loadImage(cluster, tar);
  return {
    kubeconfig: cluster.kubeconfig,
    kubectl: join(cluster.binDir, 'kubectl'),
    embedded: true,
    image: builtImage,
    shellImage: toolboxImage,
  };
}

async function foreignCluster(kubeconfig: string, say: Say): Promise<TargetCluster> {
  const base = { kubeconfig, kubectl: 'kubectl', embedded: false, shellImage: 'docker.io/library/busybox:1.37' };
  await run('kubectl', ['version', '--client'], { quiet: true }).catch(() => {
    throw new Error('kubectl is not on the PATH; it is needed for a cluster of your own');
  });
  const image = process.env['IMAGE'];
  if (image !== undefined && image !== '') return { ...base, image };
  const context = (await run('kubectl', ['config', 'current-context'], { quiet: true })).trim();
  if (context.startsWith('kind-')) {
    const tar = await buildImage(say);
    say(`Loading the image into kind cluster ${context.slice('kind-'.length)}`);
    await run('kind', ['load', 'image-archive', tar, '--name', context.slice('kind-'.length)]);
    return { ...base, image: builtImage };
  }
  throw new Error(
    `context ${context} of ${kubeconfig} is not a kind cluster, so the image cannot be loaded into it. Push the image to a registry that its nodes can pull from (the Dockerfile is image/Dockerfile, or "make image" for an OCI tar) and set IMAGE=registry/volprime:tag`,
  );
}

async function buildImage(say: Say): Promise<string> {
  const tar = join(projectDirectory, 'build', 'volprime-image.tar');
  say('Image of controller and populator (a few seconds, nothing when unchanged)');
  await run(process.execPath, [join(projectDirectory, 'image', 'build.ts'), '--out', tar]);
  return tar;
}

/** Runs a program; its output goes to the terminal, or is the answer where it is quiet. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly quiet?: boolean; readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', options.quiet === true ? 'pipe' : 'inherit', options.quiet === true ? 'pipe' : 'inherit'],
    });
    let output = '';
    let complaint = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.on('error', (cause) => reject(new Error(`${file} cannot be run: ${cause.message}`, { cause })));
    child.on('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(
            new Error(
              `${file} ${args.join(' ')} ended with exit code ${code}${complaint === '' ? '' : `: ${complaint.trim()}`}`,
            ),
          ),
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** kubectl on the target; prints what it is told to and what it answers unless quiet. */
export function kubectl(
  target: TargetCluster,
  args: readonly string[],
  options: { readonly quiet?: boolean; readonly input?: string } = {},
): Promise<string> {
  return run(target.kubectl, args, { ...options, env: { KUBECONFIG: target.kubeconfig } });
}
