/** What befalls the claims of a storm, and when: a pure function of a number, so that a storm can be had again. */

export const stormClasses = ['imm-del', 'imm-ret', 'wffc-del', 'wffc-ret'] as const;

export interface StormClaim {
  /** Of its source, too. */
  readonly name: string;
  readonly path: 'pod' | 'transfer';
  readonly storageClass: (typeof stormClasses)[number];
}

/** Done in this order. */
export interface StormStep {
  readonly apply: readonly StormClaim[];
  readonly waitMs: number;
  /** Which of the two controllers. */
  readonly kill: number | undefined;
  /** Claims that were applied and not deleted before. */
  readonly deleteClaims: readonly string[];
  /** Sources of claims that are there; all come back in the end. */
  readonly deleteSources: readonly string[];
}

export interface StormSize {
  readonly claims: number;
  /** How many of them have a populator pod. */
  readonly pods: number;
  readonly steps: number;
  /** A step waits up to so long. */
  readonly longestWaitMs: number;
}

export interface StormPlan {
  readonly steps: readonly StormStep[];
  /** Those that nobody deletes. */
  readonly survivors: readonly StormClaim[];
  readonly claims: readonly StormClaim[];
}

export function planStorm(seed: number, { claims: count, pods, steps: length, longestWaitMs }: StormSize): StormPlan {
  const random = randomOf(seed);
  const claims = Array.from({ length: count }, (_, index): StormClaim => {
    const path = index % count < pods ? 'pod' : 'transfer';
    return { name: `${path}-${index}`, path, storageClass: stormClasses[index % stormClasses.length] ?? 'imm-del' };
  });
  const coming = shuffled(claims, random);
  const living = new Map<string, StormClaim>();
  const steps = Array.from({ length }, (_, index): StormStep => {
    const apply = coming.splice(0, Math.ceil(coming.length / (length - index)));
    for (const claim of apply) living.set(claim.name, claim);
    const names = () => [...living.keys()];
    const doomed = random() < 0.6 ? pick(names(), random) : undefined;
    if (doomed !== undefined) living.delete(doomed);
    const source = random() < 0.4 ? pick(names(), random) : undefined;
    return {
      apply,
      waitMs: Math.round(random() * longestWaitMs),
      kill: random() < 0.7 ? Math.floor(random() * 2) : undefined,
      deleteClaims: doomed === undefined ? [] : [doomed],
      deleteSources: source === undefined ? [] : [source],
    };
  });
  return { steps, survivors: [...living.values()], claims };
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick(names: readonly string[], random: () => number): string | undefined {
  return names[Math.floor(random() * names.length)];
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
