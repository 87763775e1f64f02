import { afterEach, describe, expect, test } from '@jest/globals';
import { Pools } from './pools.ts';

const pools = new Pools({ calls: { connections: 1 } });
afterEach(() => pools.close());

describe('pools', () => {
  test('stay while the certificates stay, though they are read anew', () => {
    const { calls, watches } = pools.for({ ca: 'a', cert: 'c', key: 'k' });
    expect(pools.for({ ca: 'a', cert: 'c', key: 'k' })).toMatchObject({ calls, watches });
  });

  test.each([
    ['CA', { ca: 'b', cert: 'c', key: 'k' }],
    ['certificate', { ca: 'a', cert: 'd', key: 'l' }],
  ])('are replaced when the %s rotates', (_, rotated) => {
    const before = pools.for({ ca: 'a', cert: 'c', key: 'k' });
    const after = pools.for(rotated);
    expect([after.calls === before.calls, after.watches === before.watches]).toEqual([false, false]);
    expect(before.calls).toHaveProperty('closed', true);
  });

  test('of a proxy are made too', () => {
    const through = new Pools({ proxy: 'http://127.0.0.1:3128', calls: { connections: 1 } });
    expect(through.for({}).calls).not.toBe(through.for({}).watches);
    return through.close();
  });
});
