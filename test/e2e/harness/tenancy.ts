/** Three namespaces of one story: whose claims, whose sources, and where the work is done; with a controller that serves all of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim, NewObject } from '../../../src/api/objects.ts';
import { type Population, populations } from '../../../src/api/population.ts';
import { claims, events, pods, volumes } from '../../../src/api/resources.ts';
import { listVolumes } from '../../cluster/index.ts';
import { readyOf } from './claims.ts';
import { type Cluster, projectDir } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';
import { expectNothingLeft, isFullyBound, isKept, listAll } from './invariants.ts';
import { aClaimManifest, aProvider, type ClaimOptions, providerRef } from './manifests.ts';
import { read, recordOf as recordOfClaim } from './objects.ts';
import { readBack } from './read-back.ts';
import type { StartController, Suite } from './suite.ts';
import { podSettings } from './text-files.ts';
import { until } from './until.ts';

export interface Tenancy {
  readonly suite: Suite;
  /** Of the claims. */
  readonly app: string;
  /** Of the sources. */
  readonly lib: string;
  /** The populator namespace. */
  readonly populators: string;
  readonly controller: ControllerProcess;
}

/** @param more further namespaces that the controller may see. */
export async function openTenancy(suite: Suite, label: string, more: Partial<StartController> = {}): Promise<Tenancy> {
  const [app, lib, populators] = await Promise.all(
    ['app', 'lib', 'pop'].map((role) => suite.namespace(`${label}-${role}`)),
  );
  if (app === undefined || lib === undefined || populators === undefined) throw new Error('unreachable');
  await allowGrants(suite.cluster);
  const controller = suite.controller({
    name: app,
    ...more,
    namespaces: [app, lib, ...(more.namespaces ?? [])],
    env: {
      VOLPRIME_CROSS_NAMESPACE: 'true',
      VOLPRIME_POPULATOR_NAMESPACE: populators,
      // The tests' server is inside.
      ...podSettings(suite, { all: { allowedAddresses: [`${suite.cluster.hostAddress}/32`] } }),
      ...more.env,
    },
  });
  controller.start();
  return { suite, app, lib, populators, controller };
}

/** The right to read ReferenceGrants comes with the component, not with the controller's own role. */
async function allowGrants(cluster: Cluster): Promise<void> {
  const roles = readFileSync(join(projectDir, 'deploy/components/cross-namespace/rbac.yaml'), 'utf8');
  await cluster.kubectl(['apply', '--server-side', '--filename=-'], roles);
  const account = '--as=system:serviceaccount:volprime-system:volprime-controller';
  await until('the controller to be allowed to read grants', async () => {
    const answer = cluster.kubectl([
      'auth',
      'can-i',
      'watch',
      'referencegrants.gateway.networking.k8s.io',
      account,
      '-A',
    ]);
    return (await answer.catch(() => 'no')).trim() === 'yes';
  });
}

interface GrantOptions {
  readonly name?: string;
  readonly from?: { readonly group?: string; readonly kind?: string; readonly namespace?: string };
  readonly to?: { readonly group?: string; readonly kind?: string; readonly name?: string };
}

/** Lets claims of `app` use Providers of `lib`, or what the options say instead. */
export function aGrant({ app, lib }: Tenancy, { name = 'grant', from, to }: GrantOptions = {}): NewObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { name, namespace: lib },
    spec: {
      from: [{ group: '', kind: 'PersistentVolumeClaim', namespace: app, ...from }],
      to: [{ group: 'provider.example.com', kind: 'Provider', ...to }],
    },
  };
}

export async function revoke({ suite, lib }: Tenancy, name = 'grant'): Promise<void> {
  await suite.cluster.kubectl(['delete', 'referencegrant', name, `--namespace=${lib}`]);
}

/** A Provider of `lib` at the path of its name. */
export function sharedProvider({ suite, lib }: Tenancy, name: string, more: object = {}): NewObject {
  return aProvider(lib, name, { sourceURL: `${suite.archives.url}/${name}`, ...more });
}

