/**
 * Volprime is taken off while it is at work: controller and CRDs, in both orders; and comes back. What it held can be freed, and nothing
 * of it is left then, in the storage either.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { primeName } from '../../src/api/names.ts';
import { populations } from '../../src/api/population.ts';
import { claims, events } from '../../src/api/resources.ts';
import { run } from '../cluster/command.ts';
import { claimOf } from './harness/claims.ts';
import { CLUSTER_UP_MS, controllerImage, projectDir } from './harness/cluster.ts';
import { expectNothingLeft, isFullyBound, listAll } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { leaseNamespace } from './harness/namespaces.ts';
import { readBack } from './harness/read-back.ts';
import { downloads, hold, providerOf, serve, transferOf } from './harness/sources.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const CRDS = ['populations.volprime.dev', 'providers.provider.example.com'];

let suite: Suite;
beforeAll(async () => {
  // The CRDs are the whole cluster's.
  suite = await openSuite('alone');
}, CLUSTER_UP_MS);
afterAll(async () => {
  if (suite !== undefined) await applyCrds();
  await suite?.[Symbol.asyncDispose]();
}, SUITE_DOWN_MS);

test(
  'case 71: the controller goes first, then the CRDs: "volprime release" frees what waits, and everything can be deleted',
  async () => {
    // Where the last claim kills it, it stays dead.
    const lane = await suite.lane('uninstall', { onCrash: () => lane.controller.kill() });
    const { namespace, controller } = lane;
    suite.transfers.hold(`${namespace}-transfer`);
    hold(suite, `${namespace}-pod`);
    const done = serve(suite, `${namespace}-done`);
    await Promise.all([
      applyClaim(namespace, 'transfer', transferOf(namespace, `${namespace}-transfer`)),
      applyClaim(namespace, 'pod', providerOf(suite, namespace, `${namespace}-pod`)),
      applyClaim(namespace, 'done', providerOf(suite, namespace, `${namespace}-done`)),
    ]);
    await until('the work to begin', () => downloads(suite, `${namespace}-pod`) > 0);
    await until('the transfer to begin', () => suite.transfers.started(`${namespace}-transfer`).length > 0);
    await until('the other claim to be bound', () => claimOf(suite, namespace, 'done'), isFullyBound);
    const donePrime = { namespace, name: primeName((await claimOf(suite, namespace, 'done')).metadata.uid) };
    await until('its temporary claim to be gone', async () => {
      const prime = await suite.cluster.client.get(claims, donePrime);
      return prime === undefined;
    });
    const lease = [`--lease-name=${namespace}`, `--lease-namespace=${leaseNamespace}`];
    await expect(volprime('release', '--yes', ...lease)).rejects.toThrow(/a controller leads/);
    expect((await claimOf(suite, namespace, 'pod')).metadata.finalizers).toContain(
      'volprime.dev/populate-target-protection',
    );

    const { source, ref } = transferOf(namespace, `${namespace}-handed`);
    const handed = { name: 'handed', namespace, storageClass: 'imm-ret', source: ref, crashAt: 'after-Rebind' };
    await suite.apply(source, aClaimManifest(handed));
    await until('the controller to be gone for good', () => {
      controller.check();
      return controller.marks().length === 1;
    });
    await until('the claim with the volume to be bound', () => claimOf(suite, namespace, 'handed'), isFullyBound);
    await suite.cluster.kubectl(['delete', 'crd', ...CRDS, '--wait=false']);
    await suite.cluster.kubectl(['delete', 'pvc', 'pod', `--namespace=${namespace}`, '--wait=false']);
    const told = await volprime('release', `--namespaces=${namespace}`, ...lease);
    expect(told).toMatch(/would release PersistentVolumeClaim \S+\/pod\n/);
    expect(told).toMatch(/would release PersistentVolumeClaim \S+\/transfer\n/);
    expect(told).toMatch(/perhaps half-written: kubectl delete pvc/);
    expect(told).toContain('Nothing was changed.');
    expect((await claimOf(suite, namespace, 'pod')).metadata.finalizers).toContain(
      'volprime.dev/populate-target-protection',
    );

    // As docs/uninstall.md says it.
    const manifest = readFileSync(join(projectDir, 'deploy/release.yaml'), 'utf8');
    await suite.cluster.kubectl(['apply', '--filename=-'], manifest.replace('localhost/volprime:dev', controllerImage));
    const inRelease = '--namespace=volprime-release';
    await suite.cluster.kubectl([
      'wait',
      '--for=condition=complete',
      '--timeout=90s',
      'job/volprime-release',
      inRelease,
    ]);
    expect(await suite.cluster.kubectl(['logs', 'job/volprime-release', inRelease])).toContain('released Population');
    await suite.cluster.kubectl(['delete', '--filename=-', '--timeout=60s'], manifest);
    await suite.cluster.kubectl(['wait', '--for=delete', '--timeout=60s', 'crd', ...CRDS]);

    await suite.cluster.kubectl(['delete', 'pvc', 'transfer', `--namespace=${namespace}`, '--timeout=60s']);
    await until('the deleted claim to be gone', async () => {
      const all = await listAll(suite.cluster, claims, namespace);
      return !all.some(({ metadata }) => metadata.name === 'pod');
    });
    // What was left of the hand-over belongs to a claim that stays: a person removes it, as the command said.
    const [, remains = ''] =
      /(volprime-\S+), no longer needed: its volume \S+ belongs to \S+\/handed /.exec(told) ?? [];
    await suite.cluster.kubectl(['delete', 'pvc', remains, `--namespace=${namespace}`, '--timeout=60s']);
    await applyCrds();
    await expectNothingLeft(suite.cluster, namespace);
    expect(await readBack(suite.cluster, namespace, ['done', 'handed'])).toEqual({
      done: done.listing,
      handed: suite.transfers.listing(`${namespace}-handed`),
    });
    await suite.cluster.kubectl(['delete', 'namespace', namespace, '--timeout=90s']);
  },
  TEST_MS,
);

test(
  'cases 71, 72: the CRDs go first: work in flight is finished, the controller says what it lacks, and goes on when they are back',
  async () => {
    const port = await freePort();
    const { namespace, controller } = await suite.lane('without-crds', { flags: { 'health-port': String(port) } });
    const content = serve(suite, `${namespace}-done`);
    suite.transfers.hold(`${namespace}-running`);
    await applyClaim(namespace, 'running', transferOf(namespace, `${namespace}-running`));
    await until('the work to begin', () => suite.transfers.started(`${namespace}-running`).length > 0);
    expect((await ready(port)).status).toBe(200);

    await suite.cluster.kubectl(['delete', 'crd', ...CRDS, '--wait=false']);
    suite.transfers.release(`${namespace}-running`);
    await until('the work to be finished', () => claimOf(suite, namespace, 'running'), isFullyBound);
    await suite.cluster.kubectl(['wait', '--for=delete', '--timeout=60s', 'crd', ...CRDS]);
    const lacking = await until(
      'the controller to say what it lacks',
      () => ready(port),
      ({ status }) => status === 503,
    );
    expect(lacking.text).toMatch(/populations\.volprime\.dev.* not served .*is their CRD installed/);

    // Another one that starts now waits, and says so, too.
    const latePort = await freePort();
    const { namespace: late, controller: second } = await suite.lane('late', {
      flags: { 'health-port': String(latePort) },
    });
    await until(
      'the second to wait',
      () => ready(latePort).catch(() => ({ status: 0, text: '' })),
      ({ text }) => text.includes('populations.volprime.dev'),
    );
    await applyClaim(namespace, 'next', transferOf(namespace, `${namespace}-next`));
    await until(
      'the claim to say what is missing',
      async () => JSON.stringify(await listAll(suite.cluster, events, namespace)),
      (text) => text.includes('KindNotServed'),
    );

    await applyCrds();
    await until(
      'the controller to be ready again',
      () => ready(port),
      ({ status }) => status === 200,
    );
    await until(
      'the second to be ready',
      () => ready(latePort),
      ({ status }) => status === 200,
    );
    const source = providerOf(suite, late, `${namespace}-done`);
    await applyClaim(late, 'data', source);
    for (const [where, name] of [
      [late, 'data'],
      [namespace, 'next'],
    ] as const)
      await until(`${name} to be bound`, () => claimOf(suite, where, name), isFullyBound);
    expect(await readBack(suite.cluster, late, ['data'])).toEqual({ data: content.listing });
    expect([...controller.exits, ...second.exits]).toEqual([]);
    await expectNothingLeft(suite.cluster, namespace, () => controller.check());
    const records = await listAll(suite.cluster, populations, namespace);
    expect(records.map(({ spec }) => spec.claim.name)).toEqual(['next']);
  },
  TEST_MS,
);

function volprime(...args: readonly string[]): Promise<string> {
  const file = join(projectDir, 'src/cli/main.ts');
  return run({
    file: process.execPath,
    args: [file, ...args],
    env: { PATH: process.env['PATH'], KUBECONFIG: suite.cluster.kubeconfig },
  });
}

async function applyCrds(): Promise<void> {
  const apply = ['apply', '--server-side', '--force-conflicts', '--kustomize', join(projectDir, 'crds')];
  await until('the CRDs to be applied', () => suite.cluster.kubectl(apply).catch(() => undefined));
  await suite.cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', ...CRDS]);
}

async function applyClaim(namespace: string, name: string, { source, ref }: ReturnType<typeof transferOf>) {
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-ret', source: ref }));
}

async function ready(port: number): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

/** The probe server of a controller in a test takes any free port, and tells nobody which. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
