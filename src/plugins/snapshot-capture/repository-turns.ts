/** How long a repository that was opened counts as made: it may be removed, or its Secret name another. */
const FORGET_AFTER_MS = 60 * 60_000;
/** A turn under which no pod was asked for. It may be given on at any time: pods are asked for by whoever has the turn, and by nobody else. */
const UNUSED_MS = 5 * 60_000;
/** Who waits asks again every ten seconds. */
const WANTED_MS = 60_000;

interface Turn {
  /** Name of the pod, which holds the key of its capture. */
  readonly pod: string;
  readonly since: number;
  /** From then on there may be the pod. */
  readonly asked: boolean;
  /** A list that was begun later has the pod, if there is one. Undefined: the answer is awaited. */
  readonly shownFrom?: number;
}

/**
 * Whose turn it is to make a repository that is not known to be there: one capture's at a time, as two that make it at once may leave one
 * that nobody can open. Of pods that another process has asked for the lists tell, so that losing this (a restart) costs some waiting.
 */
export class RepositoryTurns {
  readonly #openedAt = new Map<string, number>();
  readonly #turns = new Map<string, Turn>();
  readonly #wantedAt = new Map<string, number>();

  opened(repository: string, now: number): void {
    this.#openedAt.set(repository, now);
    this.#turns.delete(repository);
    this.#wantedAt.delete(repository);
  }

  openedLately(repository: string, now: number): boolean {
    const at = this.#openedAt.get(repository);
    return at !== undefined && now - at < FORGET_AFTER_MS;
  }

  /** @returns false where it is another's turn. */
  take(repository: string, pod: string, now: number): boolean {
    if (this.openedLately(repository, now)) return true;
    const turn = this.#turns.get(repository);
    if (turn?.asked === true) return turn.pod === pod;
    if (this.holder(repository, now) !== undefined && turn?.pod !== pod) return false;
    this.#turns.set(repository, { pod, since: now, asked: false });
    return true;
  }

  /** The pod whose turn it is. */
  holder(repository: string, now: number): string | undefined {
    const turn = this.#turns.get(repository);
    if (turn === undefined) return undefined;
    return turn.asked || now - turn.since < UNUSED_MS ? turn.pod : undefined;
  }

  /** The pod is asked for now. */
  asked(repository: string, pod: string): void {
    const turn = this.#turnOf(repository, pod);
    if (turn !== undefined) this.#turns.set(repository, { pod, since: turn.since, asked: true });
  }

  /** @param from a list that was begun after this time has the pod, if it was made. */
  answered(repository: string, pod: string, from: number): void {
    const turn = this.#turnOf(repository, pod);
    if (turn?.asked === true) this.#turns.set(repository, { ...turn, shownFrom: from });
  }

  refused(repository: string, pod: string): void {
    if (this.#turnOf(repository, pod) !== undefined) this.#turns.delete(repository);
  }

  /** The capture does not go on for now. The turn stays as long as there may be a pod of it. */
  giveUp(pod: string): void {
    for (const [repository, turn] of this.#turns) {
      if (turn.pod === pod && !turn.asked) this.#turns.delete(repository);
    }
  }

  /** What a list shows: a pod that is not under way any more has had its turn. */
  seen(repository: string, underWay: readonly string[], listedAt: number): void {
    const turn = this.#turns.get(repository);
    if (turn?.shownFrom === undefined || listedAt <= turn.shownFrom || underWay.includes(turn.pod)) return;
    this.#turns.delete(repository);
  }

  /** Somebody waits for the turn. */
  want(repository: string, now: number): void {
    this.#wantedAt.set(repository, now);
  }

  isWanted(repository: string, now: number): boolean {
    const at = this.#wantedAt.get(repository);
    return at !== undefined && now - at < WANTED_MS;
  }

  #turnOf(repository: string, pod: string): Turn | undefined {
    const turn = this.#turns.get(repository);
    return turn?.pod === pod ? turn : undefined;
  }
}
