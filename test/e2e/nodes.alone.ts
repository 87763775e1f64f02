/**
 * Nodes that are emptied, fall silent or are taken out of service under a populator pod: never two writers on one volume, and the user is told.
 * docs/hazards.md, cases 50 to 52.
 */
import { expect, test } from '@jest/globals';
import { podName } from '../../src/api/names.ts';
import { pods } from '../../src/api/resources.ts';
import { type ClusterHandle, freezeNode } from '../cluster/index.ts';
import {
  beginDownload,
  claimOf,
  expectAtRest,
  podAtWork,
  SLOWLY,
  sourceName,
  statusOf,
  toldOf,
  warningsAbout,
} from './harness/claims.ts';
import { downloads, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

let suite: Suite;
let namespace: string;
useSuite(async (opened) => {
  suite = opened;
  ({ namespace } = await suite.lane('nodes'));
}, 'alone');

test(
  'case 50: when its node is drained, the populator pod goes, waits for a node, and says so',
  async () => {
    const work = await podAtWork(suite, namespace, 'drained', SLOWLY);
    const selector = `--pod-selector=volprime.dev/claim-uid=${work.claim.metadata.uid}`;
    const drain = ['--force', '--delete-emptydir-data', '--ignore-daemonsets', selector];
    const nodes = await nodeNames();
    try {
      for (const node of nodes) await suite.cluster.kubectl(['drain', node, ...drain]);
      expect(await toldOf(suite, namespace, 'drained', 'PodNotScheduled')).toMatch(/unschedulable/);
    } finally {
      for (const node of nodes) await suite.cluster.kubectl(['uncordon', node]);
    }
    work.gate.open();
    await expectAtRest(suite, { namespace }, { drained: work.listing });
    expect(await warningsAbout(suite, namespace, 'drained')).toEqual(['PodEvicted', 'PodNotScheduled']);
    expect(await statusOf(suite, namespace, 'drained')).toMatchObject({ attempt: 2, excused: 1 });
  },
  TEST_MS,
);

test(
  'case 51 and case 52: a pod on a silent node is waited for; what was written by one that is not seen any more is thrown away',
  async () => {
    const node = embeddedNode();
    if (node === undefined) return;
    const silent = await podSlowlyAtWork('silent');
    const unseen = await podSlowlyAtWork('unseen');
    const before = await statusOf(suite, namespace, 'unseen');
    {
      using _frozen = freezeNode(node);
      expect(await toldOf(suite, namespace, 'silent', 'NodeLost')).toContain(OUT_OF_SERVICE);
      await takeByForce(podName(unseen.uid, 1));
      const after = await until(
        'the attempt to be given up',
        () => statusOf(suite, namespace, 'unseen'),
        (status) => status?.lastError?.reason === 'PodLost',
        SLOWLY,
      );
      expect(after).toMatchObject({ failures: 1, discard: before?.prime?.uid });
      expect(await statusOf(suite, namespace, 'silent')).toMatchObject({ attempt: 1, failures: 0 });
      expect(downloads(suite, sourceName(namespace, 'silent'))).toBe(1);
    }
    await expectAtRest(suite, { namespace }, { silent: silent.listing });
    expect(await statusOf(suite, namespace, 'silent')).toMatchObject({ attempt: 1, failures: 0 });
    await expectAtRest(suite, { namespace }, { unseen: unseen.listing });
    const now = await statusOf(suite, namespace, 'unseen');
    expect(now).toMatchObject({ attempt: 2 });
    expect(now?.volume?.uid).not.toBe(before?.volume?.uid);
  },
  TEST_MS,
);

test(
  'case 51: when the silent node is marked as out of service, another attempt begins on another volume',
  async () => {
    const node = embeddedNode();
    if (node === undefined) return;
    const work = await podSlowlyAtWork('fenced');
    const before = await statusOf(suite, namespace, 'fenced');
    const nodes = await nodeNames();
    try {
      using _frozen = freezeNode(node);
      await toldOf(suite, namespace, 'fenced', 'NodeLost');
      for (const name of nodes)
        await suite.cluster.kubectl(['taint', 'node', name, `${OUT_OF_SERVICE}=gone:NoExecute`]);
      const after = await until(
        'the attempt to be given up',
        () => statusOf(suite, namespace, 'fenced'),
        (status) => status?.lastError?.reason === 'NodeLost',
        SLOWLY,
      );
      expect(after).toMatchObject({ failures: 1, excused: 1, discard: before?.prime?.uid });
    } finally {
      for (const name of nodes) await suite.cluster.kubectl(['taint', 'node', name, `${OUT_OF_SERVICE}-`]);
    }
    await expectAtRest(suite, { namespace }, { fenced: work.listing });
    const now = await statusOf(suite, namespace, 'fenced');
    expect(now).toMatchObject({ attempt: 2 });
    expect(now?.volume?.uid).not.toBe(before?.volume?.uid);
  },
  TEST_MS,
);

/** A claim whose first download lasts for a minute and a half, whatever becomes of its pod; later ones are quick. */
async function podSlowlyAtWork(name: string): Promise<{ readonly uid: string; readonly listing: string }> {
  const path = sourceName(namespace, name);
  const listing = await beginDownload(suite, namespace, name, { bytesPerSecond: 550 });
  await until(`the download of ${path} to begin`, () => downloads(suite, path) > 0, Boolean, SLOWLY);
  serve(suite, path);
  return { listing, uid: (await claimOf(suite, namespace, name)).metadata.uid };
}

/** Undefined on a cluster whose nodes are not these tests' to stop. */
function embeddedNode(): ClusterHandle | undefined {
  return suite.cluster.embedded;
}

async function nodeNames(): Promise<string[]> {
  const names = await suite.cluster.kubectl(['get', 'nodes', '--output=name']);
  return names
    .trim()
    .split('\n')
    .map((name) => name.replace('node/', ''));
}

async function takeByForce(name: string): Promise<void> {
  await suite.cluster.client.mergePatch(pods, { namespace, name }, { metadata: { finalizers: null } });
  await suite.cluster.kubectl(['delete', 'pod', name, '--force', '--grace-period=0', `--namespace=${namespace}`]);
}
