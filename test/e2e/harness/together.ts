/** Cases that do not disturb each other, begun all at once: most of their time is waiting for the cluster. */
import { beforeAll, test } from '@jest/globals';

/** A test for each case, named for it. */
export function testTogether<C extends { readonly name: string }>(
  cases: readonly C[],
  run: (theCase: C) => Promise<void>,
  limitMs: number,
): void {
  const runs = new Map<string, Promise<void>>();
  beforeAll(() => {
    for (const theCase of cases) {
      const running = run(theCase);
      // Its own test tells of it.
      running.catch(() => {});
      runs.set(theCase.name, running);
    }
  });
  test.each(cases.map(({ name }) => name))('%s', async (name) => runs.get(name), limitMs);
}
