/** Two processes and one lease on a real API server: a frozen leader writes nothing after it thaws, an orderly one hands over at once. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { leases } from '../../src/api/resources.ts';
import { Informer } from '../../src/informer/index.ts';
import type { Connection } from '../../src/kube/index.ts';
import { createMetrics } from '../../src/telemetry/index.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import {
  aConfigMap,
  type ConfigMap,
  clientOf,
  configMaps,
  controlPlane,
  done,
  newNamespace,
  removeAll,
} from './control-plane.ts';

jest.setTimeout(120_000);

/** One candidate, and what it said. */
class Candidate {
  readonly said: string[] = [];
  readonly errors: string[] = [];
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<number | null>;

  constructor(kubeconfig: string, identity: string, timings: readonly [lease: number, renew: number, retry: number]) {
    const script = join(import.meta.dirname, 'leader-process.ts');
    const parameters = ['--no-warnings', script, kubeconfig, namespace, identity, ...timings.map(String)];
    this.#process = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface(this.#process.stdout).on('line', (line) => this.said.push(line));
    createInterface(this.#process.stderr).on('line', (line) => this.errors.push(line));
    this.#ended = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  /** @returns the first line that begins so. */
  async says(word: string): Promise<string> {
    const last = () => ({ said: this.said, errors: this.errors.slice(-5) });
    const line = ({ said }: ReturnType<typeof last>) => said.find((each) => each.startsWith(word));
    const all = await eventually(`"${word}"`, last, (lines) => line(lines) !== undefined, 60_000);
    return line(all) ?? '';
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }
}

let kubeconfig: string;
let client: Connection;
let namespace: string;
let candidates: Candidate[];
let stop: AbortController;
/** Who wrote, in the order in which the API server took the writes; one entry for each change of hands. */
let writers: string[];
let watching: Promise<void>;
let proxy: FaultProxy | undefined;

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
  done(await client.create(configMaps, aConfigMap({ namespace, name: 'written' })));
  candidates = [];
  writers = [];
  stop = new AbortController();
  const informer = new Informer<ConfigMap>({
    client,
    resource: configMaps,
    namespaces: [namespace],
    logger: recordingLogger(),
    metrics: createMetrics(),
  });
  informer.onChange((change) => {
    const by = change.new?.data?.['by'];
    if (by !== undefined && writers.at(-1) !== by) writers.push(by);
  });
  watching = informer.start(stop.signal);
  await informer.waitForSync(stop.signal);
});
afterEach(async () => {
  for (const candidate of candidates) candidate.signal('SIGKILL');
  await Promise.all(candidates.map((candidate) => candidate.ended()));
  await proxy?.close();
  proxy = undefined;
  stop.abort();
  await watching;
});

function candidate(identity: string, timings: readonly [number, number, number], through = kubeconfig): Candidate {
  const made = new Candidate(through, identity, timings);
  candidates.push(made);
  return made;
}

const wroteLast = (identity: string) =>
  eventually(
    'the last writer',
    () => writers,
    (all) => all.at(-1) === identity,
    60_000,
  );
const short = [3000, 2000, 200] as const;
/** So long that only a release explains a new leader within a test. */
const long = [3_600_000, 1_800_000, 200] as const;

describe('a leader', () => {
  test('that is frozen until another leads writes nothing after it thaws', async () => {
    const a = candidate('a', short);
    await wroteLast('a');
    const b = candidate('b', short);
    await b.says('campaigning');
    a.signal('SIGSTOP');
    await wroteLast('b');
    a.signal('SIGCONT');
    await a.says('refused');
    expect(await a.ended()).toBe(0);
    // What b wrote meanwhile went through the same API server: had a written, it would stand between.
    const { length } = writers;
    expect(writers).toEqual(['a', 'b']);
    b.signal('SIGTERM');
    await b.says('ended');
    expect(writers).toHaveLength(length);
  });

  test('that is told to end hands over at once', async () => {
    const a = candidate('a', long);
    await wroteLast('a');
    const b = candidate('b', long);
    await b.says('campaigning');
    a.signal('SIGTERM');
    await wroteLast('b');
    expect(await a.ended()).toBe(0);
    expect(writers).toEqual(['a', 'b']);
    const lease = await client.get(leases, { namespace, name: 'leader' });
    expect(lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('that cannot reach the API server any more is followed by another, and does not write when it can again', async () => {
    proxy = await FaultProxy.start(kubeconfig);
    const a = candidate('a', short, proxy.kubeconfig);
    await wroteLast('a');
    const b = candidate('b', short);
    await b.says('campaigning');
    proxy.down();
    await wroteLast('b');
    proxy.up();
    await a.says('refused');
    await a.ended();
    expect(writers).toEqual(['a', 'b']);
  });

  test('that is killed is followed by another', async () => {
    const a = candidate('a', short);
    await wroteLast('a');
    const b = candidate('b', short);
    await b.says('campaigning');
    a.signal('SIGKILL');
    await wroteLast('b');
    expect(writers).toEqual(['a', 'b']);
  });

  test('keeps the lease while 1,024 connections ask for its metrics', async () => {
    const a = candidate('a', short);
    await wroteLast('a');
    const port = (await a.says('serving')).split(' ')[1] ?? '';
    const flood = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'metrics-flood.ts'), port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(createInterface(flood.stdout), 'line');
      const b = candidate('b', short);
      await b.says('campaigning');
      const renewed = async () => (await client.get(leases, { namespace, name: 'leader' }))?.metadata.resourceVersion;
      for (let renewals = 0; renewals < 20; renewals += 1) {
        const before = await renewed();
        await eventually('a renewal', renewed, (version) => version !== before, 60_000);
      }
      expect(flood.exitCode).toBeNull();
      expect([b.said.slice(1), writers]).toEqual([['campaigning'], ['a']]);
      const lease = await client.get(leases, { namespace, name: 'leader' });
      expect(lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
    } finally {
      flood.kill('SIGKILL');
    }
  });

  test('keeps the lease against candidates that come later', async () => {
    const a = candidate('a', short);
    await wroteLast('a');
    const b = candidate('b', short);
    await b.says('campaigning');
    const renewed = async () => (await client.get(leases, { namespace, name: 'leader' }))?.metadata.resourceVersion;
    for (let renewals = 0; renewals < 20; renewals += 1) {
      const before = await renewed();
      await eventually('a renewal', renewed, (version) => version !== before);
    }
    expect([b.said.slice(1), writers]).toEqual([['campaigning'], ['a']]);
    expect(a.said).not.toContain('ended');
  });
});
