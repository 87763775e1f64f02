/** Two controllers with one lease: the leader is killed or frozen in the middle of the work. docs/hazards.md, cases 55 and 56. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApiProxy } from './harness/api-proxy.ts';
import { expectAtRest, expectBound } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { downloads, hold, providerOf, serve } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;

interface Replica {
  readonly process: ControllerProcess;
  readonly proxy: ApiProxy;
}

let suite: Suite;
let namespace: string;
let leader: Replica;
let standby: Replica;
useSuite((opened) => {
  suite = opened;
});
beforeEach(async () => {
  namespace = await suite.namespace('leader');
  leader = await startReplica('first');
  await leader.process.logged('became leader');
  standby = await startReplica('second');
  await standby.process.logged('campaigning for the lease');
}, TEST_MS);

describe('case 55: a leader that is killed', () => {
  test(
    'during a download is followed by the other one, which does not download again',
    async () => {
      const { gate, listing } = hold(suite, `${namespace}-killed`);
      await applyClaim('data', `${namespace}-killed`);
      await until('the download to begin', () => downloads(suite, `${namespace}-killed`) > 0);
      await leader.process.kill();
      await standby.process.logged('became leader');
      gate.open();
      await expectPopulatedOnce('data', `${namespace}-killed`, listing);
    },
    TEST_MS,
  );

  test(
    'right after it has recorded the result is followed by the other one, which only hands over',
    async () => {
      const { listing } = serve(suite, `${namespace}-recorded`);
      await applyClaim('data', `${namespace}-recorded`, 'after-RecordResult');
      await standby.process.logged('became leader');
      await expectPopulatedOnce('data', `${namespace}-recorded`, listing);
    },
    TEST_MS,
  );
});

describe('case 56: a leader that is frozen while another one takes over', () => {
  test(
    'writes nothing when it is thawed',
    async () => {
      const fresh = ['fresh-1', 'fresh-2', 'fresh-3'];
      const { gate, listing } = hold(suite, `${namespace}-frozen`);
      await applyClaim('data', `${namespace}-frozen`);
      await until('the download to begin', () => downloads(suite, `${namespace}-frozen`) > 0);
      leader.process.freeze();
      await standby.process.logged('became leader');
      // Work that nobody else does meanwhile: a leader that believes in its lease would begin it at once.
      standby.process.freeze();
      gate.open();
      for (const name of fresh) await applyClaim(name, `${namespace}-frozen`);
      const before = writesOf(leader).length;
      leader.process.thaw();
      await leader.process.logged('"message":"stopped"');
      const late = writesOf(leader).slice(before);
      standby.process.thaw();

      expect(late).toEqual([]);
      const contents = Object.fromEntries(['data', ...fresh].map((name) => [name, listing]));
      await expectAtRest(suite, { namespace, controller: { check } }, contents);
    },
    TEST_MS,
  );

  test(
    'does no harm with a hand-over that was still on its way',
    async () => {
      const { listing } = serve(suite, `${namespace}-late`);
      const swap = leader.proxy.holdNext(
        ({ method, path, body }) =>
          method === 'PATCH' && path.includes('/persistentvolumes/') && body.includes(`"namespace":"${namespace}"`),
      );
      await applyClaim('data', `${namespace}-late`);
      const { path } = await swap.reached;
      leader.process.freeze();
      await standby.process.logged('became leader');
      await expectBound(suite, namespace, 'data');
      await expectNothingLeft(suite.cluster, namespace, check);
      const before = await suite.cluster.kubectl(['get', '--raw', path]);
      swap.release();
      leader.process.thaw();
      await leader.process.logged('"message":"stopped"');

      expect(JSON.parse(await suite.cluster.kubectl(['get', '--raw', path]))).toEqual(JSON.parse(before));
      await expectPopulatedOnce('data', `${namespace}-late`, listing);
    },
    TEST_MS,
  );
});

async function startReplica(name: string): Promise<Replica> {
  const proxy = await suite.proxy();
  const process = suite.controller({
    name: `${namespace}-${name}`,
    leaseName: namespace,
    namespaces: [namespace],
    proxy,
  });
  process.start();
  return { process, proxy };
}

function check(): void {
  leader.process.check();
  standby.process.check();
}

function writesOf({ proxy }: Replica) {
  return proxy.writes.filter(({ path }) => !path.includes('/leases'));
}

async function applyClaim(name: string, archive: string, crashAt?: string): Promise<void> {
  const { source, ref } = providerOf(suite, namespace, archive);
  const crash = crashAt === undefined ? {} : { crashAt };
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref, ...crash }));
}

async function expectPopulatedOnce(name: string, archive: string, listing: string): Promise<void> {
  await expectAtRest(suite, { namespace, controller: { check } }, { [name]: listing });
  expect(downloads(suite, archive)).toBe(1);
}
