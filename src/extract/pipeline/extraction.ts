/** What the layers of one job share while they become commands: the plan of the tree, the limits, what was noted. */
import type { Pieces } from '../decode/pieces.ts';
import type { Notes } from '../entries/notes.ts';
import { Overlay } from '../entries/overlay.ts';
import { type ContentMemory, extractLayer } from '../extract-layer.ts';
import type { Job, Layer } from '../job.ts';
import { LimitGuard } from '../limits.ts';
import type { TreeCommands } from '../write/tree-commands.ts';
import { TreePlanner } from '../write/tree-planner.ts';
import type { StageReport } from './protocol.ts';

export class Extraction {
  readonly #job: Job;
  readonly #memory: ContentMemory;
  readonly #notes: Notes = new Map();
  readonly #planner: TreePlanner;
  readonly #limits: LimitGuard;
  readonly #overlay = new Overlay();

  constructor(job: Job, commands: TreeCommands, memory: ContentMemory) {
    this.#job = job;
    this.#memory = memory;
    this.#limits = new LimitGuard(job.limits);
    const { ownership, modes } = job;
    this.#planner = new TreePlanner(commands, { ownership, modes, notes: this.#notes, ...this.#limits.budgets });
  }

  /** Files, hard links and symbolic links so far; one that replaced another counts again. */
  get files(): number {
    return this.#planner.files;
  }

  /**
   * One layer, in the job's order.
   * @param onPiece after each piece of content.
   * @throws as extractLayer.
   */
  extract(layer: Layer, pieces: Pieces, onPiece: () => void | Promise<void>): Promise<void> {
    return extractLayer({
      layer,
      preserveOwners: this.#job.ownership.preserve,
      pieces,
      handler: this.#planner,
      limits: this.#limits,
      overlay: this.#overlay,
      memory: this.#memory,
      notes: this.#notes,
      onPiece,
    });
  }

  /** After the last layer. @returns its steps; all are to be taken. */
  *finish(): Generator<void, Pick<StageReport, 'files' | 'notes'>, void> {
    yield* this.#planner.finish();
    return { files: this.files, notes: this.#notes };
  }
}
