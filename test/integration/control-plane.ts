/** A real etcd and kube-apiserver for the tests of this folder, a namespace for each of them, and clients to it. */
import { randomBytes } from 'node:crypto';
import type { KubeObject, NewObject } from '../../src/api/objects.ts';
import type { Resource } from '../../src/api/resources.ts';
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

/** Path of an admin's kubeconfig. The control plane stays for the next run. */
export async function controlPlane(): Promise<string> {
  return (await controlPlaneUp({ name: 'integration' })).kubeconfig;
}

export function clientOf(kubeconfig: string): Connection {
  return connect({ kubeconfig, userAgent: 'volprime-test', metrics: createMetrics(), logger: recordingLogger() });
}

export async function newNamespace(client: Connection): Promise<string> {
  const name = `test-${randomBytes(5).toString('hex')}`;
  done(await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  return name;
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
    metadata: { name: `${plural}.example.com` },
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
