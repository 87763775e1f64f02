/**
 * Many claims at once, two controllers with one lease that are killed again and again at no particular moment, and claims that are deleted
 * meanwhile. populators.md, cases 1, 2, 55 and 66.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { lanePopulated } from './harness/crash-lanes.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { downloads, providerOf, serve, transferOf } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';

const TEST_MS = 30 * 60_000;
const TRANSFERS = 80;
const PODS = 20;
const KILLS = 30;

let suite: Suite;
let namespace: string;
let replicas: readonly ControllerProcess[];
beforeAll(async () => {
  suite = await openSuite();
  namespace = await suite.namespace('chaos');
  replicas = ['first', 'second'].map((name) =>
    suite.controller({ name: `${namespace}-${name}`, leaseName: namespace, namespaces: [namespace] }),
  );
  for (const replica of replicas) replica.start();
}, CLUSTER_UP_MS);
afterAll(async () => suite?.[Symbol.asyncDispose](), SUITE_DOWN_MS);

test(
  'every claim that is left is populated once, and nothing is left of those that were deleted',
  async () => {
    const { transfers, cluster } = suite;
    const transferNames = Array.from({ length: TRANSFERS }, (_, index) => `transfer-${index}`);
    const podNames = Array.from({ length: PODS }, (_, index) => `pod-${index}`);
    const listings = new Map([
      ...transferNames.map((name) => [name, transfers.listing(name)] as const),
      ...podNames.map((name) => [name, serve(suite, name, { bytesPerSecond: 16 * 1024 }).listing] as const),
    ]);
    const waiting = [...listings.keys()];
    for (let kill = 0; kill < KILLS; kill++) {
      await applyClaims(waiting.splice(0, Math.ceil(listings.size / KILLS)));
      // The moment is chance; nothing below relies on it.
      await delay(randomInt(100, 4000));
      const victim = replicas[randomInt(replicas.length)];
      await victim?.kill();
      const name = pick([...listings.keys()].filter((candidate) => !waiting.includes(candidate)));
      listings.delete(name);
      await cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--wait=false']);
      victim?.start();
    }
    await applyClaims(waiting);

    const [controller] = replicas;
    if (controller === undefined) throw new Error('there is no controller');
    expect(await lanePopulated(suite, { namespace, controller })).toEqual(Object.fromEntries(listings));
    const left = [...listings.keys()];
    expect(left.filter((name) => podNames.includes(name) && downloads(suite, name) !== 1)).toEqual([]);
    expect(left.filter((name) => !podNames.includes(name) && transfers.started(name).length !== 1)).toEqual([]);
    expect(transferNames.filter((name) => transfers.remembered(name).length > 0)).toEqual([]);
    expect(transfers.violations).toEqual([]);
  },
  TEST_MS,
);

async function applyClaims(names: readonly string[]): Promise<void> {
  const objects = names.flatMap((name) => {
    const { source, ref } = name.startsWith('pod') ? providerOf(suite, namespace, name) : transferOf(namespace, name);
    return [source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref })];
  });
  if (objects.length > 0) await suite.apply(...objects);
}

function pick(names: readonly string[]): string {
  const name = names[randomInt(names.length)];
  if (name === undefined) throw new Error('there is nothing to choose from');
  return name;
}
