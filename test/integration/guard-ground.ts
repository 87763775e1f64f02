/**
 * deploy/ with its policies on an API server of its own, and requests in the name of others. Requests are dry runs: the API server admits or refuses
 * them and stores nothing, so the same request can be asked with the policies and without.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import * as z from 'zod';
import { findAccess } from '../../src/kube/access.ts';
import { currentCredentials } from '../../src/kube/credentials.ts';
import { type ClusterHandle, clusterDown, controlPlaneUp } from '../cluster/index.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { eventually } from '../support/eventually.ts';

const NAME = 'integration-guard';
const projectDir = join(import.meta.dirname, '../..');
const OURS = '--selector=app.kubernetes.io/component=guard';

export interface Actor {
  readonly user: string;
  readonly groups?: readonly string[];
}

export interface Call {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

export interface Answer {
  readonly code: number;
  readonly message: string;
}

const roleSchema = z.object({ items: z.array(z.object({ rules: z.array(z.unknown()).nullish() })) });
const policySchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), generation: z.number() }),
      spec: z.object({ validations: z.array(z.unknown()) }),
      status: z
        .object({ observedGeneration: z.number().optional(), typeChecking: z.object({}).loose().optional() })
        .optional(),
    }),
  ),
});
export type Policies = z.infer<typeof policySchema>['items'];

export class GuardGround {
  readonly #cluster: ClusterHandle;
  readonly #request: { readonly ca: string | undefined; readonly authorization: string; readonly server: URL };

  private constructor(cluster: ClusterHandle, sent: { ca: string | undefined; authorization: string; server: URL }) {
    this.#cluster = cluster;
    this.#request = sent;
  }

  /** With the kinds and roles of deploy/, and without its policies. */
  static async open(): Promise<GuardGround> {
    await clusterDown({ name: NAME });
    const cluster = await controlPlaneUp({ name: NAME });
    const { server, credentials } = findAccess({ kubeconfig: cluster.kubeconfig });
    const { headers, tls } = await currentCredentials(credentials, false);
    const ground = new GuardGround(cluster, { ca: tls.ca, authorization: headers['authorization'] ?? '', server });
    await ground.kubectl('apply', '-f', `${cluster.binDir}/crds-snapshotter/`);
    for (const file of ['namespace', 'rbac', 'rbac-users'])
      await ground.kubectl('apply', '--server-side', '-f', join(projectDir, `deploy/${file}.yaml`));
    await ground.kubectl('apply', '--server-side', '-k', join(projectDir, 'crds'));
    await ground.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
    await ground.#aggregate();
    return ground;
  }

  /** As the README says. */
  async deploy(): Promise<void> {
    await this.kubectl('apply', '--server-side', '--force-conflicts', '-k', join(projectDir, 'deploy'));
    await this.#aggregate();
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return kubectl(this.#cluster, args);
  }

  async apply(objects: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await kubectl(this.#cluster, ['apply', '--server-side', '-f', '-'], JSON.stringify(list));
  }

  /** What the API server would do. */
  ask({ user, groups = [] }: Actor, { method, path, body }: Call): Promise<Answer> {
    const { ca, authorization, server } = this.#request;
    const headers = {
      authorization,
      accept: 'application/json',
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      'impersonate-user': user,
      ...(groups.length > 0 && { 'impersonate-group': [...groups] }),
    };
    return new Promise((resolve, reject) => {
      const call = request(new URL(`${path}?dryRun=All`, server), { method, headers, ca }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { message } = messageSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
          resolve({ code: response.statusCode ?? 0, message: message ?? '' });
        });
      });
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** What Kubernetes' own controller finds when it checks the expressions against the kinds that they are for. */
  async checkTypes(): Promise<Policies> {
    const flags = ['--controllers=validatingadmissionpolicy-status-controller', '--leader-elect=false'];
    const child = spawn(
      join(this.#cluster.binDir, 'kube-controller-manager'),
      [`--kubeconfig=${this.#cluster.kubeconfig}`, '--secure-port=0', ...flags],
      { stdio: 'ignore' },
    );
    try {
      return await eventually(
        'the policies to be checked',
        () => this.policies(),
        (found) => found.every(({ metadata, status }) => status?.observedGeneration === metadata.generation),
        60_000,
      );
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  }

  async policies(): Promise<Policies> {
    const text = await this.kubectl('get', 'validatingadmissionpolicies', OURS, '--output=json');
    return policySchema.parse(JSON.parse(text)).items;
  }

  async close(): Promise<void> {
    await clusterDown({ name: NAME });
  }

  /** Does what kube-controller-manager, which does not run here, does with roles that are sums of others. */
  async #aggregate(): Promise<void> {
    const selector = '--selector=volprime.dev/aggregate-to-controller=true';
    const parts = roleSchema.parse(JSON.parse(await this.kubectl('get', 'clusterroles', selector, '--output=json')));
    const rules = parts.items.flatMap(({ rules }) => rules ?? []);
    await this.kubectl('patch', 'clusterrole', 'volprime-controller', '--patch', JSON.stringify({ rules }));
  }
}

const messageSchema = z.object({ message: z.string().optional() }).loose();