/** A claim of `app` that names a source of `lib`. */
export function aForeignClaim(
  { app, lib }: Tenancy,
  name: string,
  {
    source = providerRef(name),
    storageClass = 'imm-del',
    ...more
  }: Partial<Pick<ClaimOptions, 'source' | 'storageClass' | 'crashAt'>> = {},
): NewObject {
  return aClaimManifest({ ...more, name, namespace: app, storageClass, source: { ...source, namespace: lib } });
}

export function claimOf({ suite, app }: Tenancy, name: string): Promise<Claim> {
  return read(suite.cluster, claims, { namespace: app, name });
}

export async function recordOf(tenancy: Tenancy, name: string): Promise<Population | undefined> {
  return recordOfClaim(tenancy.suite.cluster, await claimOf(tenancy, name));
}

/** Waits until the record of the claim gives this reason. */
export async function told(tenancy: Tenancy, name: string, reason: string): Promise<Population> {
  const record = await until(
    `the record of ${name} to say ${reason}`,
    () => {
      tenancy.controller.check();
      return recordOf(tenancy, name);
    },
    (found) => readyOf(found?.status)?.reason === reason,
  );
  if (record === undefined) throw new Error('unreachable');
  return record;
}

/** The claim is bound, its record is at rest, and a reader finds this. */
export async function populated(tenancy: Tenancy, name: string, listing: string): Promise<void> {
  const { suite, app } = tenancy;
  await until(`claim ${name} to be bound`, () => claimOf(tenancy, name), isFullyBound);
  await told(tenancy, name, 'Populated');
  const found = await readBack(suite.cluster, app, [name]);
  if (found[name] !== listing)
    throw new Error(`claim ${name} holds other data:\n${found[name]}\ninstead of\n${listing}`);
}

/** All that who works in `app` can read about its claims, as one text. */
export async function readable({ suite, app }: Tenancy): Promise<string> {
  const { cluster } = suite;
  const kinds = [claims, pods, populations, events] as const;
  const lists = await Promise.all(kinds.map((kind) => listAll(cluster, kind, app)));
  return JSON.stringify(lists);
}

/** I3 for all three namespaces: nothing of ours but the records of living claims, and no volume in the storage that nobody has. */
export async function expectAllClean({ suite, app, populators, controller }: Tenancy): Promise<void> {
  const { cluster } = suite;
  await expectNothingLeft(cluster, app, () => controller.check());
  await until(
    `nothing to be left in ${populators}`,
    async () => {
      controller.check();
      return leftIn(cluster, populators);
    },
    (left) => left.length === 0,
    { limitMs: 90_000, intervalMs: 300 },
  );
}

async function leftIn(cluster: Cluster, namespace: string): Promise<string[]> {
  const [primes, podList, volumeList, stored] = await Promise.all([
    listAll(cluster, claims, namespace),
    listAll(cluster, pods, namespace),
    listAll(cluster, volumes),
    cluster.embedded === undefined ? [] : listVolumes(cluster.embedded),
  ]);
  // A volume was made for a prime here, and belongs to a claim elsewhere when all is well.
  const handles = new Set(volumeList.map(({ spec }) => spec.csi?.volumeHandle));
  return [
    ...primes.map(({ metadata }) => `prime ${metadata.name}`),
    ...podList.map(({ metadata }) => `pod ${metadata.name}`),
    ...volumeList
      .filter((volume) => volume.spec.claimRef?.namespace === namespace && !isKept(volume))
      .map(({ metadata }) => `volume ${metadata.name}`),
    ...stored
      .filter(({ parameters }) => parameters?.['csi.storage.k8s.io/pvc/namespace'] === namespace)
      .filter(({ id }) => !handles.has(id))
      .map(({ id }) => `stored volume ${id}`),
  ];
}
