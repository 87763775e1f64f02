/** The controller as users have it: the Deployment of deploy/, with the plugins of the samples mounted as docs/write-a-plugin.md says. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, controllerImage, projectDir, systemNamespace } from './cluster.ts';

const deployment = 'deployment/volprime-controller';
const inSystem = `--namespace=${systemNamespace}`;
/** The image that consumers and plugins of the samples name; the cluster of the tests pulls nothing. */
export const sampleImage = 'docker.io/library/busybox:1.37';

export interface DeploymentOptions {
  /** For the files of the plugins. */
  readonly directory: string;
  readonly transferServiceUrl: string;
}

/** Both replicas are available when this resolves; the Deployment is taken away at the end. */
export async function deployController(cluster: Cluster, options: DeploymentOptions): Promise<AsyncDisposable> {
  const { kubectl } = cluster;
  const plugins = copyPlugins(options.directory, cluster.toolboxImage);
  const setEnv = {
    VOLPRIME_PLUGINS: '/plugins/plugin.ts,/plugins/plugin.yaml',
    TRANSFER_SERVICE_URL: options.transferServiceUrl,
    VOLPRIME_POPULATOR_IMAGE: controllerImage,
  };
  await kubectl(['delete', 'configmap', 'plugins', '--ignore-not-found', inSystem]);
  await kubectl(['create', 'configmap', 'plugins', `--from-file=${plugins}`, inSystem]);
  await kubectl(['apply', '--server-side', '--force-conflicts', '--kustomize', join(projectDir, 'deploy')]);
  await kubectl(['rollout', 'pause', deployment, inSystem]);
  await kubectl(['set', 'image', deployment, `controller=${controllerImage}`, inSystem]);
  const mounts = join(projectDir, 'samples/plugins/mount-plugins.yaml');
  await kubectl(['patch', deployment, `--patch-file=${mounts}`, inSystem]);
  await kubectl(['set', 'env', deployment, ...Object.entries(setEnv).map((pair) => pair.join('=')), inSystem]);
  await kubectl(['rollout', 'resume', deployment, inSystem]);
  await kubectl(['rollout', 'status', deployment, '--timeout=240s', inSystem]);
  return {
    [Symbol.asyncDispose]: async () => {
      await kubectl(['delete', deployment, '--wait', '--cascade=foreground', '--timeout=120s', inSystem]);
    },
  };
}

/** What the replicas wrote since they started. */
export function controllerLogs(cluster: Cluster): Promise<string> {
  return cluster.kubectl(['logs', '--selector=app.kubernetes.io/component=controller', '--tail=-1', inSystem]);
}

function copyPlugins(directory: string, toolboxImage: string): string {
  const target = join(directory, 'plugins');
  mkdirSync(target, { recursive: true });
  const sample = (file: string) => join(projectDir, 'samples/plugins', file);
  for (const file of ['plugin.ts', 'transfer-client.ts']) {
    copyFileSync(sample(`http-transfer/${file}`), join(target, file));
  }
  const definition = readFileSync(sample('image-only/plugin.yaml'), 'utf8');
  writeFileSync(join(target, 'plugin.yaml'), definition.replaceAll(sampleImage, toolboxImage));
  return target;
}
