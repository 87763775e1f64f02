/** What the main thread gives to its threads, and what they answer when they end. Plain data. */
import type { Notes } from '../entries/notes.ts';
import type { Job } from '../job.ts';
import type { RingMemory } from '../ring/slot-ring.ts';
import type { Thrown } from './thrown.ts';

export interface DecodeTask {
  readonly stage: 'decode';
  readonly job: Job;
  /** The directory that receives the content, or the device. */
  readonly root: string;
  /** The bodies of the job's layers one after another; each ends with an empty slot. */
  readonly input: RingMemory;
  /** One for each write thread. */
  readonly batches: readonly RingMemory[];
  /** One word: files so far. */
  readonly files: SharedArrayBuffer;
  /** A word for each layer: not 0 where this stage takes the digest of the body. It stands when the body's first slot comes. */
  readonly digesting: SharedArrayBuffer;
}

export interface WriteTask {
  readonly stage: 'write';
  readonly job: Job;
  /** As the decode stage has it. */
  readonly root: string;
  readonly batches: RingMemory;
}

export type StageTask = DecodeTask | WriteTask;

/** What became of a stage. A stage that was stopped by another one's failure says so, and nothing else. */
export type StageAnswer =
  | { readonly outcome: 'done'; readonly report: StageReport }
  | { readonly outcome: 'failed'; readonly thrown: Thrown }
  | { readonly outcome: 'stopped' };

export interface StageReport {
  /** Of the decode stage: files, hard links and symbolic links. Of the write stage: minus those that gave way to later ones. */
  readonly files: number;
  readonly notes: Notes;
  /** Of the bodies whose digests the stage was to take, in their order. */
  readonly digests: readonly string[];
}
