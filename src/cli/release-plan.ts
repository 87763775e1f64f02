/** What waits for Volprime, and what is left when it waits no longer. Pure. */
import { GROUP, LABEL_CLAIM_UID, LABEL_MANAGED_BY, MANAGED_BY, primeName } from '../api/names.ts';
import type { Claim, KubeObject, Pod, Volume } from '../api/objects.ts';
import type { Population } from '../api/population.ts';

export interface Held {
  readonly claims: readonly Claim[];
  readonly pods: readonly Pod[];
  readonly populations: readonly Population[];
  /** Undefined where volumes may not be listed. */
  readonly volumes: readonly Volume[] | undefined;
}

export interface ReleasePlan {
  /** In this order, the memory last: a run that is cut short can be repeated. */
  readonly release: readonly KubeObject[];
  /** What then is for a person to look at, each with a command. */
  readonly left: readonly string[];
}

/** Every finalizer of ours bears our group. */
export function isOurs(finalizer: string): boolean {
  return finalizer.startsWith(`${GROUP}/`);
}

export function planRelease({ claims, pods, populations, volumes }: Held): ReleasePlan {
  const primes = claims.filter(isMade);
  const users = claims.filter((claim) => !isMade(claim));
  return {
    release: [pods, primes, users, populations].flatMap((objects) => objects.filter(isHeld)),
    left: [
      ...pods
        .filter((pod) => isMade(pod))
        .map((pod) => `${nameOf(pod)} may still write to its volume: ${removal(pod)}`),
      ...primes.map((prime) => `${nameOf(prime)}${volumeOf(prime, volumes)}: ${removal(prime)}`),
      ...(volumes ?? []).filter((volume) => isStray(volume, claims)).map(describeVolume),
      ...(volumes === undefined
        ? ['volumes may not be listed: look with "kubectl get pv" for claims named volprime-…']
        : []),
    ],
  };
}

/** For a terminal. */
export function describePlan({ release, left }: ReleasePlan, verb: string): string[] {
  const nothing = release.length === 0 ? ['nothing waits for Volprime'] : [];
  return [
    ...nothing,
    ...release.map((object) => `${verb} ${nameOf(object)}`),
    ...(left.length === 0 ? [] : ['left for you to look at:']),
    ...left.map((line) => `  ${line}`),
  ];
}

export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function isHeld({ metadata }: KubeObject): boolean {
  return metadata.finalizers?.some(isOurs) ?? false;
}

/** A prime or a populator pod, as its labels say. */
function isMade({ metadata }: KubeObject): boolean {
  return metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY && metadata.labels[LABEL_CLAIM_UID] !== undefined;
}

/** A prime keeps the name of its volume when that has been handed over; only the volume itself tells. */
function volumeOf({ metadata, spec: { volumeName } }: Claim, volumes: Held['volumes']): string {
  if (volumeName === undefined) return ', without a volume yet';
  const owner = volumes?.find((volume) => volume.metadata.name === volumeName)?.spec.claimRef;
  return owner?.uid === undefined || owner.uid === metadata.uid
    ? `, with volume ${volumeName}, perhaps half-written`
    : `, no longer needed: its volume ${volumeName} belongs to ${owner.namespace}/${owner.name} and stays`;
}

function removal({ kind, metadata }: KubeObject): string {
  const resource = kind === 'Pod' ? 'pod' : 'pvc';
  return `kubectl delete ${resource} --namespace=${metadata.namespace} ${metadata.name}`;
}

/** Of a prime that does not exist, as its name says. */
function isStray({ spec }: Volume, claims: readonly Claim[]): boolean {
  const made = spec.claimRef?.name?.startsWith(primeName('')) ?? false;
  return made && !claims.some(({ metadata }) => metadata.uid === spec.claimRef?.uid);
}

function describeVolume({ metadata, spec, status }: Volume): string {
  const { namespace, name } = spec.claimRef ?? {};
  return `PersistentVolume ${metadata.name} (${status?.phase}, ${spec.persistentVolumeReclaimPolicy}) of ${namespace}/${name}, which is gone: kubectl describe pv ${metadata.name}`;
}
