/** A cluster that ends, however it ended, leaves nothing behind, and its neighbour does not notice. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterHandle, clusterDown, clusterUp, toolboxImage } from './index.ts';
import { addedSince, type Inventory, takeInventory } from './inventory.ts';
import { kubectl } from './kubectl.ts';
import { killAndWait } from './process-table.ts';
import { addressesOf, hostInterface } from './network.ts';
import { clusterNames, type ProcessRecord, readState, writeState } from './state.ts';
import { stateDirOf } from './paths.ts';

const victim = 'teardown-victim';
const neighbour = 'teardown-neighbour';
const minute = 60_000;

let before: Inventory;
let beside: ClusterHandle;

beforeAll(async () => {
  await clusterDown({ name: victim });
  beside = await clusterUp({ name: neighbour });
  await runPod(beside);
  before = await takeInventory(victim);
}, 30 * minute);

afterAll(async () => {
  await clusterDown({ name: victim });
  await clusterDown({ name: neighbour });
}, minute);

describe('a cluster leaves nothing behind', () => {
  test(
    'after an orderly end',
    async () => {
      await runPod(await clusterUp({ name: victim }));
      await expectNothingLeft();
    },
    2 * minute,
  );

  test(
    'after kill -9 of all that was started',
    async () => {
      await runPod(await clusterUp({ name: victim }));
      for (const record of processesOf(victim)) await killAndWait(record);
      await expectNothingLeft();
    },
    2 * minute,
  );

  test(
    'after kill -9 of the node, while pods run on, and with the state file lost',
    async () => {
      await runPod(await clusterUp({ name: victim }));
      const node = ['kubelet', 'containerd', 'csi-driver'];
      for (const record of processesOf(victim)) if (node.includes(record.name)) await killAndWait(record);
      rmSync(join(stateDirOf(victim), 'state.json'));
      await expectNothingLeft();
    },
    2 * minute,
  );
});

describe('a stale cluster is replaced', () => {
  test(
    'when a component died',
    async () => {
      await clusterUp({ name: victim });
      const kubelet = processesOf(victim).find(({ name }) => name === 'kubelet');
      if (kubelet === undefined) throw new Error('no kubelet');
      await killAndWait(kubelet);
      expect(await upWithLog()).toContain(`replacing cluster ${victim}: kubelet died`);
    },
    2 * minute,
  );

  test(
    'when the machine was restarted: recorded process ids belong to others then',
    async () => {
      const state = readState(victim);
      if (state === undefined) throw new Error('no state');
      writeState({ ...state, bootId: 'another boot' });
      expect(await upWithLog()).toContain(`replacing cluster ${victim}: the machine was restarted`);
    },
    2 * minute,
  );

  test(
    'and one that is well is left alone',
    async () => {
      const pids = processesOf(victim).map(({ pid }) => pid);
      await clusterUp({ name: victim });
      expect(processesOf(victim).map(({ pid }) => pid)).toEqual(pids);
    },
    minute,
  );
});

async function upWithLog(): Promise<string[]> {
  const lines: string[] = [];
  const cluster = await clusterUp({ name: victim, log: (line) => lines.push(line) });
  expect(await kubectl(cluster, ['get', 'nodes', '-o=name'])).toBe(`node/${victim}-node\n`);
  return lines;
}

function processesOf(name: string): readonly ProcessRecord[] {
  return readState(name)?.processes ?? [];
}

/** How other clusters of this machine, which come and go on their own, show in an inventory. */
function marksOfOtherClusters(): string[] {
  return clusterNames()
    .filter((name) => name !== victim)
    .flatMap((name) => {
      const stateDir = stateDirOf(name);
      const slot = readState(name)?.slot;
      const addresses = typeof slot === 'number' ? [addressesOf(slot).link, addressesOf(slot).podCidr] : [];
      return [`${stateDir}/`, `${stateDir} `, `/volprime-${name}`, hostInterface(stateDir), ...addresses];
    });
}

async function expectNothingLeft(): Promise<void> {
  await clusterDown({ name: victim });
  expect(addedSince(before, await takeInventory(victim), marksOfOtherClusters())).toEqual({});
  expect(await kubectl(beside, ['exec', 'pod/everything', '--', 'cat', '/directory/written'])).toBe('data\n');
}

/** A pod with a volume of every kind. */
async function runPod(cluster: ClusterHandle): Promise<void> {
  const volumes = [
    { name: 'directory', storageClassName: 'fast-ssd', volumeMode: 'Filesystem' },
    { name: 'local', storageClassName: 'local-path', volumeMode: 'Filesystem' },
    { name: 'image', storageClassName: 'small-image', volumeMode: 'Filesystem' },
    { name: 'block', storageClassName: 'imm-del', volumeMode: 'Block' },
  ];
  const claims = volumes.map(({ name, ...spec }) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } }, ...spec },
  }));
  const container = {
    name: 'main',
    image: toolboxImage,
    imagePullPolicy: 'Never',
    command: [
      'sh',
      '-c',
      'echo data > /directory/written && cp /directory/written /image/ && cp /directory/written /local/ && echo data > /dev/block && sleep 100000',
    ],
    volumeMounts: ['directory', 'image', 'local'].map((name) => ({ name, mountPath: `/${name}` })),
    volumeDevices: [{ name: 'block', devicePath: '/dev/block' }],
    readinessProbe: { exec: { command: ['cat', '/image/written'] }, periodSeconds: 1 },
  };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'everything' },
    spec: {
      containers: [container],
      volumes: volumes.map(({ name }) => ({ name, persistentVolumeClaim: { claimName: name } })),
    },
  };
  await kubectl(
    cluster,
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...claims, pod] }),
  );
  await kubectl(cluster, ['wait', '--for=condition=Ready', 'pod/everything', '--timeout=60s']);
}
