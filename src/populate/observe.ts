import { PROTECTION_FINALIZER, populationName, primeName } from '../api/names.ts';
import type { Claim, KubeObject, StorageClass, Volume } from '../api/objects.ts';
import type { PinnedSource, Population } from '../api/population.ts';
import { hasFinalizer } from '../runtime/index.ts';
import {
  BY_CLAIM_REF_UID,
  BY_CLAIM_UID,
  BY_NAMESPACE,
  BY_POPULATED_CLAIM,
  BY_STORAGE,
  podKey,
  type PopulateContext,
} from './context.ts';
import { type Access, isGranted, namesOtherNamespace, sourceNamespace } from './grants.ts';
import type { AttemptPod, ForeignObject, Observation } from './observation.ts';
import { pinnedSource } from './pinned-source.ts';
import { hasFailed, isLetGo, isProtected, recordedTarget } from './facts.ts';
import { factsFor, type RegisteredPlugin } from './plugin-registry.ts';
import { isPodOf, isPrimeOf, isRecordOf, servedByPod } from './proof.ts';
import { ownStorageKeys } from './shared-storage.ts';
import { isWrapper, targetName } from './wrapper.ts';

type ObserveContext = Pick<PopulateContext, 'stores' | 'plugins' | 'memory' | 'config'>;

/**
 * Gathers what is known of the claim with this UID. Reads caches only, writes nothing.
 *
 * What bears our names is let in as ours only with proof (see proof.ts). Everything else is reported as foreign and never touched.
 */
export function observe(context: ObserveContext, uid: string): Observation {
  const { stores } = context;
  const claim = stores.claims.byUid(uid);
  const record = findRecord(context, uid, claim);
  const population = record !== undefined && isRecordOf(record, uid) ? record : undefined;
  const own = findClass(context, claim?.spec.storageClassName);
  const registered = findPlugin(context, claim, population, own);
  const access = accessOf(context, { claim, population, plugin: registered?.facts });
  const source = findSource(context, claim, registered, access);
  const foreign = access !== 'own' || isDataElsewhere({ claim, population, source }, registered);
  const { home, settled } = findHome(context, { uid, claim, population, foreign });
  const namedPrime = stores.claims.get({ namespace: home, name: primeName(uid) });
  const prime = isPrimeOf(namedPrime, population, home) ? namedPrime : undefined;
  const wrapper = isWrapper(own) ? own : undefined;
  const volume = findVolume(context, prime, population);
  return Object.freeze({
    uid,
    claim,
    population,
    home,
    prime,
    volume,
    former: findFormer(context, prime, population),
    sharedWith: volume && findSharing(context, volume),
    pods: findPods(context, { uid, population, home }),
    foreign: foreignObject(record, population) ?? foreignObject(namedPrime, prime),
    plugin: registered && factsFor(registered, population),
    access,
    dataElsewhere: foreign || isWorkElsewhere(population, home, claim),
    pinned: settled ? pinnedSource({ named: claim && sourceNamespace(claim), population, prime, source }) : undefined,
    source,
    storageClass: findClass(context, provisioningClass({ claim, population, prime, wrapper })),
    wrapper,
    local: context.memory.localOf(uid),
  });
}

function findRecord({ stores }: ObserveContext, uid: string, claim: Claim | undefined): Population | undefined {
  const name = populationName(uid);
  if (claim !== undefined) return stores.populations.get({ namespace: claim.metadata.namespace, name });
  return stores.populations.byIndex(BY_CLAIM_UID, uid).find((population) => isRecordOf(population, uid));
}

function foreignObject(found: KubeObject | undefined, ours: KubeObject | undefined): ForeignObject | undefined {
  if (found === undefined || ours !== undefined) return undefined;
  return { kind: found.kind, namespace: found.metadata.namespace ?? '', name: found.metadata.name };
}

/** The volume that names the prime; after the swap, the recorded one, which then names the claim itself. */
function findVolume(
  { stores }: ObserveContext,
  prime: Claim | undefined,
  population: Population | undefined,
): Volume | undefined {
  const ofPrime = prime && stores.volumes.byIndex(BY_CLAIM_REF_UID, prime.metadata.uid)[0];
  if (ofPrime !== undefined) return ofPrime;
  const recorded = population?.status?.volume;
  const volume = recorded && stores.volumes.get({ name: recorded.name });
  const handedOver =
    volume?.metadata.uid === recorded?.uid && volume?.spec.claimRef?.uid === population?.spec.claim.uid;
  return handedOver ? volume : undefined;
}

/** A prime that was taken away by force leaves its volume behind. */
function findFormer(
  { stores }: ObserveContext,
  prime: Claim | undefined,
  population: Population | undefined,
): Volume | undefined {
  const { volume: recorded, prime: recordedPrime, discard } = population?.status ?? {};
  const volume = recorded && stores.volumes.get({ name: recorded.name });
  const owner = volume?.spec.claimRef?.uid;
  if (volume?.metadata.uid !== recorded?.uid || owner === undefined || owner === prime?.metadata.uid) return undefined;
  return owner === recordedPrime?.uid || owner === discard ? volume : undefined;
}

function findSharing({ stores }: ObserveContext, volume: Volume): Volume | undefined {
  return ownStorageKeys(volume)
    .flatMap((key) => stores.volumes.byIndex(BY_STORAGE, key))
    .find(({ metadata }) => metadata.uid !== volume.metadata.uid);
}

