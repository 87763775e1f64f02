import { describe, expect, test } from '@jest/globals';
import { anObservation, aPopulation, aPrime, NOW } from '../../test/support/objects.ts';
import type { Placement } from '../api/population.ts';
import { withRefusal } from './placement.ts';

/** The memory after the provisioner gave up on these nodes one after the other. */
function after(nodes: readonly string[]): Placement[] {
  const all: Placement[] = [];
  for (const node of nodes) {
    const placement = all.at(-1);
    const o = anObservation({ population: aPopulation(placement === undefined ? {} : { placement }) });
    all.push(withRefusal(o, node, aPrime(), NOW));
  }
  return all;
}

const waits = (all: readonly Placement[]) => all.map(({ handBackAt }) => Date.parse(handBackAt) - NOW);

describe('a node on which the provisioner gave up', () => {
  test('is handed back at once where it is the first time: another one may do', () => {
    expect(waits(after(['n1', 'n2', 'n3']))).toEqual([0, 0, 0]);
  });

  test('is handed back later and later where it is the same again, up to a minute', () => {
    const [first, ...rest] = waits(after(Array.from({ length: 12 }, () => 'n1')));
    expect(first).toBe(0);
    expect(rest[0]).toBeGreaterThanOrEqual(3_000);
    expect(rest).toEqual(rest.toSorted((a, b) => a - b));
    expect(rest.at(-1)).toBe(60_000);
  });

  test('is remembered with the latest last, twenty at most', () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${index}`);
    expect(after([...names, 'n10']).at(-1)).toMatchObject({
      refusals: 26,
      nodes: [...names.slice(5).filter((name) => name !== 'n10'), 'n10'],
    });
  });
});
