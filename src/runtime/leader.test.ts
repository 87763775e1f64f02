/** Leaders on a lease that this test holds, with clocks that move only when told. Real API servers and frozen processes: test/integration. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { recordingLogger } from '../../test/support/recording-logger.ts';
import type { Lease } from '../api/objects.ts';
import { type KubeClient, KubeError, type WriteOutcome } from '../kube/index.ts';
import { createMetrics } from '../telemetry/index.ts';
import { Leader, type LeaderOptions } from './leader.ts';
import { gated } from './write-gate.ts';

/** The API server's part: one lease, written with preconditions. */
class LeaseServer {
  lease: Lease | undefined;
  away = false;
  writes = 0;
  #version = 0;

  readonly client = {
    get: () => this.#answer(() => this.lease),
    create: (_: unknown, body: { spec: Lease['spec'] }) =>
      this.#answer((): WriteOutcome<Lease> => (this.lease === undefined ? this.#store(body.spec) : { type: 'exists' })),
    mergePatch: (_: unknown, __: unknown, body: { metadata: { resourceVersion: string }; spec: Lease['spec'] }) =>
      this.#answer((): WriteOutcome<Lease> => {
        if (this.lease === undefined) return { type: 'absent' };
        if (this.lease.metadata.resourceVersion !== body.metadata.resourceVersion)
          return { type: 'conflict', message: 'stale' };
        return this.#store({ ...this.lease.spec, ...body.spec });
      }),
  } as unknown as KubeClient;

  #answer<T>(act: () => T): Promise<T> {
    return this.away ? Promise.reject(new KubeError('KUBE_UNREACHABLE', 'away')) : Promise.resolve(act());
  }

  #store(spec: Lease['spec']): WriteOutcome<Lease> {
    this.writes += 1;
    this.#version += 1;
    const metadata = {
      name: 'l',
      namespace: 'n',
      uid: 'u',
      resourceVersion: String(this.#version),
      creationTimestamp: 't',
    };
    this.lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    return { type: 'done', object: this.lease };
  }
}

let server: LeaseServer;
let stop: AbortController;
let now: number;
let leaders: Leader[];
let logger: ReturnType<typeof recordingLogger>;
const metrics = createMetrics();

beforeEach(() => {
  server = new LeaseServer();
  stop = new AbortController();
  now = 0;
  leaders = [];
  logger = recordingLogger();
});
afterEach(async () => {
  stop.abort();
  server.away = false;
  await Promise.all(leaders.map((leader) => leader.resign()));
});

function leader(identity: string, more: Partial<LeaderOptions> = {}): Leader {
  const made = new Leader({
    client: server.client,
    name: 'l',
    namespace: 'n',
    identity,
    timings: { leaseMs: 15_000, renewMs: 10_000, retryMs: 2 },
    ownClock: { mark: () => ({ monotonic: now, wall: now }), since: (mark) => now - mark.monotonic },
    othersClock: () => now,
    logger,
    metrics,
    ...more,
  });
  leaders.push(made);
  return made;
}

const renewals = (count: number) =>
  eventually(
    'renewals',
    () => server.writes,
    (writes) => writes >= count,
  );

/** Whether the campaign is won after the other had time for some tries. */
async function wins(campaign: Promise<AbortSignal>, tries: () => Promise<unknown>): Promise<boolean> {
  let won = false;
  void campaign.then(
    () => {
      won = true;
    },
    () => {},
  );
  await tries();
  return won;
}

describe('taking the lease', () => {
  test('a lease that is not there is made', async () => {
    const a = leader('a');
    const term = await a.campaign(stop.signal);
    expect([a.isLeader(), term.aborted, server.lease?.spec.holderIdentity]).toEqual([true, false, 'a']);
    expect(server.lease?.spec).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(server.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await metrics.text()).toContain('leader_election_master_status{name="l"} 1');
  });

  test('a lease that is renewed is left alone, however old it was when first seen', async () => {
    await leader('a').campaign(stop.signal);
    now = 1_000_000;
    leaders[0]?.isLeader();
    server.lease = { ...(server.lease as Lease), spec: { ...server.lease?.spec, holderIdentity: 'z' } };
    const b = leader('b');
    expect(await wins(b.campaign(stop.signal), () => eventually('b to look', () => b.holder === 'z'))).toBe(false);
  });

  test('a lease that was not renewed for its time is taken over, and that is counted', async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    server.away = true;
    const b = leader('b', { client: { ...server.client, ...whenBack() } });
    const campaign = b.campaign(stop.signal);
    await eventually('b to look', () => b.holder === 'a');
    now += 14_999;
    expect(await wins(campaign, async () => {})).toBe(false);
    now += 2;
    await campaign;
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('a released lease is taken at once', async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    const b = leader('b');
    const campaign = b.campaign(stop.signal);
    await eventually('b to look', () => b.holder === 'a');
    await a.resign();
    await campaign;
    expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
  });

  test('of two who find it free one gets it', async () => {
    const campaigns = [leader('a').campaign(stop.signal), leader('b').campaign(stop.signal)];
    await Promise.race(campaigns);
    await renewals(5);
    expect(leaders.filter((one) => one.isLeader())).toHaveLength(1);
  });

  test('a campaign ends with the reason of its signal', async () => {
    server.away = true;
    const campaign = leader('a').campaign(stop.signal);
    stop.abort(new Error('enough'));
    await expect(campaign).rejects.toThrow('enough');
  });

  /** Reaches the server though it is away for the others. */
  function whenBack(): Pick<KubeClient, 'get' | 'mergePatch'> {
    const reach =
      <A extends unknown[], R>(call: (...parameters: A) => R) =>
      (...parameters: A): R => {
        server.away = false;
        const result = call(...parameters);
        server.away = true;
        return result;
      };
    return { get: reach(server.client.get), mergePatch: reach(server.client.mergePatch) } as Pick<
      KubeClient,
      'get' | 'mergePatch'
    >;
  }
});