function findPods(
  { stores }: Pick<ObserveContext, 'stores'>,
  { uid, population, home }: Pick<Observation, 'uid' | 'population' | 'home'>,
): AttemptPod[] {
  return stores.pods
    .byIndex(BY_POPULATED_CLAIM, podKey(home, uid))
    .filter((pod) => isPodOf(pod, population, home) && !isLetGo(pod))
    .map((pod) => ({ attempt: servedByPod(pod.metadata.name)?.attempt ?? 0, pod }))
    .sort((a, b) => a.attempt - b.attempt);
}

function findPlugin(
  { plugins }: ObserveContext,
  claim: Claim | undefined,
  population: Population | undefined,
  storageClass: StorageClass | undefined,
): RegisteredPlugin | undefined {
  const begun =
    (claim !== undefined && isProtected(claim)) ||
    (population !== undefined && hasFinalizer(population, PROTECTION_FINALIZER));
  if (claim !== undefined) return plugins.of(claim, { storageClass, begun });
  return population === undefined
    ? undefined
    : plugins.ofKind(population.spec.source.group, population.spec.source.kind);
}

/** Of a claim that is gone, the record still tells whether its source was somebody else's. */
function accessOf(
  { stores, config }: ObserveContext,
  { claim, population, plugin }: Pick<Observation, 'claim' | 'population' | 'plugin'>,
): Access {
  const elsewhere =
    claim === undefined
      ? (population?.spec.pinned?.namespace ?? population?.metadata.namespace) !== population?.metadata.namespace
      : namesOtherNamespace(claim);
  if (!elsewhere) return 'own';
  const served = config.populatorNamespace !== undefined && plugin?.byProvisioner !== true;
  if (!served || stores.grants === undefined) return 'disabled';
  if (claim === undefined) return 'denied';
  return isGranted(stores.grants.byIndex(BY_NAMESPACE, sourceNamespace(claim)), claim) ? 'granted' : 'denied';
}

/** A source of the claim's own namespace may stand for data of another one: then the prime does not belong beside the claim either. */
function isDataElsewhere(
  { claim, population, source }: Pick<Observation, 'claim' | 'population' | 'source'>,
  registered: RegisteredPlugin | undefined,
): boolean {
  const recorded = hasFailed(population) ? undefined : population?.spec.pinned;
  const pinned = recorded?.spec === undefined ? source : recorded;
  const dataNamespace = registered?.plugin.dataNamespace;
  if (pinned === undefined || dataNamespace === undefined) return false;
  const { namespace, uid, generation, spec } = pinned;
  const name = claim?.spec.dataSourceRef?.name ?? population?.spec.source.name ?? '';
  try {
    return dataNamespace({ namespace, name, uid, generation, spec }) !== namespace;
  } catch {
    // A spec that cannot be read is refused by the plugin's first call.
    return false;
  }
}

/**
 * Where prime and pods are, as long as there are any: where the record says. Else where they belong; a record that says otherwise, for the
 * controller's settings have changed since, is not settled.
 */
function findHome(
  { stores, config }: ObserveContext,
  { uid, claim, population, foreign }: Pick<Observation, 'uid' | 'claim' | 'population'> & { foreign: boolean },
): { readonly home: string; readonly settled: boolean } {
  const own = claim?.metadata.namespace ?? population?.metadata.namespace ?? '';
  const wanted = foreign ? (config.populatorNamespace ?? own) : own;
  if (population?.spec.pinned === undefined) return { home: wanted, settled: true };
  const recorded = population.spec.populatorNamespace ?? own;
  const prime = stores.claims.get({ namespace: recorded, name: primeName(uid) });
  const holds =
    isPrimeOf(prime, population, recorded) || findPods({ stores }, { uid, population, home: recorded }).length > 0;
  return holds ? { home: recorded, settled: true } : { home: wanted, settled: recorded === wanted };
}

/** Also where the source that told of it is gone, or the settings have changed since. */
function isWorkElsewhere(population: Population | undefined, home: string, claim: Claim | undefined): boolean {
  const own = claim?.metadata.namespace ?? population?.metadata.namespace ?? '';
  return home !== own || population?.spec.populatorNamespace !== undefined;
}

function findSource(
  { stores }: ObserveContext,
  claim: Claim | undefined,
  registered: RegisteredPlugin | undefined,
  access: Access,
): PinnedSource | undefined {
  const usable = access === 'own' || access === 'granted';
  if (claim === undefined || registered === undefined || !usable) return undefined;
  const { group, kind } = registered.plugin.source;
  const namespace = sourceNamespace(claim);
  // The provisioner looks for it; here the claim stands for all that it asks for.
  if (registered.facts.byProvisioner)
    return { namespace: claim.metadata.namespace ?? '', uid: claim.metadata.uid, generation: 0, spec: {} };
  const name = claim.spec.dataSourceRef?.name ?? '';
  const source = stores.sources.get(sourceStoreKey(group, kind))?.get({ namespace, name });
  if (source === undefined || source.metadata.deletionTimestamp !== undefined) return undefined;
  return { namespace, uid: source.metadata.uid, generation: source.metadata.generation ?? 0, spec: source.spec ?? {} };
}

export function sourceStoreKey(group: string, kind: string): string {
  return `${kind}.${group}`;
}

/** Name of the class that makes the volume. */
function provisioningClass(given: Pick<Observation, 'claim' | 'population' | 'prime' | 'wrapper'>): string | undefined {
  const { claim, population, prime, wrapper } = given;
  const target = recordedTarget(population)?.storageClass;
  const named = wrapper === undefined ? claim?.spec.storageClassName : targetName(wrapper);
  return prime?.spec.storageClassName ?? target ?? named;
}

function findClass({ stores }: ObserveContext, name: string | undefined): StorageClass | undefined {
  return name === undefined || name === '' ? undefined : stores.storageClasses.get({ name });
}
