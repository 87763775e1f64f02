/**
 * `volprime release`: takes the finalizers of Volprime off everything that waits for a controller that will not come back.
 *
 * It removes nothing else. What was half-written stays where it is and is named, with the command to look at it or to remove it.
 */
import type { KubeObject, Lease } from '../api/objects.ts';
import { populations } from '../api/population.ts';
import { claims, leases, pods, type Resource, volumes } from '../api/resources.ts';
import { ifServed, isKubeError, type KubeClient, keyOf } from '../kube/index.ts';
import { describePlan, type Held, isOurs, nameOf, planRelease } from './release-plan.ts';

export interface ReleaseOptions {
  readonly client: KubeClient;
  /** All where undefined. */
  readonly namespaces: readonly string[] | undefined;
  readonly leaseName: string;
  readonly leaseNamespace: string;
  /** Does it; otherwise only says what it would do. */
  readonly yes: boolean;
  /** Also while a controller leads. */
  readonly force: boolean;
  readonly say: (line: string) => void;
  readonly now?: () => number;
}

/** @returns the exit code: 1 where it refused, or where something could not be released. */
export async function release(options: ReleaseOptions): Promise<0 | 1> {
  const { client, yes, force, say } = options;
  const holder = await leaseHolder(options);
  if (holder !== undefined && !force) {
    say(`${holder}. It will do this itself, and in order: take the controller away first, or say --force.`);
    if (yes) return 1;
  }
  const plan = planRelease(await readHeld(client, options.namespaces));
  if (!yes) {
    for (const line of describePlan(plan, 'would release')) say(line);
    if (plan.release.length > 0) say('Nothing was changed. Say --yes to do it.');
    return 0;
  }
  let failed = 0;
  for (const object of plan.release) {
    const problem = await letGo(client, object);
    say(problem === undefined ? `released ${nameOf(object)}` : `could not release ${nameOf(object)}: ${problem}`);
    if (problem !== undefined) failed += 1;
  }
  for (const line of describePlan({ ...plan, release: [] }, '').slice(plan.release.length === 0 ? 0 : 1)) say(line);
  return failed === 0 ? 0 : 1;
}

/** A kind that is not served (any more) holds nothing. */
export async function readHeld(client: KubeClient, namespaces: readonly string[] | undefined): Promise<Held> {
  const scopes = namespaces ?? [undefined];
  const inScopes = async <T extends KubeObject>(resource: Resource<T>) =>
    (await Promise.all(scopes.map((namespace) => listAll(client, resource, namespace)))).flat();
  const [claimList, podList, populationList, volumeList] = await Promise.all([
    inScopes(claims),
    inScopes(pods),
    inScopes(populations),
    listAll(client, volumes).catch((error: unknown) => {
      if (isKubeError(error, 'KUBE_FORBIDDEN')) return undefined;
      throw error;
    }),
  ]);
  const seen = volumeList?.filter(({ spec }) => namespaces?.includes(spec.claimRef?.namespace ?? '') !== false);
  return { claims: claimList, pods: podList, populations: populationList, volumes: seen };
}

async function listAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace?: string,
): Promise<readonly T[]> {
  const items: T[] = [];
  let continueToken: string | undefined;
  do {
    const page = await ifServed(client.listPage(resource, { namespace, limit: 500, continueToken }));
    items.push(...(page?.items ?? []));
    continueToken = page?.continueToken;
  } while (continueToken !== undefined);
  return items;
}

/** Who leads, in words; undefined where nobody does. By the clock of this machine: half a minute of doubt counts as leading. */
async function leaseHolder(options: ReleaseOptions): Promise<string | undefined> {
  const { client, leaseName, leaseNamespace, now = Date.now } = options;
  const where = `lease ${leaseNamespace}/${leaseName}`;
  let lease: Lease | undefined;
  try {
    lease = await client.get(leases, { namespace: leaseNamespace, name: leaseName });
  } catch (error) {
    if (isKubeError(error, 'KUBE_FORBIDDEN')) return `${where} may not be read, so a controller may be running`;
    throw error;
  }
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 0 } = lease?.spec ?? {};
  const leads = holderIdentity !== '' && Date.parse(renewTime) + leaseDurationSeconds * 1000 + DOUBT_MS > now();
  return leads ? `a controller leads (${where} is held by ${holderIdentity})` : undefined;
}

const DOUBT_MS = 30_000;
/** Others write too, above all while something is being deleted. */
const TRIES = 5;

/** @returns what went wrong; undefined when nothing of ours holds the object any more. */
async function letGo(client: KubeClient, object: KubeObject): Promise<string | undefined> {
  const resource: Resource | undefined = [claims, pods, populations].find(({ kind }) => kind === object.kind);
  if (resource === undefined) return `${object.kind} is no kind of ours`;
  let problem = '';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const live = await client.get(resource, keyOf(object));
    if (live === undefined || live.metadata.uid !== object.metadata.uid) return undefined;
    const { uid, resourceVersion, finalizers = [] } = live.metadata;
    const others = finalizers.filter((finalizer) => !isOurs(finalizer));
    if (others.length === finalizers.length) return undefined;
    const body = { metadata: { uid, resourceVersion, finalizers: others } };
    const outcome = await client.mergePatch(resource, keyOf(live), body);
    if (outcome.type === 'done' || outcome.type === 'absent') return undefined;
    problem = 'message' in outcome ? outcome.message : outcome.type;
    if (outcome.type !== 'conflict') return problem;
  }
  return problem;
}