describe('losing it', () => {
  test('who cannot renew stops before anybody else may start, and says so at once', async () => {
    const a = leader('a');
    const term = await a.campaign(stop.signal);
    server.away = true;
    now += 9_999;
    expect(a.isLeader()).toBe(true);
    now += 1;
    expect(a.isLeader()).toBe(false);
    expect(term.aborted).toBe(true);
    expect(term.reason).toMatchObject({ code: 'LEADERSHIP_LOST', retry: { type: 'never' } });
    expect(await metrics.text()).toContain('leader_election_master_status{name="l"} 0');
  });

  test('a renewal extends the term from when it was begun', async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    now += 9_000;
    await renewals(server.writes + 2);
    now += 9_000;
    expect(a.isLeader()).toBe(true);
    now += 1_000;
    expect(a.isLeader()).toBe(false);
  });

  test('short trouble is survived', async () => {
    const a = leader('a');
    const term = await a.campaign(stop.signal);
    server.away = true;
    await eventually('a warning', () => logger.lines.some(({ level }) => level === 'warn'));
    server.away = false;
    await renewals(server.writes + 2);
    expect([a.isLeader(), term.aborted]).toEqual([true, false]);
  });

  test('somebody else on the lease ends the term', async () => {
    const a = leader('a');
    const term = await a.campaign(stop.signal);
    const taken = server.lease as Lease;
    server.lease = {
      ...taken,
      metadata: { ...taken.metadata, resourceVersion: '999' },
      spec: { ...taken.spec, holderIdentity: 'b' },
    };
    await eventually('the end of the term', () => term.aborted);
    expect([a.isLeader(), server.lease.spec.holderIdentity]).toEqual([false, 'b']);
  });

  test("somebody else's write to the lease that leaves the holder does not", async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    const annotated = server.lease as Lease;
    server.lease = { ...annotated, metadata: { ...annotated.metadata, resourceVersion: '999' } };
    await renewals(server.writes + 2);
    expect(a.isLeader()).toBe(true);
  });

  test('a deleted lease is made again', async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    server.lease = undefined;
    await eventually('a lease', () => server.lease?.spec.holderIdentity === 'a');
    expect(a.isLeader()).toBe(true);
  });
});

describe('resigning', () => {
  test('empties the lease', async () => {
    const a = leader('a');
    const term = await a.campaign(stop.signal);
    await a.resign();
    expect([a.isLeader(), term.aborted, server.lease?.spec.holderIdentity]).toEqual([false, true, '']);
  });

  test('without a term does nothing', async () => {
    await leader('a').resign();
    expect(server.lease).toBeUndefined();
  });

  test('with the server away is no failure', async () => {
    const a = leader('a');
    await a.campaign(stop.signal);
    server.away = true;
    await a.resign();
    expect(a.isLeader()).toBe(false);
  });
});

test('a renew time that is not below the lease time is refused', () => {
  expect(() => leader('a', { timings: { leaseMs: 10, renewMs: 10 } })).toThrow(RangeError);
});

describe('the write gate', () => {
  test('asks right before the bytes go out, and lets reads pass', async () => {
    const guards: (() => void)[] = [];
    const note = (...parameters: unknown[]) => {
      const { guard } = parameters.at(-1) as { guard?: () => void };
      if (guard !== undefined) guards.push(guard);
      return Promise.resolve();
    };
    const inner = Object.fromEntries(
      ['get', 'listPage', 'podLog', 'create', 'mergePatch', 'apply', 'delete'].map((verb) => [verb, note]),
    ) as unknown as KubeClient;
    let leading = true;
    const client = gated(inner, { isLeader: () => leading });
    const resource = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
    const key = { namespace: 'a', name: 'x' };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key };
    await client.get(resource, key, {});
    await client.listPage(resource, {}, {});
    expect(guards).toEqual([]);
    await client.create(resource, body);
    await client.mergePatch(resource, key, {});
    await client.apply(resource, key, body, { fieldManager: 'm' });
    await client.delete(resource, key, { uid: 'u' });
    expect(guards).toHaveLength(4);
    for (const guard of guards) guard();
    leading = false;
    for (const guard of guards)
      expect(guard).toThrow(expect.objectContaining({ code: 'KUBE_LEADERSHIP_LOST', retry: { type: 'never' } }));
  });
});
