/** The whole controller while the API server, or the way to it, does what it should not. docs/hazards.md, cases 18, 57, 58 and 59. */
import { describe, expect } from '@jest/globals';
import { primeName } from '../../src/api/names.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { setFault } from '../cluster/index.ts';
import type { SeenRequest } from '../support/fault-rules.ts';
import { playApiAway } from './harness/api-away.ts';
import { isFullyBound } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { setStage, type Stage, stageWork } from './harness/stage.ts';
import { downloads, hold, providerOf } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';
import { readBack } from './harness/read-back.ts';

const TEST_MS = 5 * 60_000;
type Stop = () => void;
const FOR_EVER = { times: Number.POSITIVE_INFINITY };

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('all claims are populated, each once, and nothing is left', () => {
  testTogether(
    [
      {
        name: 'case 57: while every second write is refused as a conflict',
        spoilt: ['409'],
        spoil: ({ faults }: Stage): Stop => {
          const conflict = { type: 'answer', status: 409, reason: 'Conflict' } as const;
          return faults.on({ is: isWork }, conflict, { ...FOR_EVER, every: 2 });
        },
      },
      {
        name: 'case 57: while the answer to every third write is lost, although it was done',
        spoilt: ['undefined'],
        spoil: ({ faults }: Stage): Stop => {
          return faults.on({ is: isWork }, { type: 'reset', when: 'after' }, { ...FOR_EVER, every: 3 });
        },
      },
      {
        name: 'case 58: while calls are told to come later or fail, and watches break in every way or are too old',
        spoilt: ['410', '429', '500'],
        spoil: ({ faults }: Stage): Stop => {
          const later = {
            type: 'answer',
            status: 429,
            reason: 'TooManyRequests',
            headers: { 'retry-after': '1' },
          } as const;
          faults.on({ is: isWork }, later, { ...FOR_EVER, every: 4 });
          faults.on(
            { is: isRead },
            { type: 'answer', status: 500, reason: 'InternalError' },
            { ...FOR_EVER, every: 3 },
          );
          faults.on({ kind: 'watch' }, { type: 'answer', status: 410, reason: 'Expired' }, { ...FOR_EVER, every: 3 });
          return breakWatches(faults);
        },
      },
    ],
    async ({ spoil, spoilt, name }) => {
      await using stage = await setStage(suite, `api-${name.replaceAll(/[^0-9]/g, '')}`);
      const stop = spoil(stage);
      const work = await stageWork(suite, stage);
      await work.populated();
      stop();
      const { requests } = stage.faults;
      const statuses = new Set(
        requests.filter((it) => isWork(it) || isRead(it) || isWatch(it)).map(({ status }) => `${status}`),
      );
      expect(spoilt.filter((status) => !statuses.has(status))).toEqual([]);
      // Four claims need about a hundred; a loop that does not wait would make thousands.
      expect(requests.length).toBeLessThan(2000);
    },
    TEST_MS,
  );
});

describe('a stale cache does no harm', () => {
  testTogether(
    [
      {
        name: 'case 18: volumes and claims are seen ten seconds late, and the prime is lost right before the hand-over',
      },
    ],
    async () => {
      const { embedded, client, kubectl } = suite.cluster;
      if (embedded === undefined) return;
      await using stage = await setStage(suite, 'api-late', ({ faults }) => {
        faults.on({ kind: 'watch', url: /persistentvolume(claim)?s/ }, { type: 'late', ms: 10_000 }, FOR_EVER);
      });
      const { namespace } = stage;
      const { gate, listing } = hold(suite, namespace);
      const { source, ref } = providerOf(suite, namespace, namespace);
      await suite.apply(source, aClaimManifest({ name: 'data', namespace, storageClass: 'imm-del', source: ref }));
      await until('the download to begin', () => downloads(suite, namespace) > 0);
      const claim = await client.get(claims, { namespace, name: 'data' });
      const prime = { namespace, name: primeName(claim?.metadata.uid ?? '') };
      const first = (await client.get(claims, prime))?.spec.volumeName ?? '';
      const handle = (await client.get(volumes, { name: first }))?.spec.csi?.volumeHandle ?? '';
      // It stays Released for a while, still named for the prime: what a hand-over must not take.
      await setFault(embedded, { call: 'DeleteVolume', matchName: handle, failCode: 'INTERNAL', failTimes: 4 });
      await client.mergePatch(claims, prime, { metadata: { finalizers: null } });
      await kubectl(['delete', 'pvc', prime.name, `--namespace=${namespace}`, '--wait=false']);
      gate.open();
      const bound = await until(
        'the claim to be bound',
        () => {
          stage.controller.check();
          return client.get(claims, { namespace, name: 'data' });
        },
        (found) => found !== undefined && isFullyBound(found),
      );
      expect(bound?.spec.volumeName).not.toBe(first);
      expect(await readBack(suite.cluster, namespace, ['data'])).toEqual({ data: listing });
      await stage.nothingLeft();
    },
    TEST_MS,
  );
});

describe('the API server is away', () => {
  testTogether(
    [{ name: 'cases 58 and 59: for half a minute in the middle of the work, while claims and sources are deleted' }],
    () => playApiAway(suite, 30_000),
    TEST_MS,
  );
});

function isWork({ method, url }: SeenRequest): boolean {
  return method !== 'GET' && !/\/(leases|events)(\/|\?|$)/.test(url);
}

function isRead({ method, url, kind }: SeenRequest): boolean {
  return method === 'GET' && kind === 'call' && !/\/leases\//.test(url);
}

function isWatch({ kind }: SeenRequest): boolean {
  return kind === 'watch';
}

/** One open watch after the other, each in another way. @returns what ends it. */
function breakWatches(faults: Stage['faults']): Stop {
  const expired = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 410,
    reason: 'Expired',
    message: 'too old',
  };
  let turn = 0;
  const timer = setInterval(() => {
    const open = faults.watches(/^(?!.*leases)/);
    const watch = open[turn % Math.max(1, open.length)];
    if (watch === undefined) return;
    const ways = [
      () => watch.cutNextLine(),
      () => watch.event('ERROR', expired),
      () => watch.reset(),
      () => watch.write('no JSON\n'),
      () => watch.end(),
    ];
    ways[turn % ways.length]?.();
    turn += 1;
  }, 400);
  return () => clearInterval(timer);
}
