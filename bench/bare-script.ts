/**
 * The least that any populator has to do: create claim and prime, wait for the prime's volume, swap its claimRef. Three writes a claim, no
 * record, no protection, no reads, no clean-up, and it need not even watch for claims, since it made them.
 */
import PQueue from 'p-queue';
import type { Claim } from '../src/api/objects.ts';
import { claims, volumes } from '../src/api/resources.ts';
import { isBound, NAMESPACE, namesOf, newClaim, scriptSource } from './objects.ts';
import { allSeen } from './observer.ts';
import { type Pass, stopwatch } from './passes.ts';
import { CONCURRENCY, type Site, written } from './site.ts';

const PRIME = 'prime-';

/** Seconds from the first create call to the last claim Bound. */
export async function bareScript(site: Site, { prefix, count, storageClass }: Pass): Promise<number> {
  const names = namesOf(prefix, count);
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const made = new Map<string, Claim>();
  const swaps: Promise<void>[] = [];
  const elapsed = stopwatch();

  const bound = allSeen(site.claims, { what: "the script's claims to be bound", names, wanted: isBound });
  const primesBound = allSeen(site.claims, {
    what: "the script's primes to be bound",
    names: names.map((name) => PRIME + name),
    wanted: isBound,
    onEach: ({ metadata, spec }) => {
      const claim = made.get(metadata.name.slice(PRIME.length));
      if (claim === undefined || spec.volumeName === undefined) throw new Error(`unknown prime ${metadata.name}`);
      const volume = spec.volumeName;
      swaps.push(queue.add(() => swap(site, volume, claim)));
    },
  });
  const creates = names.map((name) => async () => {
    const claim = newClaim({ name, storageClass, source: scriptSource });
    made.set(name, written(await site.client.create<Claim>(claims, claim), name));
    written(await site.client.create(claims, newClaim({ name: PRIME + name, storageClass })), PRIME + name);
  });
  await Promise.all([queue.addAll(creates), primesBound]);
  await Promise.all([bound, ...swaps]);
  return elapsed();
}

async function swap(site: Site, volume: string, { metadata }: Claim): Promise<void> {
  const claimRef = { namespace: NAMESPACE, name: metadata.name, uid: metadata.uid, resourceVersion: null };
  written(await site.client.mergePatch(volumes, { name: volume }, { spec: { claimRef } }), `volume ${volume}`);
}
