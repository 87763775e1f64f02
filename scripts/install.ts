/** CRDs and controller onto a cluster, and off again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { describePlan, planRelease, readHeld, type ReleasePlan } from '../src/cli/index.ts';
import { connect } from '../src/kube/index.ts';
import { createLogger, createMetrics } from '../src/telemetry/index.ts';
import { kubectl, type Say, type TargetCluster } from './target-cluster.ts';

const projectDirectory = join(import.meta.dirname, '..');

export async function install(target: TargetCluster, say: Say): Promise<void> {
  say('Applying CRDs and controller (kubectl apply --server-side -k deploy)');
  const components = await componentsFor(target, say);
  await withOverlay({ image: target.image, components }, (directory) =>
    kubectl(target, ['apply', '--server-side', '--force-conflicts', '-k', directory], { quiet: true }),
  );
  await kubectl(target, [
    '-n',
    'volprime-system',
    'rollout',
    'status',
    'deployment/volprime-controller',
    '--timeout=180s',
  ]);
}

/** The controller first. What still waits for it then keeps the CRDs, and is named: nobody waits here for what nobody will do. */
export async function uninstall(target: TargetCluster, say: Say): Promise<void> {
  say('Deleting the controller');
  const deployment = ['deployment/volprime-controller', '-n', 'volprime-system'];
  await kubectl(target, ['delete', '--ignore-not-found', '--cascade=foreground', ...deployment]);
  const plan = await stillHeld(target);
  const held = plan.release.length > 0;
  say('Deleting roles, namespace and CRDs (kubectl delete -k deploy)');
  const waiting = held ? ['--wait=false'] : [];
  const components = await componentsFor(target, () => {});
  await withOverlay({ image: target.image, components }, (directory) =>
    kubectl(target, ['delete', '--ignore-not-found', ...waiting, '-k', directory]),
  );
  if (!held) return;
  say('Claims were being populated. Still held, and so are the CRDs:');
  for (const line of describePlan(plan, '  held:')) say(line);
  say('Deploy the controller again to have them finished or cleaned up, or free them (docs/uninstall.md):');
  say(`  KUBECONFIG=${target.kubeconfig} node_modules/.bin/node src/cli/main.ts release --yes`);
}

async function stillHeld({ kubeconfig }: TargetCluster): Promise<ReleasePlan> {
  const logger = createLogger({ level: 'error', format: 'text', stream: process.stderr });
  const client = connect({ kubeconfig, userAgent: 'volprime-undeploy', metrics: createMetrics(), logger });
  try {
    return planRelease(await readHeld(client, undefined));
  } finally {
    await client.close();
  }
}

/** An API server before 1.30 does not know the kinds of the policies, and kubectl stops at a kind that it does not know. */
async function componentsFor(target: TargetCluster, say: Say): Promise<string[]> {
  const group = await kubectl(target, ['api-resources', '--api-group=admissionregistration.k8s.io', '--no-headers'], {
    quiet: true,
  });
  if (/\sadmissionregistration\.k8s\.io\/v1\s+false\s+ValidatingAdmissionPolicy\s/.test(group)) return [];
  say('This API server serves no ValidatingAdmissionPolicies: deploy/components/guard is left out (docs/trust.md)');
  return ['no-guard'];
}

interface Overlay {
  readonly image: string;
  /** Of deploy/components. */
  readonly components: readonly string[];
}

/** deploy/ with this image and these components, as a user's own kustomization would say it. */
async function withOverlay<T>({ image, components }: Overlay, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(projectDirectory, 'build', 'overlay-'));
  const colon = image.lastIndexOf(':');
  const [newName, newTag] =
    colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
  try {
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [relative(directory, join(projectDirectory, 'deploy'))],
      components: components.map((name) => relative(directory, join(projectDirectory, 'deploy/components', name))),
      images: [{ name: 'localhost/volprime', newName, newTag }],
      patches: [{ target: { kind: 'Deployment', name: 'volprime-controller' }, patch: populatorImagePatch(image) }],
    };
    await writeFile(join(directory, 'kustomization.yaml'), stringify(kustomization));
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function populatorImagePatch(image: string): string {
  const container = { name: 'controller', env: [{ name: 'VOLPRIME_POPULATOR_IMAGE', value: image }] };
  return stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'volprime-controller' },
    spec: { template: { spec: { containers: [container] } } },
  });
}
