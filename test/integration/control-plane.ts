/**
 * A real etcd and kube-apiserver for the tests of this folder, or the cluster that `KUBECONFIG` names; a namespace for each test, and
 * clients to it. The embedded one stays up for the next run.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { KubeObject, NewObject } from '../../src/api/objects.ts';
import { type Resource, volumes } from '../../src/api/resources.ts';
import { findAccess } from '../../src/kube/access.ts';
import { currentCredentials } from '../../src/kube/credentials.ts';
import { type Connection, connect, type ObjectKey, type WriteOutcome } from '../../src/kube/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { controlPlaneUp } from '../cluster/index.ts';
import { recordingLogger } from '../support/recording-logger.ts';

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const namespaces: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
export const customResourceDefinitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Whether controllers of Kubernetes itself may write to what a test makes, at any time. */
export const hasControllers = process.env['KUBECONFIG'] !== undefined;

/** Path of an admin's kubeconfig. */
export async function controlPlane(): Promise<string> {
  return process.env['KUBECONFIG'] ?? (await controlPlaneUp({ name: 'integration' })).kubeconfig;
}

/** A kubeconfig for the same cluster and user, with another address, or in the name of somebody else. */
export async function writeKubeconfig(
  file: string,
  kubeconfig: string,
  change: { readonly server?: string; readonly as?: string },
): Promise<void> {
  const { server, credentials } = findAccess({ kubeconfig });
  const { headers, tls } = await currentCredentials(credentials, false);
  const base64 = (text: string | undefined) => text && Buffer.from(text).toString('base64');
  const cluster = {
    server: change.server ?? server.href,
    'certificate-authority-data': base64(tls.ca),
    'tls-server-name': tls.servername ?? server.hostname,
  };
  const user = {
    token: headers['authorization']?.replace('Bearer ', ''),
    'client-certificate-data': base64(tls.cert),
    'client-key-data': base64(tls.key),
    as: change.as,
  };
  const config = {
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
}

export function clientOf(kubeconfig: string): Connection {
  return connect({ kubeconfig, userAgent: 'volprime-test', metrics: createMetrics(), logger: recordingLogger() });
}

/** What is not in a namespace of its own carries it too, and goes with `removeAll`. */
export const ofThisRun = { 'example.com/test-run': String(process.pid) };

export async function newNamespace(client: Connection): Promise<string> {
  const name = `test-${randomBytes(5).toString('hex')}`;
  done(await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: ofThisRun } }));
  return name;
}

/** Whatever this run made outside of a namespace, and its namespaces with all that is in them. */
export async function removeAll(client: Connection): Promise<void> {
  const labelSelector = Object.entries(ofThisRun)
    .map(([label, value]) => `${label}=${value}`)
    .join();
  for (const resource of [volumes, customResourceDefinitions, namespaces]) {
    for (const { metadata } of (await client.listPage(resource, { labelSelector })).items) {
      const { name, uid } = metadata;
      if (resource === volumes) await client.mergePatch(resource, { name }, { metadata: { uid, finalizers: null } });
      await client.delete(resource, { name }, { uid });
    }
  }
}

/** The object of a write that the test relies on. */
export function done<T>(outcome: WriteOutcome<T>): T {
  if (outcome.type !== 'done') throw new Error(`expected the write to be done: ${JSON.stringify(outcome)}`);
  return outcome.object;
}

export function aConfigMap(key: ObjectKey, data: Record<string, string> = {}, metadata: object = {}): NewObject {
  const { name, namespace } = key;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(namespace !== undefined && { namespace }), ...metadata },
    data,
  };
}

/** A namespaced kind of example.com with a status and no schema. */
export function aDefinition(kind: string): NewObject {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com`, labels: ofThisRun },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema }],
    },
  };
}

export function customResource(kind: string): Resource {
  return { group: 'example.com', version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced: true };
}
