/** The long form of the property of parallel sources, as part of `make e2e-full`. */
import { expect, test } from '@jest/globals';
import { startArchiveServer } from '../../../../test/support/archive-server.ts';
import { holdsWhateverGoesWrong } from '../../../../test/support/parallel-stress.ts';

test(
  'two thousand bodies in parts, whatever goes wrong with which of them',
  async () => {
    await using server = await startArchiveServer({ host: '127.0.0.1' });
    await holdsWhateverGoesWrong(server, 2000);
    expect(server.requests.length).toBeGreaterThan(10_000);
  },
  30 * 60_000,
);
