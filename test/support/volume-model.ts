/** What becomes of volumes and their content in the world of populate-model.ts, and what a populator pod says of it. */
import type { Pod, Volume } from '../../src/api/objects.ts';
import type { Found } from '../../src/api/populator-program.ts';
import type { Population } from '../../src/api/population.ts';
import type { Observation } from '../../src/populate/observation.ts';
import { targetStateOf } from '../../src/populate/volume-content.ts';
import type { PodReport } from '../../src/sdk/index.ts';
import { aPod, ended } from './objects.ts';
import type { WorldOptions } from './populate-beginning.ts';

const said = (report: PodReport) => JSON.stringify(report);

/** The volume that it mounts and what it is told of it are kept in labels, which no decision reads. */
export function podFor(o: Observation, attempt: number): Pod {
  const labels = { state: targetStateOf(o), volume: o.volume?.metadata.name ?? '' };
  return { ...aPod(attempt, { phase: 'Pending' }, { labels }), spec: {} };
}

export class VolumeModel {
  /** Volumes of primes that are gone, and that their policy keeps. */
  leaked: string[] = [];
  /** Volumes with content of others that were removed, or that a pod was told to take for its own. */
  readonly destroyed: string[] = [];
  readonly deletedByHand = new Set<string>();
  /** Volumes that the record has called empty. */
  readonly recordedEmpty = new Set<string>();
  /** Volumes on which a pod was stopped by what an earlier attempt of ours had written. */
  readonly stoppedByOwn: string[] = [];
  /** Volumes of pods that were taken away by force. */
  readonly lostPods = new Set<string>();
  /** Generations of the source that were written to each volume, by its UID. */
  readonly written = new Map<string, Set<number>>();
  readonly #options: Pick<WorldOptions, 'content' | 'reclaimPolicy'>;
  /** Volumes that a pod of ours may have written to. */
  readonly #written = new Set<string>();
  #released: Volume[] = [];

  constructor(options: Pick<WorldOptions, 'content' | 'reclaimPolicy'>) {
    this.#options = options;
  }

  /** As src/pod does: looks as it is told to, and says what it found whatever comes of the rest. @returns the status of the pod that has ended */
  run({ metadata }: Pod, exitCode: number): Pod['status'] {
    const { content } = this.#options;
    const { state = '', volume = '' } = metadata.labels ?? {};
    const found: Found = content || this.#written.has(volume) ? 'content' : 'empty';
    if (state === 'was-empty' && content) this.destroyed.push(volume);
    if (state === 'new' && found === 'content') {
      if (!content) this.stoppedByOwn.push(volume);
      return ended(2, said({ outcome: 'failed', reason: 'VolumeNotEmpty', message: 'm', permanent: true, found }));
    }
    this.#written.add(volume);
    const looks = state === 'new' || state === 'may-hold-content';
    const looked: { found: Found } | undefined = looks ? { found } : undefined;
    if (exitCode === 0)
      return ended(0, said({ outcome: 'succeeded', targets: [{ verification: 'archive' }], ...looked }));
    return ended(exitCode, looked === undefined ? 'boom' : said({ outcome: 'unfinished', ...looked }));
  }

  /** A writer starts. Generation -1: the source's spec is not known. */
  wrote({ pinned, volume }: Observation): void {
    const uid = volume?.metadata.uid ?? '';
    const generations = this.written.get(uid) ?? new Set();
    this.written.set(uid, generations.add(pinned?.spec === undefined ? -1 : pinned.generation));
  }

  /** A person deletes it: what its policy retains then stays, as with every volume. */
  takenByHand(volume: Volume): Volume {
    this.deletedByHand.add(volume.metadata.name);
    return volume;
  }

  losePod(volume: string): void {
    this.#written.add(volume);
    this.lostPods.add(volume);
  }

  former(population: Population | undefined): Volume | undefined {
    const { volume, prime, discard } = population?.status ?? {};
    return this.#released.find(({ metadata, spec: { claimRef } }) => {
      const ours = claimRef?.uid === prime?.uid || claimRef?.uid === discard;
      return metadata.uid === volume?.uid && ours;
    });
  }

  /** Its prime is gone, and its policy keeps it. */
  release(volume: Volume): void {
    this.leaked.push(volume.metadata.name);
    this.#released.push(volume);
  }

  /** A released one gets the policy Delete. */
  reclaim(volume: Volume, population: Population | undefined): void {
    this.#released = this.#released.filter(({ metadata }) => metadata.uid !== volume.metadata.uid);
    this.leaked = this.leaked.filter((name) => name !== volume.metadata.name);
    this.remove(volume, population);
  }

  /** Under Delete an unknown volume goes as an ordinary claim's would; what a class retains, or the record knows, must not. */
  remove({ metadata }: Volume, population: Population | undefined): void {
    const known = population?.status?.volume;
    const spokenOf = known?.uid === metadata.uid && known.found !== undefined;
    const { content, reclaimPolicy } = this.#options;
    if (content && (reclaimPolicy === 'Retain' || spokenOf)) this.destroyed.push(metadata.name);
  }
}
