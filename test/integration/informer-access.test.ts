/** Kinds that come and go, and rights that are missing: the informer tells what is wrong and gets by without a restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { KubeObject } from '../../src/api/objects.ts';
import type { Resource } from '../../src/api/resources.ts';
import { InformerRegistry } from '../../src/informer/index.ts';
import type { Connection } from '../../src/kube/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { type RecordingLogger, recordingLogger } from '../support/recording-logger.ts';
import {
  aConfigMap,
  aDefinition,
  clientOf,
  configMaps,
  controlPlane,
  customResource,
  customResourceDefinitions,
  done,
  newNamespace,
  removeAll,
  writeKubeconfig,
} from './control-plane.ts';

jest.setTimeout(60_000);

let kubeconfig: string;
let client: Connection;
let namespace: string;
let stop: AbortController;
let logger: RecordingLogger;
let running: Promise<void> | undefined;

beforeAll(async () => {
  kubeconfig = await controlPlane();
  client = clientOf(kubeconfig);
});
afterAll(async () => {
  await removeAll(client);
  await client.close();
});
beforeEach(async () => {
  namespace = await newNamespace(client);
  stop = new AbortController();
  logger = recordingLogger();
});
afterEach(async () => {
  stop.abort();
  await running;
});

function registry(from: Connection): InformerRegistry {
  const timings = { backoff: { baseMs: 5, capMs: 100 } };
  return new InformerRegistry({ client: from, namespaces: [namespace], timings, logger, metrics: createMetrics() });
}

const warnings = () => logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);

async function define(kind: string): Promise<KubeObject> {
  return done(await client.create(customResourceDefinitions, aDefinition(kind)));
}

async function undefine(definition: KubeObject): Promise<void> {
  const { name, uid } = definition.metadata;
  await client.delete(customResourceDefinitions, { name }, { uid });
  await eventually(
    'the definition to be gone',
    () => client.get(customResourceDefinitions, { name }),
    (left) => left === undefined,
  );
}

const make = (resource: Resource, name: string) =>
  client.create(resource, { apiVersion: 'example.com/v1', kind: resource.kind, metadata: { namespace, name } });

test('a kind that comes later is followed then; one that is removed takes its objects along, and may come back', async () => {
  const gadgets = customResource(`Gadget${Date.now()}`);
  const informers = registry(client);
  const informer = informers.informer(gadgets);
  const names = () => informer.store.list().map(({ metadata }) => metadata.name);
  running = informers.start(stop.signal);
  await eventually(
    'a problem',
    () => informers.notSynced(),
    (problem) => problem?.includes('are not served by this cluster') ?? false,
  );

  const first = await define(gadgets.kind);
  await informers.waitForSync(stop.signal);
  await eventually(
    'an object',
    () => make(gadgets, 'one'),
    ({ type }) => type === 'done',
  );
  await eventually('one', names, (all) => all.join() === 'one');

  await undefine(first);
  await eventually('an empty store', names, (all) => all.length === 0);

  const second = await define(gadgets.kind);
  await eventually(
    'an object',
    () => make(gadgets, 'two'),
    ({ type }) => type === 'done',
  );
  await eventually('two', names, (all) => all.join() === 'two');
  await undefine(second);
});

test('a version from before the kind was there is too old, and leads to a new list', async () => {
  const gizmos = customResource(`Gizmo${Date.now()}`);
  const definition = await define(gizmos.kind);
  await eventually('the kind to be served', () => client.hasResource(gizmos));
  const proxy = await FaultProxy.start(kubeconfig);
  const spoiled = clientOf(proxy.kubeconfig);
  const informers = registry(spoiled);
  const informer = informers.informer(gizmos);
  proxy.on(
    { kind: 'watch' },
    { type: 'rewrite', url: (url) => url.replace(/resourceVersion=\d+/, 'resourceVersion=1') },
  );
  running = informers.start(stop.signal);
  await informers.waitForSync(stop.signal);
  await eventually(
    'an object',
    () => make(gizmos, 'one'),
    ({ type }) => type === 'done',
  );
  await eventually(
    'one',
    () => informer.store.size,
    (size) => size === 1,
  );
  expect(
    logger.lines.some(({ fields }) => (fields['error'] as { code?: string } | undefined)?.code === 'KUBE_GONE'),
  ).toBe(true);
  stop.abort();
  await running;
  await proxy.close();
  await spoiled.close();
  await undefine(definition);
});

test('rights that are missing are told once, by name, and used as soon as they are granted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rights-'));
  const user = `user-${Date.now()}`;
  await writeKubeconfig(join(directory, 'kubeconfig'), kubeconfig, { as: user });
  const restricted = clientOf(join(directory, 'kubeconfig'));
  done(await client.create(configMaps, aConfigMap({ namespace, name: 'x' })));

  const informers = registry(restricted);
  const informer = informers.informer(configMaps);
  running = informers.start(stop.signal);
  const warning = `not allowed to list configmaps in namespace ${namespace}: grant the verbs get, list and watch by RBAC`;
  await eventually(
    'a problem',
    () => informers.notSynced(),
    (problem) => problem === warning,
  );
  await eventually(
    'more tries',
    () => logger.lines.length,
    (count) => count > 4,
  );
  expect(warnings()).toEqual([warning]);

  const group = 'rbac.authorization.k8s.io';
  const roles: Resource = { group, version: 'v1', kind: 'Role', plural: 'roles', namespaced: true };
  const bindings: Resource = { group, version: 'v1', kind: 'RoleBinding', plural: 'rolebindings', namespaced: true };
  const metadata = { namespace, name: 'reader' };
  const apiVersion = `${group}/v1`;
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }];
  done(await client.create(roles, { apiVersion, kind: 'Role', metadata, rules }));
  const roleRef = { apiGroup: group, kind: 'Role', name: 'reader' };
  done(
    await client.create(bindings, {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef,
      subjects: [{ apiGroup: group, kind: 'User', name: user }],
    }),
  );

  await informers.waitForSync(stop.signal);
  expect(informer.store.get({ namespace, name: 'x' })).toBeDefined();
  await restricted.close();
  await rm(directory, { recursive: true });
});
