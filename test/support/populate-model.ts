/**
 * A world of one claim, for property tests of `decide`: what each action does to the objects, and what Kubernetes and people do meanwhile.
 * It uses the real builders of objects and statuses; what it replaces is the API server, one object at a time.
 */
import {
  ANNOTATION_BIND_COMPLETED,
  ANNOTATION_RECLAIM_POLICY,
  ANNOTATION_LAST_NODE,
  ANNOTATION_SELECTED_NODE,
  CLAIM_FINALIZER,
  PROTECTION_FINALIZER,
} from '../../src/api/names.ts';
import type { Claim, Pod } from '../../src/api/objects.ts';
import type { PinnedSource } from '../../src/api/population.ts';
import type { Action } from '../../src/populate/action.ts';
import type { StatusPatch } from '../../src/populate/effects/record.ts';
import { swapObjection } from '../../src/populate/effects/volume.ts';
import { type AttemptPod, type Failure, noLocalFacts, type Observation } from '../../src/populate/observation.ts';
import { isDeletedUnbound, isSwapped, isTerminal } from '../../src/populate/facts.ts';
import { sourceNamespace } from '../../src/populate/grants.ts';
import { forPrime, forRecord, pinnedSource } from '../../src/populate/pinned-source.ts';
import { attemptStarted, failed, refusalRecorded, resultRecorded, succeeded } from '../../src/populate/status.ts';
import { recordedVolume } from '../../src/populate/volume-content.ts';
import { podFor, VolumeModel } from './volume-model.ts';
import { beginning, type WorldOptions } from './populate-beginning.ts';
import { handedOver, removal, underPolicy, withFinalizers, withNotes, withStatus } from './object-changes.ts';
import { aBoundPrime, aPopulation, aPrime, aSource, aVolume, NOW, UID } from './objects.ts';

export class World {
  now = NOW;
  /** Swaps that the API server took. */
  swaps = 0;
  /** Volumes that somebody deleted between the swap and the binding. */
  readonly deletedUnbound = new Set<string>();
  readonly volumes: VolumeModel;
  #o: Observation;
  #primes = 0;
  /** A volume that no decision has been made on yet. */
  #unseen: string | undefined;
  #takenByForce = false;
  #reclaimPolicy: 'Delete' | 'Retain';
  readonly #waits: boolean;
  #granted = true;
  readonly #firstSource: PinnedSource;

  constructor(options: WorldOptions) {
    this.#reclaimPolicy = options.reclaimPolicy;
    this.volumes = new VolumeModel(options);
    this.#waits = options.waitForConsumer;
    this.#o = beginning(options);
    this.#firstSource = this.#o.source ?? aSource;
  }

  get observation(): Observation {
    const o = this.#o;
    const access = o.access === 'own' || this.#granted ? o.access : 'denied';
    const source = access === 'denied' ? undefined : o.source;
    const named = o.claim && sourceNamespace(o.claim);
    return {
      ...o,
      access,
      source,
      former: this.volumes.former(o.population),
      pinned: pinnedSource({ ...o, named, source }),
    };
  }

