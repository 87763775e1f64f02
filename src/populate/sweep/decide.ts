/** What is left over, and what to do about each. Pure. */
import { CLAIM_FINALIZER, LABEL_MANAGED_BY, LABEL_ROLE, MANAGED_BY, PROTECTION_FINALIZER } from '../../api/names.ts';
import type { Claim, KubeObject, Pod, Volume } from '../../api/objects.ts';
import type { Population } from '../../api/population.ts';
import { namedRecord } from '../../api/proof.ts';
import { hasFinalizer } from '../../runtime/index.ts';
import { isDeleting, isLetGo, isTerminal, isTooNew } from '../facts.ts';
import { isPodOf, isPrimeOf, isRecordOf, servedByPod, servedByPrime } from '../proof.ts';
import type { Finding } from './finding.ts';
import type { SweepObservation } from './observe.ts';

/** A deletion that is older stands still; in milliseconds. */
export const LINGERS_MS = 60_000;

/** What the objects know of each other. */
interface Ground {
  readonly o: SweepObservation;
  readonly now: number;
  readonly claimsByUid: ReadonlyMap<string, Claim>;
  /** Proven records alone, by the UID of their claim. */
  readonly records: ReadonlyMap<string, Population>;
  /** Every Population, proven or not: an object that names one is not for us to let go. */
  readonly populationUids: ReadonlySet<string>;
}

/**
 * Guarantees: an action other than `report` only where a record (or our own finalizer on an object that is on its way out, and that no
 * record knows) says that the object is ours; nothing that belongs to a living claim is ever acted on, but for `resume`.
 * Assumes: whoever carries a finding out looks at the live objects first, since what is not in a cache may still exist.
 */
export function decideSweep(o: SweepObservation, now: number): readonly Finding[] {
  const ground: Ground = {
    o,
    now,
    claimsByUid: new Map(o.claims.map((claim) => [claim.metadata.uid, claim])),
    records: new Map(
      o.populations
        .filter((population) => isRecordOf(population, population.spec.claim.uid))
        .map((population) => [population.spec.claim.uid, population]),
    ),
    populationUids: new Set(o.populations.map(({ metadata }) => metadata.uid)),
  };
  return [
    ...o.populations.map((population) => ofPopulation(ground, population)),
    ...o.claims.map((claim) => (looksMade(claim) ? ofPrime(ground, claim) : ofClaim(ground, claim))),
    ...o.pods.map((pod) => ofPod(ground, pod)),
    ...o.volumes.map((volume) => ofVolume(ground, volume)),
  ].filter((finding) => finding !== undefined);
}

/** A record outlives its claim only as the memory of a clean-up. */
function ofPopulation(ground: Ground, population: Population): Finding | undefined {
  const { uid, name } = population.spec.claim;
  const claim = ground.claimsByUid.get(uid);
  const held = hasFinalizer(population, PROTECTION_FINALIZER);
  const proven = ground.records.get(uid) === population;
  const found = { kind: 'Population', object: population, claimUid: uid } as const;
  if (isTooNew(population)) {
    const message = `it was written by a later version of Volprime, which is to go on with claim ${name}; this one leaves it alone`;
    return held ? { ...found, action: 'report', reason: 'RecordTooNew', message } : undefined;
  }
  if (proven && held && serves(ground, population)) {
    const done = claim !== undefined && population.status?.phase === 'Succeeded' && !isDeleting(claim);
    return claim === undefined || done || isDeleting(claim) ? resume(found, 'a clean-up has not ended') : undefined;
  }
  if (claim !== undefined) return undefined;
  if (proven && !held && (population.metadata.ownerReferences ?? []).length === 0) {
    const message = `claim ${name} is gone, and nothing that was made for it is left; the record has no owner that would take it along`;
    return { ...found, action: 'delete', reason: 'RecordOutlivesClaim', message };
  }
  if (!held || !lingers(ground, population)) return undefined;
  const message = proven
    ? `claim ${name} is gone, but what was made for it waits for a controller with a plugin for ${population.spec.source.kind}; start it, or see "volprime release"`
    : `claim ${name} is gone, and this is not the record that Volprime made for it; remove it if it is not needed`;
  return { ...found, action: 'report', reason: proven ? 'NoPluginToCleanUp' : 'NotProvenOurs', message };
}

/** A user's claim: only our finalizer makes it our business. */
function ofClaim(ground: Ground, claim: Claim): Finding | undefined {
  if (!hasFinalizer(claim, CLAIM_FINALIZER)) return undefined;
  const { uid } = claim.metadata;
  const found = { kind: 'Claim', object: claim, claimUid: uid } as const;
  const ref = claim.spec.dataSourceRef;
  const served = ground.o.serves(ref?.apiGroup ?? '', ref?.kind ?? '');
  // What waits for something is woken by it; what is bound or on its way out has only itself to wait for.
  if (served) return isDeleting(claim) || claim.spec.volumeName !== undefined ? resume(found, 'it is held') : undefined;
  if (!isDeleting(claim)) return undefined;
  if (!ground.records.has(uid)) {
    const message =
      'the claim is being deleted, no record says that anything was made for it, and no plugin of this controller serves it';
    return { ...found, action: 'release', reason: 'HeldForNothing', message };
  }
  if (!lingers(ground, claim)) return undefined;
  const message = `the claim is being deleted and waits for a controller with a plugin for ${ref?.kind ?? 'its source'}; start it, or see "volprime release"`;
  return { ...found, action: 'report', reason: 'NoPluginToCleanUp', message };
}

