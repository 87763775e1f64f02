/** How long a class whose driver made no clone is not asked for one again. */
const FORGET_AFTER_MS = 60 * 60_000;

/** Classes whose volumes could not be cloned. Losing it (a restart) costs one more try. */
export class CloneMemory {
  readonly #failedAt = new Map<string, number>();

  failed(storageClass: string, now: number): void {
    this.#failedAt.set(storageClass, now);
  }

  failedLately(storageClass: string, now: number): boolean {
    const at = this.#failedAt.get(storageClass);
    return at !== undefined && now - at < FORGET_AFTER_MS;
  }
}