  /** Does to the world what the effect of the action would do. */
  apply(action: Action): void {
    const o = this.observation;
    const { claim, population } = o;
    this.#unseen = undefined;
    switch (action.type) {
      case 'Ignore':
      case 'Wait':
      case 'ReadProgress':
      case 'RecordProgress':
        return this.#local({ progressAt: this.now });
      case 'ProtectClaim':
        return this.#set({
          claim: claim && withFinalizers(claim, [...(claim.metadata.finalizers ?? []), CLAIM_FINALIZER]),
        });
      case 'RecordPopulation': {
        const generation = (population?.metadata.generation ?? 0) + 1;
        const pinned = forRecord(action.pinned, 'app');
        const record = aPopulation(population?.status ?? {}, { pinned, meta: { generation } });
        return this.#set({
          population:
            population === undefined ? { ...record, status: {} } : { ...record, status: population.status ?? {} },
        });
      }
      case 'CreateRecord':
        return this.#set({
          population: { ...aPopulation({}, { pinned: undefined, meta: { finalizers: [] } }), status: {} },
        });
      case 'Prepare': {
        // "Not yet" first: what is awaited delays, and never counts as a failure.
        const { preparing } = o.local;
        if (preparing !== undefined) return this.#local({ prepared: true, preparing: undefined });
        const awaited = { reason: 'Preparing', message: 'not yet', mood: 'routine', askAgainAt: this.now } as const;
        return this.#local({ preparing: awaited });
      }
      case 'CreatePrime': {
        this.#primes += 1;
        if (o.pinned === undefined) throw new Error('a prime is made for a source that nobody knows');
        const { node } = action;
        const placed = node !== undefined && { [ANNOTATION_SELECTED_NODE]: node, [ANNOTATION_LAST_NODE]: node };
        const annotations = { ...placed, ...forPrime(o.pinned, 'app') };
        return this.#set({ prime: o.prime ?? aPrime({ meta: { uid: `prime-${this.#primes}`, annotations } }) });
      }
      case 'Renew':
        return this.#local({ renewedAt: this.now });
      case 'LookForNode':
        return this.#local({ nodeLook: { node: action.node, at: this.now, gone: false } });
      case 'RecordRefusal':
        return this.#status(refusalRecorded(o, action, this.now));
      case 'SetPrimeNode':
        return this.#primeNotes({ [ANNOTATION_SELECTED_NODE]: action.node, [ANNOTATION_LAST_NODE]: action.node });
      case 'HandBackNode':
        this.#set({ claim: claim && withNotes(claim, { [ANNOTATION_SELECTED_NODE]: undefined }) });
        return this.#primeNotes({ [ANNOTATION_SELECTED_NODE]: undefined, [ANNOTATION_LAST_NODE]: 'handed-back' });
      case 'StartAttempt':
        return this.#status(attemptStarted(o, action, this.now));
      case 'CreatePod':
        this.volumes.wrote(this.observation);
        this.#local({ podSeen: action.attempt, podReviewed: action.attempt });
        return this.#set({
          pods: [...o.pods, { attempt: action.attempt, pod: podFor(o, action.attempt) }],
        });
      case 'ReviewPod':
        return this.#local({ podReviewed: action.attempt });
      case 'CallPopulate':
        this.volumes.wrote(this.observation);
        return this.#local({ startedAttempt: action.attempt });
      case 'CallComplete':
        return this.#local({
          answer: { done: false, attempt: action.attempt, askAgainAt: this.now + 1_000, progress: undefined },
        });
      case 'RecordResult':
        return this.#status(resultRecorded(o, action.result, this.now));
      case 'RecordFailure':
        this.#status(failed(o, action, this.now));
        // No object that is ours names it any more; Kubernetes reclaims it when the claim has another one, or is gone.
        if (this.#o.population?.status?.volume === undefined && isSwapped(o)) this.#set({ volume: undefined });
        return this.#local({
          failure: undefined,
          prepared: false,
          preparing: undefined,
          answer: undefined,
          startedAttempt: 0,
        });
      case 'Rebind': {
        if (
          population === undefined ||
          o.volume === undefined ||
          swapObjection({ volume: o.volume, prime: o.prime, claim }, population) !== undefined
        )
          return;
        this.swaps += 1;
        return this.#set({ volume: handedOver(o.volume, this.#reclaimPolicy, this.now) });
      }
      case 'RecordSuccess':
        return this.#status(succeeded(o, this.now));
      case 'DeletePod':
        return this.#pod(action.pod, (pod) => removal(pod, this.now));
      case 'ReleasePod':
        return this.#pod(action.pod, () => undefined);
      case 'CallCleanup':
      case 'SkipCleanup':
        return this.#local({ cleaned: true });
      case 'SuspendRetain':
        if (action.volume.metadata.uid === o.volume?.metadata.uid)
          return this.#set({ volume: underPolicy(o.volume, 'Delete') });
        return this.volumes.reclaim(action.volume, population);
      case 'KeepVolume':
        return this.#set({ volume: underPolicy(action.volume, 'Retain') });
      case 'RecordFinding':
        return this.#status({ volume: recordedVolume(o) ?? null });
      case 'DeleteVolume':
        this.volumes.remove(action.volume, population);
        return this.#set({ volume: undefined });
      case 'DeletePrime':
        return this.#deletePrime();
      case 'ReleasePrime':
        if (o.prime?.metadata.deletionTimestamp !== undefined) return this.#primeGone();
        return this.#set({ prime: o.prime && withFinalizers(o.prime, []) });
      case 'ReleaseClaim':
        return this.#claimReleased();
      case 'ReleasePopulation':
        return this.#set({
          population: claim === undefined ? undefined : population && withFinalizers(population, []),
        });
    }
  }

  // What Kubernetes does.

  provision(): void {
    const { prime } = this.#o;
    if (prime === undefined || prime.spec.volumeName !== undefined) return;
    if (this.#waits && prime.metadata.annotations?.[ANNOTATION_SELECTED_NODE] === undefined) return;
    const name = `pv-${this.#primes}`;
    this.#unseen = name;
    this.#set({
      prime: { ...prime, spec: { ...aBoundPrime.spec, volumeName: name }, status: { phase: 'Bound' } },
      volume: aVolume(prime.metadata.uid, {
        meta: { name, uid: `volume-${this.#primes}` },
        spec: { persistentVolumeReclaimPolicy: this.#reclaimPolicy },
      }),
    });
  }

  /** The provisioner gives up on the node. */
  refuseNode(): void {
    const { prime } = this.#o;
    if (prime?.spec.volumeName === undefined) this.#primeNotes({ [ANNOTATION_SELECTED_NODE]: undefined });
  }

  runPod(exitCode: number): void {
    const { pods } = this.#o;
    const entry = pods.find(({ pod }) => !isTerminal(pod));
    if (entry === undefined) return;
    const status = this.volumes.run(entry.pod, exitCode);
    this.#pod(entry.pod, (pod) => ({ ...pod, spec: { nodeName: 'n' }, status: status ?? {} }));
  }

  answerDone(): void {
    const { answer } = this.#o.local;
    if (answer !== undefined)
      this.#local({ answer: { done: true, attempt: answer.attempt, result: { verification: 'plugin' } } });
  }

  bind(): void {
    const { volume, claim } = this.#o;
    if (claim === undefined || volume?.spec.claimRef?.uid !== UID) return;
    if (isDeletedUnbound(this.#o)) return;
    const elsewhere = claim.spec.volumeName !== undefined && claim.spec.volumeName !== volume.metadata.name;
    // The PV controller reclaims a provisioned volume whose claim has another one, and lets one go that somebody deleted.
    const goes =
      volume.spec.persistentVolumeReclaimPolicy === 'Delete' || volume.metadata.deletionTimestamp !== undefined;
    if (elsewhere && goes) this.#set({ volume: undefined });
    if (claim.spec.volumeName !== undefined) return;
    this.#bindTo(claim, volume.metadata.name);
  }

  consume(): void {
    const { claim } = this.#o;
    if (claim === undefined || claim.metadata.annotations?.[ANNOTATION_SELECTED_NODE] !== undefined) return;
    this.#set({ claim: withNotes(claim, { [ANNOTATION_SELECTED_NODE]: 'n' }) });
  }

  // What people and crashes do.

  crash(): void {
    this.#set({ local: noLocalFacts });
  }

  failCall(scope: Failure['scope']): void {
    if (this.#o.plugin?.path === 'podless' && this.#o.local.startedAttempt > 0)
      this.#local({ failure: { reason: 'Said', message: 'm', scope } });
  }

  deleteClaim(): void {
    const { claim } = this.#o;
    if (claim !== undefined)
      this.#set({
        claim: claim.metadata.finalizers?.includes(CLAIM_FINALIZER) === true ? removal(claim, this.now) : undefined,
      });
    this.#collectGarbage();
  }

  deletePrime(): void {
    this.#deletePrime();
  }

  /** It stays as long as a claim holds on to it. */
  deleteVolume(): void {
    const { volume } = this.#o;
    if (volume === undefined) return;
    this.#set({ volume: this.volumes.takenByHand(removal(volume, this.now)) });
    if (isDeletedUnbound(this.#o)) this.deletedUnbound.add(volume.metadata.name);
  }

  /** By force: its finalizers do not hold it. What nobody has had the time to look at is the sweeper's to report. */
  stripPrime(): void {
    const { prime, volume } = this.#o;
    this.#takenByForce = true;
    if (prime !== undefined && (volume === undefined || volume.metadata.name !== this.#unseen)) this.#primeGone();
    this.#takenByForce = false;
  }

  deletePod(): void {
    const entry = this.#o.pods[0];
    if (entry !== undefined) this.#pod(entry.pod, (pod) => removal(pod, this.now));
  }

  stripPod(): void {
    const { volume } = this.#o.pods[0]?.pod.metadata.labels ?? {};
    if (volume !== undefined) this.volumes.losePod(volume);
    this.#set({ pods: this.#o.pods.slice(1) });
  }

  loseNode(): void {
    const node = this.#o.prime?.metadata.annotations?.[ANNOTATION_SELECTED_NODE];
    if (node !== undefined) this.#local({ nodeLook: { node, at: this.now, gone: true } });
  }

  bindElsewhere(): void {
    const { claim } = this.#o;
    if (claim !== undefined && claim.spec.volumeName === undefined) this.#bindTo(claim, 'pv-static');
  }

  editSource(): void {
    const { source } = this.#o;
    this.#set({ source: { ...(source ?? this.#firstSource), generation: (source?.generation ?? 1) + 1 } });
  }

  revoke(): void {
    this.#granted = false;
  }

  grant(): void {
    this.#granted = true;
  }

  deleteSource(): void {
    this.#set({ source: undefined });
  }

  #bindTo(claim: Claim, volumeName: string): void {
    const noted = withNotes(claim, { [ANNOTATION_BIND_COMPLETED]: 'yes' });
    this.#set({ claim: { ...noted, spec: { ...claim.spec, volumeName } } });
  }

  #deletePrime(): void {
    const { prime } = this.#o;
    if (prime?.metadata.finalizers?.length === 0) this.#primeGone();
    else this.#set({ prime: prime && removal(prime, this.now) });
  }

  /** The PV controller releases the volume of a prime that is gone; it stays for ever where the policy says so. */
  #primeGone(): void {
    const { volume, prime } = this.#o;
    const released = volume !== undefined && volume.spec.claimRef?.uid === prime?.metadata.uid;
    const retained = released && volume.spec.persistentVolumeReclaimPolicy === 'Retain';
    if (retained) this.volumes.release(volume);
    // What was said a moment before a theft has not come to the volume's policy yet.
    const news = this.#takenByForce && volume?.metadata.annotations?.[ANNOTATION_RECLAIM_POLICY] === undefined;
    if (released && !retained && !news) this.volumes.remove(volume, this.#o.population);
    this.#set({ prime: undefined, ...(released && { volume: undefined }) });
  }

  #claimReleased(): void {
    const { claim } = this.#o;
    if (claim === undefined) return;
    const gone = claim.metadata.deletionTimestamp !== undefined;
    this.#set({
      claim: gone
        ? undefined
        : withFinalizers(claim, claim.metadata.finalizers?.filter((name) => name !== CLAIM_FINALIZER) ?? []),
    });
    this.#collectGarbage();
  }

  #collectGarbage(): void {
    const { claim, population } = this.#o;
    const held = population?.metadata.finalizers?.includes(PROTECTION_FINALIZER) === true;
    if (claim === undefined && population !== undefined && !held) this.#set({ population: undefined });
  }

  #primeNotes(notes: Readonly<Record<string, string | undefined>>): void {
    const { prime } = this.#o;
    this.#set({ prime: prime && withNotes(prime, notes) });
  }

  #status(patch: StatusPatch): void {
    const { population } = this.#o;
    if (population === undefined) return;
    if (patch.volume?.found === 'empty') this.volumes.recordedEmpty.add(patch.volume.name);
    this.#set({ population: withStatus(population, patch) });
  }

  #pod(pod: Pod, change: (pod: Pod) => Pod | undefined): void {
    const pods = this.#o.pods.flatMap((entry): AttemptPod[] => {
      if (entry.pod.metadata.uid !== pod.metadata.uid) return [entry];
      const next = change(entry.pod);
      return next === undefined ? [] : [{ ...entry, pod: next }];
    });
    this.#set({ pods });
  }

  #local(change: Partial<Observation['local']>): void {
    this.#set({ local: { ...this.#o.local, ...change } });
  }

  #set(change: Partial<Observation>): void {
    this.#o = Object.freeze({ ...this.#o, ...change });
  }
}