function ofPrime(ground: Ground, prime: Claim): Finding | undefined {
  const claimUid = servedByPrime(prime.metadata.name);
  const record = ground.records.get(claimUid ?? '');
  const ours = record !== undefined && isPrimeOf(prime, record, homeOf(record));
  return ofMade(
    ground,
    { kind: 'Prime', object: prime, claimUid },
    { record: ours ? record : undefined, ended: isDeleting(prime) },
  );
}

/** Pods of captures bear other names: their snapshots answer for them. */
function ofPod(ground: Ground, pod: Pod): Finding | undefined {
  const claimUid = servedByPod(pod.metadata.name)?.claimUid;
  if (claimUid === undefined || isLetGo(pod)) return undefined;
  const record = ground.records.get(claimUid);
  const ours = record !== undefined && isPodOf(pod, record, homeOf(record));
  // Its finalizer keeps the kubelet's word on it; a pod that may still run is nobody's to let go.
  const ended = isDeleting(pod) && isTerminal(pod);
  return ofMade(ground, { kind: 'Pod', object: pod, claimUid }, { record: ours ? record : undefined, ended });
}

/** Where prime and pods of a record are. */
function homeOf({ spec, metadata }: Population): string {
  return spec.populatorNamespace ?? metadata.namespace ?? '';
}

type Made = Pick<Finding, 'kind' | 'object' | 'claimUid'>;

/** @param record the record that the object is proven to be made for. One that is gone can neither want it nor say that it is not wanted. */
function ofMade(
  ground: Ground,
  found: Made,
  { record, ended }: { readonly record: Population | undefined; readonly ended: boolean },
): Finding | undefined {
  const { object, claimUid = '' } = found;
  if (record !== undefined) {
    const claim = ground.claimsByUid.get(claimUid);
    const over = claim === undefined || isDeleting(claim) || record.status?.phase === 'Succeeded';
    return over ? resume(found, 'a clean-up has not ended') : undefined;
  }
  const named = namedRecord(object, 'Population');
  if (named !== undefined && ground.populationUids.has(named)) return undefined;
  if (hasFinalizer(object, PROTECTION_FINALIZER)) {
    const message = 'it is being deleted, and the record that it was made for does not exist';
    if (ended) return { ...found, action: 'release', reason: 'MadeForNobody', message };
    if (isDeleting(object)) return undefined;
    const advice = 'the record that it was made for does not exist; look at it, and delete it if it is not needed';
    return { ...found, action: 'report', reason: 'MadeForNobody', message: advice };
  }
  if (isDeleting(object)) return undefined;
  const message = 'it bears a name or a label of Volprime, and nothing proves that Volprime made it; it is left alone';
  return { ...found, action: 'report', reason: 'NotProvenOurs', message };
}

/** A volume of a prime that does not exist any more: on its way out if its policy says so, otherwise nobody's. */
function ofVolume(ground: Ground, volume: Volume): Finding | undefined {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec;
  const claimUid = servedByPrime(claimRef?.name ?? '');
  const elsewhere = ground.o.namespaces?.includes(claimRef?.namespace ?? '') === false;
  if (claimRef?.uid === undefined || claimUid === undefined || elsewhere) return undefined;
  if (ground.claimsByUid.has(claimRef.uid) || volume.status?.phase === 'Bound' || isDeleting(volume)) return undefined;
  const found = { kind: 'Volume', object: volume, claimUid, reason: 'VolumeOfNoPrime' } as const;
  if (policy === 'Retain') {
    const record = ground.records.get(claimUid)?.status;
    // Only a volume that a pod found empty is known to hold nothing of others (decision 0032).
    const empty = record?.volume?.uid === volume.metadata.uid && record.volume.found === 'empty';
    const proven = empty && (record.prime?.uid === claimRef.uid || record.discard === claimRef.uid);
    const message = 'it was made for a temporary claim that is gone, and was never handed over';
    if (proven) return { ...found, action: 'reclaim', message };
    const advice = `${message}, as far as its name tells; look at it with "kubectl describe pv ${volume.metadata.name}", and delete it and its storage if it is not needed`;
    return { ...found, action: 'report', message: advice };
  }
  const since = Date.parse(volume.status?.lastPhaseTransitionTime ?? '');
  if (!(ground.now - since > LINGERS_MS)) return undefined;
  const message = `its provisioner does not remove it (${volume.status?.message ?? volume.status?.phase}); see "kubectl describe pv ${volume.metadata.name}"`;
  return { ...found, action: 'report', message };
}

function resume(found: Made, message: string): Finding {
  return { ...found, action: 'resume', reason: 'WorkLeft', message };
}

function serves({ o }: Ground, { spec }: Population): boolean {
  return o.serves(spec.source.group, spec.source.kind);
}

function lingers({ now }: Ground, { metadata }: KubeObject): boolean {
  return now - Date.parse(metadata.deletionTimestamp ?? metadata.creationTimestamp) > LINGERS_MS;
}

/** By any of the marks that a prime has; which of them prove something is not asked here. */
function looksMade(claim: Claim): boolean {
  const { metadata, spec } = claim;
  const named = namedRecord(claim, 'Population') !== undefined;
  if (spec.dataSourceRef !== undefined && !named) return false;
  return (
    named ||
    metadata.finalizers?.includes(PROTECTION_FINALIZER) === true ||
    (metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY && metadata.labels[LABEL_ROLE] === 'prime') ||
    servedByPrime(metadata.name) !== undefined
  );
}
