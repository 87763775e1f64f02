/** The property of parallel sources: whatever happens to single parts, what is read is the body or an error, never anything else. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { ArchiveServer, Route } from './archive-server.ts';
import { body, headers, partBytes, readInParts } from './parallel-reading.ts';

const other = randomBytes(body.length);

/** What a request for a part can get. The mended ones leave the body to be read; the others may end the attempt. */
const faults = {
  cut: { cutAfter: 9000 },
  cutAtOnce: { cutAfter: 1 },
  refused: { status: 500 },
  busy: { status: 503, headers: { ...headers, 'retry-after': '0' } },
  slow: { bytesPerSecond: 2_000_000 },
  whole: { ranges: false },
  elsewhere: { headers: { ...headers, 'content-range': 'bytes 1-50000/1000000' } },
  otherVersion: { headers: { etag: '"v2"' }, body: other },
} satisfies Record<string, Route>;
type Fault = keyof typeof faults;

const mended: readonly Fault[] = ['cut', 'cutAtOnce', 'refused', 'busy', 'slow', 'whole'];
const lies: readonly Fault[] = ['elsewhere', 'otherVersion'];
/** Every way in which an attempt may end here: each of them is followed by another attempt. */
const ENDS = ['SourceChanged', 'SourceUnreachable', 'SourceTruncated', 'SourceBusy', 'SourceStalled'];

/** A part's number, and what its first requests get, in turn. */
const troubles = (kinds: readonly Fault[]) =>
  fc.dictionary(
    fc.nat({ max: Math.ceil(body.length / partBytes) }).map(String),
    fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 3 }),
    { maxKeys: 8 },
  );

const plays = fc.record({
  length: fc.integer({ min: 1, max: body.length }),
  step: fc.integer({ min: 500, max: 90_000 }),
  widths: fc.array(fc.constantFrom(1, 2, 4, 16), { minLength: 1, maxLength: 40 }),
  troubles: fc.oneof(troubles(mended), troubles([...mended, ...lies])),
});

let played = 0;

/** @param runs how many bodies are read, each with faults of its own. */
export async function holdsWhateverGoesWrong(server: ArchiveServer, runs: number): Promise<void> {
  const property = fc.asyncProperty(plays, async ({ length, step, widths, troubles }) => {
    let [turn, given] = [0, false];
    const width = {
      get connections() {
        return given ? 1 : (widths[turn % widths.length] ?? 1);
      },
      observe: () => void (turn += 1),
      giveUp: () => void (given = true),
    };
    // Counted by the part, wherever in it a request begins: who got a byte asks for the next one.
    const asked = new Map<number, number>();
    const parts = (first: number): Route | undefined => {
      const part = Math.floor(first / partBytes);
      const before = asked.get(part) ?? 0;
      asked.set(part, before + 1);
      const fault = troubles[part]?.[before];
      return fault && faults[fault];
    };
    const small = body.subarray(0, length);
    const path = `/stress-${(played += 1)}`;
    const outcome = await readInParts(server, { body: small, parts }, { path, width, step }).catch(
      (error: unknown) => ({
        error: error as Error & { code?: string },
      }),
    );
    if ('error' in outcome) {
      if (!ENDS.includes(outcome.error.code ?? '')) throw outcome.error;
    } else if (!outcome.received.equals(small)) throw new Error(`other bytes were read than are served: ${path}`);
  });
  await fc.assert(property, { numRuns: runs, endOnFailure: true });
}
